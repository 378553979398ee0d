"""Visualisations in the folder of whoever draws them: pictures, each with a sidecar in JSON beside it.

    {folder}/…/2025-01-15_daily.png and 2025-01-15_daily.json (or 2025-01-15_daily.png.json)
    {folder}/.published/{moment}/…     published and put away; purged when its time has come

The folder is not ours: nothing in it is opened for writing, and what is still being written, has no
sidecar yet or cannot be read is left as it is.
"""

import datetime as dt
import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, TransientError
from image_assets.core.model import Entry, Fetched, Listing, Misfit, Partition, Variant
from image_assets.core.plots import Plot
from image_assets.ports import PutAway
from image_assets.services import drops, plot_files
from image_assets.services.durable import disk_errors, make_folder, sync_folder
from image_assets.services.folder import FolderSource
from image_assets.services.folder_scan import plain

log = logging.getLogger(__name__)

PUBLISHED = ".published"

_MOMENT = "%Y%m%dT%H%M%S.%fZ"

Troubles = list[str]
"""What cannot be taken, and why."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A picture of the folder: where it belongs, and its entry; why it cannot be taken, if so."""

    partition: Partition
    entry: Entry
    reason: str | None


class VisualizationFolder:
    """Fulfils `ports.Plots` for a folder on this machine.

    Args:
        source: the source's name.
        root: the folder.
        collections: `{sensor}:{interval}`, those of the sources file.
        settle: how long a file stays unchanged before it is taken.
        max_bytes: larger files are refused unread.
        now: the time, aware UTC.
    """

    def __init__(
        self,
        source: str,
        root: Path,
        collections: Collection[str],
        *,
        settle: dt.timedelta,
        max_bytes: int,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._source = source
        self._root = root
        self._collections = frozenset(collections)
        self._settle = settle
        self._now = now
        self._files = FolderSource(root, max_bytes=max_bytes)

    def waiting(self) -> Mapping[Partition, Listing]:
        """Every partition of which something lies there and has settled."""
        found: dict[Partition, list[_Found]] = {}
        for one in self._look([]):
            found.setdefault(one.partition, []).append(one)
        return {partition: _listing(ones) for partition, ones in sorted(found.items())}

    def troubles(self) -> Sequence[str]:
        """What lies there and cannot be taken, and what to do about it."""
        troubles: Troubles = []
        named = [f"{one.entry.name}: {one.reason}" for one in self._look(troubles) if one.reason]
        return (*troubles, *named)

    def list(self, partition: Partition) -> Listing:
        """The partition's settled pictures; more may come at any time."""
        return _listing([one for one in self._look([]) if one.partition == partition])

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        """Copy the file to the new file `into`.

        Raises:
            NotFoundError: it is gone, or was drawn again since it was listed.
            TransientError: somebody is writing it.
        """
        self._still(entry)
        fetched = self._files.fetch(entry, into)
        try:
            self._still(entry)
        except (NotFoundError, TransientError):
            into.unlink()
            raise
        return replace(fetched, variant=Variant.FULL)  # a name that ends on -thumbnail is a name

    def sha256(self, entry: Entry) -> str:
        """Hex SHA-256 of the file as it is now."""
        path = self._still(entry)
        digest = plot_files.digest(path)
        self._still(entry)
        return digest

    def put_away(self, entry: Entry, *, now: dt.datetime) -> None:
        """Move the file, then its sidecar, to a folder of this moment in `.published`."""
        path = self._still(entry)
        below = path.relative_to(self._root.resolve())
        to = self._root / PUBLISHED / now.astimezone(dt.UTC).strftime(_MOMENT) / below
        with disk_errors(path):
            picture, sidecar = path.lstat(), plot_files.sidecar_of(path)
            described = sidecar.lstat() if sidecar is not None else picture
            make_folder(to.parent)
            if not plot_files.move(path, picture, to):
                raise NotFoundError(f"{entry.name}: it was drawn again; that one is taken instead")
            if sidecar is not None:
                plot_files.move(sidecar, described, to.with_name(sidecar.name))
            sync_folder(to.parent)
            sync_folder(path.parent)
        log.info("%s: published, and put away in %s", path, to.parent)

    def away(self) -> Sequence[PutAway]:
        """What was put away and not purged, the oldest first."""
        found = []
        with disk_errors(self._root):
            for folder, _, files in os.walk(self._root / PUBLISHED):
                names = (Path(folder, name) for name in files if plot_files.is_picture(name))
                found += [put for name in names if (put := self._put_away(name)) is not None]
        return sorted(found, key=lambda put: (put.put_away_at, put.name))

    def sha256_away(self, file: PutAway) -> str:
        """Hex SHA-256 of what was put away."""
        return plot_files.digest(self._root / file.name)

    def purge(self, file: PutAway) -> None:
        """Remove what was put away with its sidecar, and the folders that this leaves empty."""
        path = self._root / file.name
        with disk_errors(path):
            sidecar = plot_files.sidecar_of(path)
            path.unlink(missing_ok=True)
            if sidecar is not None:
                sidecar.unlink(missing_ok=True)
        drops.emptied(self._root / PUBLISHED, [str(Path(file.name).relative_to(PUBLISHED))])

    def _look(self, troubles: Troubles) -> Iterator[_Found]:
        """Every picture with a sidecar of ours that has settled; anything else is told."""
        with disk_errors(self._root):
            self._root.stat()
        for folder, folders, files in os.walk(self._root, onerror=lambda e: _tell(troubles, e)):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(filter(plot_files.is_picture, files)):
                path = Path(folder, name)
                try:
                    found = self._visit(path)
                except (OSError, ValueError, OverflowError) as error:
                    said = error.strerror if isinstance(error, OSError) else str(error)
                    troubles.append(f"{plain(str(path.relative_to(self._root)))}: {said}")
                    continue
                if found is not None:
                    yield found

    def _visit(self, path: Path) -> _Found | None:
        """The picture; None of one that is being drawn.

        Raises:
            ValueError: it is no visualisation of ours; OSError: it cannot be looked at.
        """
        try:
            picture = path.lstat()
            sidecar = plot_files.sidecar_of(path)
            described = sidecar.lstat() if sidecar is not None else None
        except FileNotFoundError:
            return None
        if self._is_arriving(path, picture) or (sidecar and self._is_arriving(sidecar, described)):
            return None
        if sidecar is None:
            raise ValueError(f"has no sidecar {path.stem}.json; write it, or move the picture away")
        plot = plot_files.described(sidecar)
        if plot.collection not in self._collections:
            raise ValueError(f"{plot.collection} is no collection of {self._source}; add it there")
        return self._found(path, picture, plot)

    def _found(self, path: Path, picture: os.stat_result, plot: Plot) -> _Found:
        drawn = plot_files.changed_at(picture)
        if drawn < plot_files.EPOCH:
            raise ValueError("its time of change is before 1970; touch it")
        if plot.start > self._now():
            raise ValueError(f"its period begins in the future ({plot.start_time})")
        name = plain(path.relative_to(self._root).as_posix())
        entry = Entry(
            naming.plot_key(plot.start, plot.end, drawn),
            name,
            plot.as_of(drawn),
            quote(os.fsencode(path.relative_to(self._root))),
            picture.st_size,
            plot.told(plain(path.name)),
        )
        partition = Partition(self._source, plot.collection, plot.day(drawn).isoformat())
        return _Found(partition, entry, plot_files.why_not(path, picture))

    def _is_arriving(self, path: Path, found: os.stat_result | None) -> bool:
        assert found is not None
        changed = max(found.st_mtime, found.st_ctime)
        recent = abs(self._now().timestamp() - changed) < self._settle.total_seconds()
        return recent or drops.is_written(path)

    def _still(self, entry: Entry) -> Path:
        """The entry's file, which nobody writes and nobody drew again."""
        path = self._files.locate(entry)
        with disk_errors(path):
            if drops.is_written(path):
                raise TransientError(f"{entry.name}: somebody is writing it; run again")
            drawn = plot_files.changed_at(path.lstat())
        if drawn != naming.drawn_at(entry.item_key):
            raise NotFoundError(f"{entry.name}: it was drawn again; that one is taken instead")
        return path

    def _put_away(self, path: Path) -> PutAway | None:
        """A file of `.published`; None of one that somebody else put there."""
        below = path.relative_to(self._root)
        try:
            at = dt.datetime.strptime(below.parts[1], _MOMENT).replace(tzinfo=dt.UTC)
        except (ValueError, IndexError):
            return None
        return PutAway(below.as_posix(), at)


def _listing(found: Sequence[_Found]) -> Listing:
    entries = sorted((one.entry for one in found if not one.reason), key=lambda e: e.item_key)
    misfits = tuple(Misfit(one.entry.name, one.reason) for one in found if one.reason)
    unique = {entry.item_key: entry for entry in entries}
    return Listing(tuple(unique.values()), complete=False, misfits=misfits)


def _tell(troubles: Troubles, error: OSError) -> None:
    troubles.append(f"{error.filename}: cannot be looked into ({error.strerror})")
