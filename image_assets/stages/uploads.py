"""Publishing: each content once at each destination, recorded before, proven after."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from image_assets.core.errors import (
    ImageAssetsError,
    InDoubtError,
    NotFoundError,
    RejectedError,
    TransientError,
)
from image_assets.core.model import Partition, Publishes, Receipt, UploadState
from image_assets.core.recipes import Recipe
from image_assets.ports import Attempt, FileStore, ImageHost, Upload, UploadsCatalog
from image_assets.stages.report import Clock, Outcome, Progress, Report, each

log = logging.getLogger(__name__)

_LEASE_MARGIN = dt.timedelta(minutes=1)
"""A lease outlives the longest send by this much: clocks differ, and a machine may pause."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """The rooms that publishing at one destination needs, together.

    `owner` names this process in the ledger: no other one settles a send that it has under way.
    """

    destination: str
    host: ImageHost
    catalog: UploadsCatalog
    store: FileStore
    owner: str
    clock: Clock
    workers: int = 4

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

    def settle(self, uploads: Sequence[Upload], *, progress: Progress | None = None) -> Report:
        """Bring ledger rows to their end: sent, asked for, verified."""
        return each(
            uploads,
            self._settle_one,
            workers=self.workers,
            name=lambda upload: f"{self.destination}: {upload.content.name}",
            progress=progress,
        )

    def _settle_one(self, upload: Upload) -> Outcome:
        if upload.state is UploadState.VERIFIED:
            return Outcome("unchanged")
        if upload.state is UploadState.REMOVED or upload.rejected:
            return Outcome("withdrawn" if upload.state is UploadState.REMOVED else "refused_before")
        with self.store.local(upload.content.path) as file:
            if upload.state is UploadState.RECEIPT and upload.receipt is not None:
                return self._verify(upload, file, upload.receipt)
            taken_from = self._begin(upload)
            if taken_from is None:
                # Another run is sending it, or died while it did: its lease says when to look.
                raise TransientError(
                    f"{upload.content.name}: another run is sending it; run again in a few minutes"
                )
            # What somebody else was sending may have arrived: ask before sending it again.
            unsure = taken_from in (UploadState.SENDING, UploadState.IN_DOUBT)
            receipt = self._ask(upload, file) if unsure else None
            if receipt is None:
                receipt = self._send(upload, file)
            return self._verify(upload, file, receipt)

    def _begin(self, upload: Upload) -> UploadState | None:
        now = self.clock()
        lease = now + dt.timedelta(seconds=self.host.deadline) + _LEASE_MARGIN
        return self.catalog.begin(upload.id, self.owner, lease_until=lease, now=now)

    def _ask(self, upload: Upload, file: Path) -> Receipt | None:
        started = self.clock()
        try:
            receipt = self.host.find(upload.content, file)
        except ImageAssetsError as error:
            self.catalog.doubt(
                upload.id, self.owner, attempt=self._attempt(started, error), now=self.clock()
            )
            raise
        if receipt is not None:
            log.info("%s: %s had arrived", self.destination, upload.content.name)
            attempt = self._attempt(started, outcome="found")
            self.catalog.receive(upload.id, self.owner, receipt, attempt=attempt, now=self.clock())
        return receipt

    def _send(self, upload: Upload, file: Path) -> Receipt:
        started = self.clock()
        try:
            receipt = self.host.upload(upload.content, file)
        except InDoubtError as error:
            self.catalog.doubt(
                upload.id, self.owner, attempt=self._attempt(started, error), now=self.clock()
            )
            raise
        except ImageAssetsError as error:
            self.catalog.fail(
                upload.id,
                self.owner,
                attempt=self._attempt(started, error),
                rejected=isinstance(error, RejectedError),
                now=self.clock(),
            )
            raise
        attempt = self._attempt(started, outcome="success")
        self.catalog.receive(upload.id, self.owner, receipt, attempt=attempt, now=self.clock())
        return receipt

    def _verify(self, upload: Upload, file: Path, receipt: Receipt) -> Outcome:
        name = upload.content.name
        try:
            level = self.host.verify(upload.content, file, receipt)
        except NotFoundError as error:
            # A receipt and no content: a slow index, or a loss. The receipt stays; we look again.
            raise TransientError(
                f"{name}: {self.destination} gave a receipt and does not show it yet: {error}"
            ) from error
        self.catalog.verified(upload.id, level, now=self.clock())
        shown = "verified" if receipt.rendering is None else "optimised"
        return Outcome(shown, upload.content.size)

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
