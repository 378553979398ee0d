"""Looking again at what was published: gone, changed, or nobody there; two looks make a loss."""

import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    MissingSettingError,
    NoSpaceError,
    NotFoundError,
    RejectedError,
    VerificationError,
)
from image_assets.core.fidelity import Habit, Treatment
from image_assets.core.looks import Finding, LookTerms, confirmed, host_is_dying, silent
from image_assets.core.model import Receipt
from image_assets.core.notices import Happening, NoticeKind
from image_assets.ports import (
    Contents,
    ImageHost,
    Link,
    LinksCatalog,
    Look,
    Looking,
    UploadsCatalog,
)
from image_assets.ports.notifications import NoticesCatalog
from image_assets.stages.report import SHOWN_FAILURES, Clock, Outcome, Progress, Report, each
from image_assets.stages.verification import Witness

log = logging.getLogger(__name__)

_PORTION = 20
"""Looks after which it is considered whether anybody answers there at all."""

_ENDS_A_CHECK = (AuthenticationError, MissingSettingError, NoSpaceError)


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that was not well: which, what was found, and whether two looks agree on it."""

    name: str
    url: str
    finding: Finding
    reason: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `report` counts looks by finding; `lost` are those that two looks agree on.

    `stopped` says why the check ended early or why its losses were not believed, None where neither
    happened. `found` are the first of those that were not well.
    """

    report: Report
    lost: int = 0
    found: tuple[Found, ...] = ()
    changes: tuple[Habit, ...] = ()
    stopped: str | None = None


@dataclass(slots=True)
class _Tally:
    """What a check found so far; threads share it."""

    findings: list[Finding] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    losses: list[tuple[Link, Look]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class LinkChecker:
    """The rooms that looking at one destination needs, together.

    `believe` takes a loss for one even where most of what was looked at is gone. `contents` is where
    bytes of ours are, to compare.
    """

    destination: str
    host: ImageHost
    links: LinksCatalog
    uploads: UploadsCatalog
    witness: Witness
    notices: NoticesCatalog
    contents: Contents
    clock: Clock
    terms: LookTerms
    believe: bool = False
    workers: int = 2
    wait: Callable[[float], None] = time.sleep

    def check(self, *, progress: Progress | None = None) -> Checked:
        """Look at what is due, the longest not looked at first; each look is recorded at once."""
        due = self.links.due(self.destination, self.terms, now=self.clock())
        tally, report, stopped = _Tally(), Report(), None
        pace = _Pace(self.terms.per_minute, self.wait)
        try:
            for portion in _portions(due):
                began = len(tally.findings)
                report += self._look_at(portion, tally, pace, report, len(due), progress)
                if silent(tally.findings[began:]):
                    stopped = f"{self.destination} does not answer; the rest is looked at next time"
                    break
        finally:
            changes = self.witness.tell()
        lost, disbelief = self._settle(tally)
        found = tuple(tally.found[:SHOWN_FAILURES])
        return Checked(report, lost, found, tuple(changes), stopped or disbelief)

    def _look_at(
        self,
        portion: Sequence[Link],
        tally: _Tally,
        pace: "_Pace",
        before: Report,
        total: int,
        progress: Progress | None,
    ) -> Report:
        def look(link: Link) -> Outcome:
            pace.next()
            return self._look(link, tally)

        def tell(report: Report, _: int) -> None:
            if progress is not None:
                progress(before + report, total)

        return each(
            portion,
            look,
            workers=self.workers,
            name=lambda link: f"{self.destination}: {link.upload.content.name}",
            progress=tell,
        )

    def _look(self, link: Link, tally: _Tally) -> Outcome:
        upload, receipt = link.upload, link.upload.receipt
        assert receipt is not None  # what is verified has one
        look = self._see(link, receipt)
        self._record(link, look, tally)
        log.debug("%s: %s at %s", upload.content.name, look.finding, receipt.url)
        return Outcome(look.finding, look.size or 0)

    def _see(self, link: Link, receipt: Receipt) -> Look:
        content = link.upload.content
        try:
            return self._alive(link, receipt)
        except NotFoundError as error:
            return Look(Finding.GONE, str(error))
        except VerificationError as error:
            return Look(Finding.CHANGED, str(error))
        except _ENDS_A_CHECK:
            raise  # ours to mend, and every further look would meet it
        except ImageAssetsError as error:
            log.info("%s: %s could not be looked at: %s", content.name, self.destination, error)
            return Look(Finding.UNREACHABLE, str(error))

    def _alive(self, link: Link, receipt: Receipt) -> Look:
        """The look at something that is well."""
        content, now = link.upload.content, self.clock()
        with _here(self.contents, content.path) as file:
            if file is not None:
                shown = self.witness.show(self.host, content, file, receipt)
                self.uploads.verified(link.upload.id, shown.level, now=now)
                return Look(Finding.ALIVE, None, shown.level, shown.size)
        if not isinstance(self.host, Looking):
            raise InDoubtError(f"{content.name}: its bytes are not here to compare")
        level = self.host.look(content, receipt, link.size)
        return Look(Finding.ALIVE, None, level, link.size)

    def _record(self, link: Link, look: Look, tally: _Tally) -> None:
        now = self.clock()
        since = self.links.look(link.upload.id, look, now=now)
        sure = look.finding.accuses and confirmed(since, now, self.terms)
        with tally.lock:
            tally.findings.append(look.finding)
            if look.finding is Finding.ALIVE:
                return
            assert link.upload.receipt is not None
            name, url = link.upload.content.name, link.upload.receipt.url
            tally.found.append(Found(name, url, look.finding, look.reason or "", sure))
            if sure:
                tally.losses.append((link, look))

    def _settle(self, tally: _Tally) -> tuple[int, str | None]:
        """Tell the ledger what two looks agree on, unless it is so much that it is not believed."""
        losses = tally.losses
        if not losses:
            return 0, None
        # The last look at each picture: this check may have looked at nothing but suspects.
        standing = Counter(
            self.links.counts(self.destination, self.terms, now=self.clock()).findings
        )
        if host_is_dying(standing) and not self.believe:
            accused = standing[Finding.GONE] + standing[Finding.CHANGED]
            said = (
                f"{accused} of {standing.total()} pictures looked at are not as they were:"
                f" {self.destination}, or the way to it, is the likelier cause, so none was given up;"
                f" image-assets republish --from {self.destination} --to ANOTHER publishes them"
                " elsewhere, image-assets links check --believe gives them up"
            )
            self._tell(Happening(NoticeKind.HOST_CHANGED, self.destination, said, key="mass loss"))
            return 0, said
        lost = [(link, look) for link, look in losses if self._lose(link, look)]
        for finding in (Finding.GONE, Finding.CHANGED):
            if many := [link for link, look in lost if look.finding is finding]:
                self._tell(_news(self.destination, finding, many))
        self.witness.tell()
        return len(lost), None

    def _lose(self, link: Link, look: Look) -> bool:
        lost = self.links.lose(link.upload.id, look, now=self.clock())
        if lost and look.finding is Finding.GONE:
            assert link.upload.receipt is not None
            format, url = link.upload.content.format, link.upload.receipt.url
            self.witness.see(format, (Treatment.LOST,), url)
        return lost

    def _tell(self, happening: Happening) -> None:
        log.warning("%s: %s", happening.subject, happening.text)
        self.notices.tell([happening], now=self.clock())


@contextmanager
def _here(contents: Contents, path: str) -> Iterator[Path | None]:
    """The local file of content while the block runs; None when its bytes are not here.

    What is published from a folder of one machine has a path that is no key of a store elsewhere.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(contents.local(path))
        except (NotFoundError, RejectedError):
            file = None
        yield file


class _Pace:
    """Looks begin so far apart, whichever thread has them."""

    def __init__(self, per_minute: float, wait: Callable[[float], None]) -> None:
        self._apart, self._wait = 60.0 / per_minute, wait
        self._lock = threading.Lock()
        self._next = 0.0

    def next(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._apart
        if turn > now:
            self._wait(turn - now)


def _portions(due: Sequence[Link]) -> Iterator[Sequence[Link]]:
    for start in range(0, len(due), _PORTION):
        yield due[start : start + _PORTION]


def _news(destination: str, finding: Finding, lost: Sequence[Link]) -> Happening:
    said = {Finding.GONE: "are gone", Finding.CHANGED: "show something else"}[finding]
    receipts = (link.upload.receipt for link in itertools.islice(lost, 3))
    examples = ", ".join(receipt.url for receipt in receipts if receipt is not None)
    text = f"{len(lost)} published pictures {said}, for instance {examples}; the next run of the"
    text += " uploads publishes them again"
    return Happening(NoticeKind.HOST_CHANGED, destination, text, len(lost), f"{finding}")
