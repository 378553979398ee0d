"""`image-assets serve`: the delivery application under uvicorn."""

import uvicorn

from image_assets.delivery.app import create_app
from image_assets.settings import Settings


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until interrupted."""
    app = create_app(settings.data_dir)
    uvicorn.run(app, host=host, port=port, log_level=settings.log_level.lower())
