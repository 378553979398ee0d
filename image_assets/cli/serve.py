"""`image-assets serve`: the delivery application under uvicorn."""

import logging

import uvicorn
from fastapi import FastAPI

from image_assets.cli import surroundings
from image_assets.delivery import generation
from image_assets.delivery.app import create_app
from image_assets.delivery.rebuilding import OnDemand
from image_assets.settings import Settings

_STARTING = 60
"""Seconds until a worker that says nothing is replaced: on a busy machine they take long to start."""


def run(settings: Settings, host: str, port: int, workers: int = 1) -> None:
    """Serve until interrupted; answers that are under way are finished.

    Raises:
        PermanentError: the settings do not allow it; nothing was started.
    """
    app = assembled(settings)  # also with several workers: what is wrong is told here, and once
    _log_as_we_do()
    uvicorn.run(
        app if workers == 1 else f"{__name__}:application",
        factory=workers > 1,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        log_level=settings.log_level.lower(),
        access_log=False,  # uvicorn's shows queries, and with them signatures
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=settings.delivery_grace_seconds,
        timeout_worker_healthcheck=_STARTING,
    )


def application() -> FastAPI:
    """The application of one worker, from the settings of this folder."""
    settings = surroundings.settings()
    _log_as_we_do()
    return assembled(settings)


def assembled(settings: Settings) -> FastAPI:
    """The application with all of its parts; the API where a source draws by request."""
    rebuilder = OnDemand(settings)
    routers = [rebuilder.router()]
    if any(spec.generated for spec in settings.sources):
        routers.append(generation.router(settings))
    return create_app(settings, rebuilder=rebuilder, routers=routers)


def _log_as_we_do() -> None:
    """Lines of uvicorn look as ours, and what may not be in ours is not in its own."""
    ours, uvicorns = logging.getLogger("image_assets"), logging.getLogger("uvicorn")
    uvicorns.handlers = list(ours.handlers)
    uvicorns.setLevel(ours.level)
