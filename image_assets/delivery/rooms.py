"""What the API works with, opened when it is first needed and closed with the application."""

import threading
from contextlib import ExitStack

from image_assets import compose
from image_assets.ports import RequestsCatalog
from image_assets.settings import Settings
from image_assets.stages.requests import Desk


class Rooms:
    """Catalog, store and decoder of these settings; threads may share them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._catalog: compose.Catalog | None = None
        self._desk: Desk | None = None

    @property
    def requests(self) -> RequestsCatalog:
        """Requests and what became of them.

        Raises:
            TransientError: the database does not answer.
        """
        with self._lock:
            return self._opened().requests

    @property
    def desk(self) -> Desk:
        """Where requests are taken."""
        with self._lock:
            if self._desk is None:
                settings = self._settings
                decoder = self._stack.enter_context(compose.decoder(settings))
                self._desk = Desk(
                    self._opened().requests,
                    compose.store(settings),
                    decoder,
                    settings.gemini_model,
                    settings.generation_daily_pictures,
                )
            return self._desk

    def close(self) -> None:
        """Close what was opened; it opens again when it is needed."""
        with self._lock:
            self._stack.close()
            self._catalog = self._desk = None

    def _opened(self) -> compose.Catalog:
        if self._catalog is None:
            self._catalog = self._stack.enter_context(compose.catalog(self._settings))
        return self._catalog
