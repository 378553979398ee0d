"""Exports made again: one that expired and is asked for, and those that a destination still lacks."""

import datetime as dt
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from image_assets.core.errors import PermanentError, TransientError
from image_assets.core.model import Partition
from image_assets.core.recipes import Recipe
from image_assets.ports import Decoder, Exported, FileStore, RebuildingCatalog
from image_assets.stages.report import Clock, Outcome, Report, each
from image_assets.stages.sets import Renderer

log = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=1)
"""How long one process renders alone: longer only means that the work is done twice."""

PATIENCE = 60.0
"""Seconds that others wait for it."""

_POLL = 0.1
_DOORS = 64


class Rebuilder:
    """Makes an expired export again when it is asked for; fulfils `ports.Rebuilder`.

    Any number of threads and processes may ask at once: one of them renders, the others wait for it.

    Args:
        catalog: what names stand for.
        store: where the files are.
        decoder: what renders.
        recipes: those of today; an export whose own recipe is recorded is made by that one.
        clock: now, aware UTC.
        wait: how to wait some seconds.
    """

    def __init__(
        self,
        catalog: RebuildingCatalog,
        store: FileStore,
        decoder: Decoder,
        recipes: Iterable[Recipe] = (),
        *,
        clock: Clock = lambda: dt.datetime.now(dt.UTC),
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._catalog, self._store, self._clock, self._wait = catalog, store, clock, wait
        self._renderer = Renderer(store, decoder)
        self._recipes = {recipe.name: recipe for recipe in recipes}
        self._doors = [threading.Lock() for _ in range(_DOORS)]

    def rebuild(self, key: str, tenant: str | None = None) -> str | None:
        """The key of the live file that answers for an export; rendered now if there is none.

        Args:
            key: the export's path in the store, its file name, or its SHA-256, with an extension or
                without.
            tenant: whose it is; whosever if not told.

        Returns:
            The same path where that is free: bytes that are rendered now may differ from those that
            the name was given to, when encoders have changed. None where no export ever had the name,
            or its picture or its recipe is no longer known.

        Raises:
            TransientError: another process is rendering it, and takes long; UnreadableImageError and
                PermanentError: it cannot be rendered.
        """
        export = self._catalog.exported(key, tenant)
        if export is None:
            return None
        return self._here(export) or self._again(export, key, tenant)

    def _again(self, export: Exported, key: str, tenant: str | None) -> str | None:
        with self._alone(export.design_id):
            # Whoever was at it before us may have made it.
            asked = self._catalog.exported(key, tenant) or export
            here = self._here(asked)
            if here is not None:
                return here
            recipe = self._recipe_of(asked)
            if asked.origin is None or recipe is None:
                lost = "recipe" if recipe is None else "picture"
                log.warning("%s of design %s: its %s is gone", key_of(asked), asked.design_id, lost)
                return None
            return self._render(asked, recipe)

    def _render(self, export: Exported, recipe: Recipe) -> str:
        assert export.origin is not None
        with (
            self._renderer.made(export.design_id, export.origin, [recipe], export.base) as sets,
            self._catalog.recording(export.design_id, now=self._clock()) as desk,
        ):
            if not sets.made:
                raise PermanentError(f"{key_of(export)}: {sets.lacks[0].reason}")
            (made,) = sets.made
            place = desk.revive(made.export, export.sha256)
            self._renderer.put(made, place)
        if made.export.blob.sha256 != export.sha256:
            log.warning("%s: rendered anew, in other bytes", key_of(export))
        return place.path

    def _here(self, export: Exported) -> str | None:
        """The best file there is for an export."""
        paths = (blob.path for blob in export.answers)
        return next((path for path in paths if self._store.size(path) is not None), None)

    def _recipe_of(self, export: Exported) -> Recipe | None:
        """How the export was made, else how one of its name is made today; of its format alone."""
        recorded = self._catalog.recipe(export.digest) if export.digest is not None else None
        known = recorded or self._recipes.get(export.recipe)
        if known is None or (recorded is None and export.format not in known.formats):
            return None
        return replace(known, name=export.recipe, formats=(export.format,))

    @contextmanager
    def _alone(self, design_id: str) -> Iterator[None]:
        """One thread of one process is here for a design at a time, or nearly so: see `LEASE`."""
        door = self._doors[int(design_id[:8], 16) % _DOORS]
        if not door.acquire(timeout=PATIENCE):
            raise _busy(design_id)
        try:
            name, owner = f"rebuild {design_id}", uuid.uuid4().hex
            self._take(name, owner, design_id)
            try:
                yield
            finally:
                self._catalog.release(name, owner)
        finally:
            door.release()

    def _take(self, name: str, owner: str, design_id: str) -> None:
        for _ in range(int(PATIENCE / _POLL)):
            now = self._clock()
            if self._catalog.lease(name, owner, until=now + LEASE, now=now):
                return
            self._wait(_POLL)
        raise _busy(design_id)


@dataclass(frozen=True, slots=True)
class Restorer:
    """Makes expired exports again that are still to be published somewhere, as a new destination."""

    catalog: RebuildingCatalog
    store: FileStore
    decoder: Decoder
    workers: int = 2

    def restore(
        self, partition: Partition, destination: str, recipes: Sequence[Recipe], *, now: dt.datetime
    ) -> Report:
        """See that everything the destination still lacks is live: then it can be sent.

        Where an encoder has changed, what is rendered now takes the place of what was: it is this
        that is published here.
        """
        report = Report()
        for recipe in recipes:
            lacking = self.catalog.unpublished(partition, destination, recipe)
            groups = [list(group) for _, group in groupby(lacking, key=lambda one: one.design_id)]
            report += each(
                groups,
                partial(self._restore, recipe=recipe, now=now),
                workers=self.workers,
                name=lambda group: f"{partition}: design {group[0].design_id}",
            )
        return report

    def _restore(self, exports: Sequence[Exported], recipe: Recipe, now: dt.datetime) -> Outcome:
        design, origin, base = exports[0].design_id, exports[0].origin, exports[0].base
        assert origin is not None  # others are not asked for
        part = replace(recipe, formats=tuple(export.format for export in exports))
        renderer, written = Renderer(self.store, self.decoder), 0
        with (
            renderer.made(design, origin, [part], base) as sets,
            self.catalog.recording(design, now=now) as desk,
        ):
            for made in sets.made:
                if (place := desk.replace(made.export)) is not None:
                    renderer.put(made, place)
                    written += made.export.blob.size
        return Outcome("restored", written)


def key_of(export: Exported) -> str:
    """What an export is called in messages."""
    return f"{export.recipe}.{export.format.extension}"


def _busy(design_id: str) -> TransientError:
    return TransientError(
        f"design {design_id}: its export is being rendered; ask again in a minute", retry_after=30.0
    )
