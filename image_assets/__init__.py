"""Camera frames, designs and generated pictures: kept, deduplicated, exported, published, cleaned up."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from image_assets.library import UploadOrder, download, ensure_url, upload

__version__ = "0.1.0"
__all__ = ["UploadOrder", "__version__", "download", "ensure_url", "upload"]


def __getattr__(name: str) -> Any:
    # Late: whoever imports a small part of the package does not wait for all of it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("image_assets.library"), name)
