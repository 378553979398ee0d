"""Camera frames, designs and generated pictures: kept, deduplicated, exported, published, cleaned up."""

__version__ = "0.1.0"
