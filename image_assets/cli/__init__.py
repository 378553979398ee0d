"""`image-assets …`: a thin face over stages and jobs, with progress bars."""

from image_assets.cli.app import app

__all__ = ["app"]
