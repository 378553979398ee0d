"""Expired exports, made again for who asks: what that needs is opened when the first one is asked for."""

import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from fastapi import APIRouter, FastAPI

from image_assets import compose
from image_assets.settings import Settings
from image_assets.stages.rebuilding import Rebuilder


class OnDemand:
    """Fulfils `ports.Rebuilder` with the catalog, store and decoder of these settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._opened = ExitStack()
        self._rebuilder: Rebuilder | None = None

    def rebuild(self, key: str, tenant: str | None) -> str | None:
        """The key of the live file that answers for an export; None where none can be made."""
        return self._ready().rebuild(key, tenant)

    def close(self) -> None:
        """Close what was opened; it opens again when it is needed."""
        with self._lock:
            self._opened.close()
            self._rebuilder = None

    def router(self) -> APIRouter:
        """No routes: what closes this with the application."""

        @asynccontextmanager
        async def closing(_: FastAPI) -> AsyncIterator[None]:
            yield
            self.close()

        return APIRouter(lifespan=closing)

    def _ready(self) -> Rebuilder:
        with self._lock:
            if self._rebuilder is None:
                settings, enter = self._settings, self._opened.enter_context
                self._rebuilder = Rebuilder(
                    enter(compose.catalog(settings)).rebuilding,
                    compose.store(settings),
                    enter(compose.decoder(settings)),
                    settings.known_recipes,
                )
            return self._rebuilder
