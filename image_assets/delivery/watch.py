"""Waiting for requests to change: one look at the catalog for all who wait, and none when nobody does."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from starlette.concurrency import run_in_threadpool

from image_assets.core.errors import ImageAssetsError

log = logging.getLogger(__name__)

Name = tuple[str, str]
"""Tenant and key of a request."""

Revisions = Callable[[Collection[Name]], Mapping[Name, int]]


class Watch:
    """Tells those who wait when something happened to their request.

    Args:
        revisions: reads the number of the last event of each; it may block.
        every: seconds between two looks.
    """

    def __init__(self, revisions: Revisions, every: float = 0.5) -> None:
        self._revisions = revisions
        self._every = every
        self._waiting: dict[asyncio.Future[None], tuple[Name, int]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def changed(self, name: Name, revision: int, timeout: float) -> bool:
        """Whether there was an event after `revision` within so many seconds."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[told] = name, revision
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(told, max(0.0, timeout))
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(told, None)
        return True

    async def _look(self) -> None:
        while self._waiting:
            names = {name for name, _ in self._waiting.values()}
            try:
                found = await run_in_threadpool(self._revisions, names)
            except ImageAssetsError as error:
                log.warning("requests are not looked at: %s", error)
            else:
                self._tell(found)
            await asyncio.sleep(self._every)

    def _tell(self, found: Mapping[Name, int]) -> None:
        for told, (name, revision) in list(self._waiting.items()):
            if found.get(name, revision) > revision and not told.done():
                told.set_result(None)
