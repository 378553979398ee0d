"""Publishing what a folder plan names: at every host, or at the first that takes it."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    MissingSettingError,
    NoSpaceError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.core.model import Content, UploadState
from image_assets.ports import LocalFilesCatalog, LocalFolder, Upload
from image_assets.stages.folder_plan import PlannedPicture
from image_assets.stages.report import Clock, Outcome, Report, each
from image_assets.stages.uploads import Publisher

log = logging.getLogger(__name__)

FIRST_THAT_TAKES = "failover"
"""The name of the report of pictures that go to one of several hosts."""

_REFUSED = frozenset({"refused_before", "withdrawn"})
_ENDS_A_HOST = (AuthenticationError, MissingSettingError, QuotaExhaustedError)

Told = Callable[[str, Report, int], None]
"""Told after each picture: the destination (or `failover`), what is done there so far, of how many."""


@dataclass(frozen=True, slots=True)
class PublishedAt:
    """Where a picture is shown."""

    destination: str
    url: str


@dataclass(frozen=True, slots=True)
class FolderUploads:
    """A publisher for each destination, in the order in which they are tried with `failover`."""

    publishers: Sequence[Publisher]
    tenant: str
    clock: Clock
    failover: bool = False
    _out: dict[str, ImageAssetsError] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(
        self, pictures: Sequence[PlannedPicture], *, force: bool = False, told: Told | None = None
    ) -> Mapping[str, Report]:
        """Settle every picture; the reports by destination. What fails at one host stops no other."""
        if self.failover:
            return {FIRST_THAT_TAKES: self._each_first(pictures, force, told)}
        contents = [picture.content for picture in pictures]
        names = {picture.content.sha256: picture.name for picture in pictures}
        reports: dict[str, Report] = {}

        def mirror(publisher: Publisher) -> Outcome:
            name = publisher.destination
            report = publisher.settle(
                self._rows(publisher, contents, force=force),
                name=lambda upload: names[upload.content.sha256],
                progress=told and (lambda report, total: told(name, report, total)),
            )
            with self._lock:
                reports[name] = report
            return Outcome("done")

        failed = each(self.publishers, mirror, workers=len(self.publishers))
        return {p.destination: reports.get(p.destination, failed) for p in self.publishers}

    def published(self, pictures: Sequence[PlannedPicture]) -> Sequence[Sequence[PublishedAt]]:
        """Where each picture is shown now, proven."""
        rows = [
            {row.content.sha256: row for row in self._rows(p, [x.content for x in pictures])}
            for p in self.publishers
        ]
        return [
            [
                PublishedAt(publisher.destination, row.receipt.url)
                for publisher, found in zip(self.publishers, rows, strict=True)
                if (row := found[picture.content.sha256]).state is UploadState.VERIFIED
                and row.receipt is not None
            ]
            for picture in pictures
        ]

    def _rows(
        self, publisher: Publisher, contents: Sequence[Content], *, force: bool = False
    ) -> Sequence[Upload]:
        rows = self._registered(publisher, contents)
        if not force:
            return rows
        for row in rows:
            if row.state is UploadState.INTENT:
                continue
            try:
                publisher.catalog.reopen(row.id, now=self.clock())
            except TransientError as error:
                log.warning("%s", error)  # somebody sends it now, and that is waited for
        return self._registered(publisher, contents)

    def _registered(self, publisher: Publisher, contents: Sequence[Content]) -> Sequence[Upload]:
        return publisher.catalog.register(
            publisher.destination, self.tenant, contents, now=self.clock()
        )

    def _each_first(
        self, pictures: Sequence[PlannedPicture], force: bool, told: Told | None
    ) -> Report:
        try:
            return each(
                pictures,
                lambda picture: self._first_that_takes(picture, force),
                workers=self.publishers[0].workers,
                name=lambda picture: picture.name,
                progress=told and (lambda report, total: told(FIRST_THAT_TAKES, report, total)),
            )
        finally:
            for publisher in self.publishers:
                publisher.tell_changes()

    def _first_that_takes(self, picture: PlannedPicture, force: bool) -> Outcome:
        """Try the hosts in their order; one that lets nobody in is not tried again."""
        failure: ImageAssetsError | None = None
        for publisher in self.publishers:
            if (out := self._out.get(publisher.destination)) is not None:
                failure = failure or out
                continue
            try:
                outcome = self._settle(publisher, picture, force)
            except NoSpaceError:
                raise  # the disk is ours
            except ImageAssetsError as error:
                if isinstance(error, _ENDS_A_HOST):
                    self._out[publisher.destination] = error
                log.warning(
                    "%s: %s does not take it: %s", picture.name, publisher.destination, error
                )
                failure = error
                continue
            if outcome.note not in _REFUSED:
                return replace(outcome, note=f"{outcome.note} at {publisher.destination}")
        raise failure or RejectedError(f"{picture.name}: every host refused it before")

    def _settle(self, publisher: Publisher, picture: PlannedPicture, force: bool) -> Outcome:
        return publisher.settle_one(*self._rows(publisher, [picture.content], force=force))


@dataclass(frozen=True, slots=True)
class Moving:
    """Puts files away whose contents are published."""

    folder: LocalFolder
    files: LocalFilesCatalog
    tenant: str

    def move(self, pictures: Sequence[PlannedPicture]) -> Report:
        """Move every file of every picture; nothing is overwritten."""
        pairs = [(file, picture.content) for picture in pictures for file in picture.files]

        def one(index: int) -> Outcome:
            file, content = pairs[index]
            there = self.folder.move(file, content)
            self.files.moved(self.tenant, file.address, there.as_uri())
            return Outcome("moved", content.size)

        return each(range(len(pairs)), one, workers=1, name=lambda index: pairs[index][0].name)


def proven(at: Sequence[PublishedAt], destinations: Sequence[str], *, failover: bool) -> bool:
    """Whether a picture is published as it was to be: at one of them, or at every one."""
    shown = {published.destination for published in at}
    return bool(shown) if failover else shown >= set(destinations)
