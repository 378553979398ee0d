"""Publishing: each content once at each destination, recorded before, proven after."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from image_assets.core.errors import (
    ImageAssetsError,
    InDoubtError,
    NotFoundError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import Level, Partition, Publishes, Receipt, UploadState
from image_assets.core.recipes import Recipe
from image_assets.ports import (
    Attempt,
    Contents,
    ImageHost,
    Repeated,
    Tries,
    Upload,
    UploadsCatalog,
)
from image_assets.stages.report import Clock, Outcome, Progress, Report, each
from image_assets.stages.verification import Witness

log = logging.getLogger(__name__)

_LEASE_MARGIN = dt.timedelta(minutes=1)
"""A lease outlives the longest send by this much: clocks differ, and a machine may pause."""
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that the ledger has: at which destination, the how manieth, and what came of it."""

    destination: str
    upload: Upload
    attempt: Attempt
    number: int
    receipt: Receipt | None = None


def _single() -> nullcontext[Repeated]:
    """Who sees no tries: each call is one."""
    return nullcontext(Repeated())


@dataclass(frozen=True, slots=True)
class Publisher:
    """The rooms that publishing at one destination needs, together.

    `owner` names this process in the ledger: no other one settles a send that it has under way.
    `patience` are the seconds to wait for what another run is sending; 0: the next run looks again.
    `tries` sees the repetitions within a call, and `told` hears of every attempt once it is recorded.
    `witness` remembers what the host made of each picture.
    """

    destination: str
    host: ImageHost
    catalog: UploadsCatalog
    store: Contents
    owner: str
    clock: Clock
    workers: int = 4
    patience: float = 0.0
    tries: Tries = _single
    told: Callable[[Tried], None] | None = None
    sleep: Callable[[float], None] = time.sleep
    witness: Witness | None = None

    def publish(
        self,
        partition: Partition,
        publishes: Publishes,
        recipe: Recipe,
        *,
        progress: Progress | None = None,
    ) -> Report:
        """See that the destination holds, provably, what the partition publishes."""
        contents = self.catalog.publishable(partition, publishes, recipe)
        uploads = self.catalog.register(
            self.destination, partition.tenant, contents, now=self.clock()
        )
        return self.settle(uploads, progress=progress)

    def settle(
        self,
        uploads: Sequence[Upload],
        *,
        name: Callable[[Upload], str] = lambda upload: upload.content.name,
        progress: Progress | None = None,
    ) -> Report:
        """Bring ledger rows to their end: sent, asked for, verified; `name` is who reports name them."""
        try:
            return each(
                uploads,
                self.settle_one,
                workers=self.workers,
                name=lambda upload: f"{self.destination}: {name(upload)}",
                progress=progress,
            )
        finally:
            self.tell_changes()

    def tell_changes(self) -> None:
        """Remember what was seen of the host so far, and tell what of it is new."""
        if self.witness is not None:
            self.witness.tell()

    def settle_one(self, upload: Upload) -> Outcome:
        """Bring one row to its end; `each` does this for many, and tells of what went wrong.

        Raises:
            TransientError: another run is sending it.
        """
        if upload.state is UploadState.VERIFIED:
            return Outcome("unchanged")
        if upload.state is UploadState.REMOVED or upload.rejected:
            return Outcome("withdrawn" if upload.state is UploadState.REMOVED else "refused_before")
        with self.store.local(upload.content.path) as file:
            if upload.state is UploadState.RECEIPT and upload.receipt is not None:
                return self._verify(upload, file, upload.receipt)
            taken_from = self._begin(upload)
            if taken_from is not None:
                return self._verify(upload, file, self._publish(upload, file, taken_from))
        return self.settle_one(self._after_another(upload))

    def _publish(self, upload: Upload, file: Path, taken_from: UploadState) -> Receipt:
        # What somebody else was sending may have arrived: ask before sending it again.
        unsure = taken_from in (UploadState.SENDING, UploadState.IN_DOUBT)
        receipt = self._ask(upload, file) if unsure else self._look_again(upload, file)
        return receipt or self._send(upload, file)

    def _look_again(self, upload: Upload, file: Path) -> Receipt | None:
        """The receipt of what two looks did not find at the host, where it is there after all."""
        if upload.receipt is None:
            return None
        started = self.clock()
        try:
            self._prove(upload, file, upload.receipt)
        except (NotFoundError, RejectedError, VerificationError):
            return None
        except ImageAssetsError as error:
            self._not_received(upload, error, self._attempt(started, error), ())
            raise
        log.info("%s: %s shows it again", upload.content.name, self.destination)
        self._receive(upload, upload.receipt, self._attempt(started, outcome="found"))
        return upload.receipt

    def _begin(self, upload: Upload) -> UploadState | None:
        now = self.clock()
        lease = now + dt.timedelta(seconds=self.host.deadline) + _LEASE_MARGIN
        return self.catalog.begin(upload.id, self.owner, lease_until=lease, now=now)

    def _after_another(self, upload: Upload) -> Upload:
        """The row once nobody is sending it any more.

        Raises:
            TransientError: somebody is. Where he died while he did, his lease says when to look.
        """
        end = self.clock() + dt.timedelta(seconds=self.patience)
        while self.clock() < end:
            row = self.catalog.upload(upload.id)
            now = self.clock()
            running = row.lease_until is not None and row.lease_until > now
            if not (row.state is UploadState.SENDING and running):
                return replace(row, content=upload.content)
            self.sleep(_POLL_SECONDS)
        raise TransientError(
            f"{upload.content.name}: another run is sending it; run again in a few minutes"
        )

    def _ask(self, upload: Upload, file: Path) -> Receipt | None:
        started = self.clock()
        try:
            receipt = self.host.find(upload.content, file)
        except ImageAssetsError as error:
            attempt = self._attempt(started, error)
            number = self.catalog.doubt(upload.id, self.owner, attempt=attempt, now=self.clock())
            self._tell(upload, attempt, number)
            raise
        if receipt is not None:
            log.info("%s: %s had arrived", self.destination, upload.content.name)
            self._receive(upload, receipt, self._attempt(started, outcome="found"))
        return receipt

    def _send(self, upload: Upload, file: Path) -> Receipt:
        started = self.clock()
        with self.tries() as seen:
            try:
                receipt = self.host.upload(upload.content, file)
            except ImageAssetsError as error:
                attempt = self._attempt(seen.began or started, error)
                self._not_received(upload, error, attempt, seen.tries)
                raise
        attempt = self._attempt(seen.began or started, outcome="success")
        self._receive(upload, receipt, attempt, seen.tries)
        return receipt

    def _receive(
        self, upload: Upload, receipt: Receipt, attempt: Attempt, tries: Sequence[Attempt] = ()
    ) -> None:
        number = self.catalog.receive(
            upload.id, self.owner, receipt, attempt=attempt, tries=tries, now=self.clock()
        )
        self._tell(upload, attempt, number, tries, receipt)

    def _not_received(
        self, upload: Upload, error: ImageAssetsError, attempt: Attempt, tries: Sequence[Attempt]
    ) -> None:
        if isinstance(error, InDoubtError):
            number = self.catalog.doubt(
                upload.id, self.owner, attempt=attempt, tries=tries, now=self.clock()
            )
        else:
            number = self.catalog.fail(
                upload.id,
                self.owner,
                attempt=attempt,
                rejected=isinstance(error, RejectedError),
                tries=tries,
                now=self.clock(),
            )
        self._tell(upload, attempt, number, tries)

    def _tell(
        self,
        upload: Upload,
        attempt: Attempt,
        number: int,
        tries: Sequence[Attempt] = (),
        receipt: Receipt | None = None,
    ) -> None:
        if self.told is None:
            return
        for before, tried in enumerate(tries, number - len(tries)):
            self.told(Tried(self.destination, upload, tried, before))
        self.told(Tried(self.destination, upload, attempt, number, receipt))

    def _verify(self, upload: Upload, file: Path, receipt: Receipt) -> Outcome:
        name = upload.content.name
        try:
            level = self._prove(upload, file, receipt)
        except NotFoundError as error:
            # A receipt and no content: a slow index, or a loss. The receipt stays; we look again.
            raise TransientError(
                f"{name}: {self.destination} gave a receipt and does not show it yet: {error}"
            ) from error
        self.catalog.verified(upload.id, level, now=self.clock())
        shown = "verified" if receipt.rendering is None else "optimised"
        return Outcome(shown, upload.content.size)

    def _prove(self, upload: Upload, file: Path, receipt: Receipt) -> Level:
        if self.witness is None:
            return self.host.verify(upload.content, file, receipt)
        return self.witness.show(self.host, upload.content, file, receipt).level

    def _attempt(
        self,
        started: dt.datetime,
        error: ImageAssetsError | None = None,
        *,
        outcome: str = "failure",
    ) -> Attempt:
        seconds = (self.clock() - started).total_seconds()
        if isinstance(error, InDoubtError):
            outcome = "in_doubt"
        return Attempt(started, seconds, outcome, str(error) if error is not None else None)
