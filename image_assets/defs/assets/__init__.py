"""The assets: a source's chain, and retention."""
