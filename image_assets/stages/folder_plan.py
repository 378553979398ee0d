"""What of a folder is to be published: planned by content, before anything is sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

from image_assets.core.errors import RejectedError
from image_assets.core.file_filter import FileFilter
from image_assets.core.model import DEFAULT_TENANT, Content
from image_assets.core.naming import public_name
from image_assets.core.organizing import shown
from image_assets.ports import (
    Decoder,
    KnownFile,
    LocalFile,
    LocalFilesCatalog,
    LocalFolder,
    Stamp,
    UploadsCatalog,
    UploadStanding,
)
from image_assets.stages.report import Outcome, Report, each

_AT_ONCE = 500  # files looked at between two looks at how many are wanted
_RACY = 2_000_000_000  # nanoseconds in which a file may change without a new time of change
_ENDED = (UploadStanding.PUBLISHED, UploadStanding.REFUSED, UploadStanding.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class PlannedPicture:
    """A content and the files that hold it, by name; the first of them is sent."""

    content: Content
    files: tuple[LocalFile, ...]
    exif: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The first file's, fit to be shown."""
        return shown(self.files[0].name)


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What is to be done with a folder.

    `todo` is to be sent, asked for or verified; `settled` is published already, or refused for good.
    `report` is of the looking: files that are no pictures failed. Those of `problems` are none, and of
    `fresh`, by address, that was not known before. `left_out` counts files by the
    reason why they are not wanted, `waiting` those beyond the count that were not looked at.
    """

    todo: tuple[PlannedPicture, ...]
    settled: Sequence[PlannedPicture]
    problems: tuple[tuple[LocalFile, str], ...]
    fresh: frozenset[str]
    report: Report
    left_out: Mapping[str, int]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class FolderPlanner:
    """The rooms that planning needs, and for where: every destination, or with `failover` one of them.

    `now_ns` is the time on the disk's clock, in nanoseconds since 1970.
    """

    folder: LocalFolder
    files: LocalFilesCatalog
    ledger: UploadsCatalog
    decoder: Decoder
    destinations: Sequence[str]
    now_ns: Callable[[], int]
    failover: bool = False
    workers: int = 2
    tenant: str = DEFAULT_TENANT

    def plan(
        self,
        wanted: FileFilter,
        *,
        recursive: bool = False,
        count: int | None = None,
        force: bool = False,
        remember: bool = True,
    ) -> FolderPlan:
        """The first `count` contents that are not published yet, by the names of their files.

        What is in doubt is asked for besides: it is not counted. `force` takes what is published as
        if it were not. What files hold is remembered, unless told otherwise.
        """
        found = self.folder.look(wanted, recursive=recursive)
        sorting = _Sorting(*((frozenset(), frozenset()) if force else self._standings()))
        known = self._known(found.files)
        before = frozenset(known)
        report, looked_at = Report(), 0
        portion = min(count or _AT_ONCE, _AT_ONCE)
        for start in range(0, len(found.files), portion):
            if count is not None and sorting.open >= count:
                break
            files = found.files[start : start + portion]
            if unknown := [file for file in files if file.address not in known]:
                report += self._identify(unknown, known, remember)
            for file in files:
                sorting.add(file, known.get(file.address), count)
            looked_at = start + len(files)
        fresh = frozenset(known) - before
        waiting = len(found.files) - looked_at + sorting.beyond
        exif = self._exif(sorting.todo, known, fresh)
        todo = tuple(sorting.picture(sha256, exif) for sha256 in sorting.todo)
        problems = tuple(sorting.problems)
        return FolderPlan(todo, sorting.settled, problems, fresh, report, found.left_out, waiting)

    def _standings(self) -> tuple[frozenset[str], frozenset[str]]:
        """Contents for which nothing is to be done, and those that are only to be asked for."""
        tables = [self.ledger.standings(name, self.tenant) for name in self.destinations]
        over = [frozenset[str]().union(*map(table.__getitem__, _ENDED)) for table in tables]
        ended = frozenset.intersection(*over)
        if self.failover:
            ended = ended.union(*(table[UploadStanding.PUBLISHED] for table in tables))
        known = [
            done | table[UploadStanding.IN_DOUBT] for done, table in zip(over, tables, strict=True)
        ]
        return ended, frozenset.intersection(*known) - ended

    def _exif(
        self,
        todo: Mapping[str, Sequence[LocalFile]],
        known: Mapping[str, KnownFile],
        fresh: frozenset[str],
    ) -> Mapping[str, Mapping[str, str]]:
        """Of the first file of each content: as it was just read, or as it is remembered."""
        addresses = [files[0].address for files in todo.values()]
        before = self.files.exif(self.tenant, [name for name in addresses if name not in fresh])
        return {**before, **{name: known[name].exif for name in addresses if name in fresh}}

    def _known(self, files: Sequence[LocalFile]) -> dict[str, KnownFile]:
        """What is known of those that are what they were."""
        if not files:
            return {}
        below = files[0].root.as_uri().rstrip("/")
        known = self.files.known(self.tenant, f"{below}/")
        return {
            file.address: held
            for file in files
            if (held := known.get(file.address)) is not None and held.stamp == file.stamp
        }

    def _identify(
        self, unknown: Sequence[LocalFile], known: dict[str, KnownFile], remember: bool
    ) -> Report:
        """Read and decode those of which nothing is known."""
        began = self.now_ns()
        report = each(
            unknown,
            lambda file: self._look_at(file, known),
            workers=self.workers,
            name=lambda file: shown(file.name),
        )
        if remember:
            self.files.remember(
                self.tenant,
                {
                    file.address: known[file.address]
                    for file in unknown
                    if file.address in known and is_settled(file.stamp, began)
                },
            )
        return report

    def _look_at(self, file: LocalFile, known: dict[str, KnownFile]) -> Outcome:
        sha256 = self.folder.sha256(file)
        try:
            picture = self.decoder.inspect(file.path)
        except RejectedError as error:
            known[file.address] = KnownFile(file.stamp, sha256, None, str(error))
            raise
        known[file.address] = KnownFile(file.stamp, sha256, picture.format, exif=picture.exif)
        return Outcome("identified", file.stamp.size)


class _Sorting:
    """Files by what is to become of their contents.

    Args:
        ended: contents for which nothing is to be done.
        doubtful: contents that are only to be asked for.
    """

    def __init__(self, ended: frozenset[str], doubtful: frozenset[str]) -> None:
        self._ended, self._doubtful = ended, doubtful
        self._known: dict[str, KnownFile] = {}
        self._done: dict[str, list[LocalFile]] = {}
        self.todo: dict[str, list[LocalFile]] = {}
        self.problems: list[tuple[LocalFile, str]] = []
        self.open = self.beyond = 0

    def add(self, file: LocalFile, known: KnownFile | None, count: int | None) -> None:
        """Sort one file in; what is open beyond the count waits."""
        if known is None:
            return  # it could not be read: the report tells of it
        sha256 = known.sha256
        if known.format is None:
            self.problems.append((file, known.problem or "no picture"))
        elif sha256 in self._known:
            (self.todo if sha256 in self.todo else self._done)[sha256].append(file)
        elif sha256 in self._ended:
            self._known[sha256], self._done[sha256] = known, [file]
        elif count is not None and self.open >= count and sha256 not in self._doubtful:
            self.beyond += 1
        else:
            self.open += sha256 not in self._doubtful
            self._known[sha256], self.todo[sha256] = known, [file]

    @property
    def settled(self) -> "Settled":
        """Those for which nothing is to be done."""
        return Settled(tuple(self._done), lambda sha256: self.picture(sha256, {}))

    def picture(self, sha256: str, exif: Mapping[str, Mapping[str, str]]) -> PlannedPicture:
        """A content with its files."""
        known, files = self._known[sha256], (self.todo.get(sha256) or self._done[sha256])
        assert known.format is not None
        address, size = files[0].address, files[0].stamp.size
        name = public_name(sha256, known.format)
        content = Content(sha256, address, size, known.format, name)
        return PlannedPicture(content, tuple(files), exif.get(address, {}))


class Settled(Sequence[PlannedPicture]):
    """Pictures that are made when they are looked at: most who resume only count them."""

    def __init__(self, hashes: tuple[str, ...], make: Callable[[str], PlannedPicture]) -> None:
        self._hashes, self._make = hashes, make

    def __len__(self) -> int:
        return len(self._hashes)

    @overload
    def __getitem__(self, index: int) -> PlannedPicture: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PlannedPicture]: ...
    def __getitem__(self, index: int | slice) -> PlannedPicture | Sequence[PlannedPicture]:
        if isinstance(index, slice):
            return Settled(self._hashes[index], self._make)
        return self._make(self._hashes[index])


def is_settled(stamp: Stamp, now_ns: int) -> bool:
    """Whether a later change would show in the stamp."""
    return now_ns - max(stamp.changed_ns, stamp.modified_ns) > _RACY
