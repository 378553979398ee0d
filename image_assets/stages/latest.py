"""Announcing the newest picture of a collection under its latest key; it never goes back."""

import datetime as dt
import json
import logging
from dataclasses import dataclass

from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.core.model import DEFAULT_TENANT, ImageFormat, LatestState
from image_assets.ports import LatestCatalog, LatestEntry, LatestStore, Newest
from image_assets.stages.report import Clock, Report, nothing

log = logging.getLogger(__name__)

_LEASE = dt.timedelta(minutes=10)
"""Longer than an announcement takes: two reads and a write, each of two minutes with its retries."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a source announces: pictures at which destination, in which export, how often.

    Without a recipe the pictures' own bytes are announced.
    """

    source: str
    collection: str
    destination: str
    recipe: str | None
    format: ImageFormat
    interval: str
    tenant: str = DEFAULT_TENANT

    @property
    def key(self) -> str:
        """The latest key."""
        return naming.latest_key(self.collection, self.interval)


@dataclass(frozen=True, slots=True)
class Announcer:
    """The rooms that announcing needs, together.

    The store has no compare-and-set: the catalog decides, one writer a key by a lease, and the store
    is brought to what the catalog says. `skew` is how far ahead a camera's clock may be.
    """

    store: LatestStore
    catalog: LatestCatalog
    owner: str
    clock: Clock
    skew: dt.timedelta = dt.timedelta(minutes=5)

    def announce(self, what: Announcement) -> Report:
        """Move the key forward if there is something newer, and see that the store says so.

        Raises:
            PermanentError: the store holds a newer capture than the catalog knows of.
        """
        lease = f"latest:{what.tenant}:{what.key}"
        now = self.clock()
        if not self.catalog.lease(lease, self.owner, until=now + _LEASE, now=now):
            return nothing("another writer")
        try:
            return self._announce(what, now)
        finally:
            self.catalog.release(lease, self.owner)

    def due(self, what: Announcement) -> str | None:
        """Why `announce` would have something to do; None when it would not.

        Costs one read of the store at most.
        """
        now = self.clock()
        current = self.catalog.current(what.tenant, what.key)
        newest = self._newer(what, current, now)
        if newest is not None:
            return f"capture {newest.item_key}"
        if current is None or self._settling(current, now):
            return None
        if self.store.get(what.key) == current.value and current.state is LatestState.PUBLISHED:
            return None
        return f"repair of sequence {current.sequence}"

    def _announce(self, what: Announcement, now: dt.datetime) -> Report:
        current = self.catalog.current(what.tenant, what.key)
        newest = self._newer(what, current, now)
        if newest is not None:
            sequence = 1 if current is None else current.sequence + 1
            return self._write(what, self._append(what, newest, sequence, now), now)
        if current is None:
            log.info("%s: nothing verified yet", what.key)
            return nothing("nothing yet")
        return self._converge(what, current, now)

    def _newer(
        self, what: Announcement, current: LatestEntry | None, now: dt.datetime
    ) -> Newest | None:
        """The newest verified picture, if it is newer than what the catalog announced."""
        if current is not None and current.hold:
            return None
        newest = self.catalog.newest_verified(
            what.source,
            what.collection,
            what.destination,
            what.recipe,
            what.format,
            until=now + self.skew,
            tenant=what.tenant,
        )
        if newest is None or current is None:
            return newest
        return newest if newest.captured_at > current.captured_at else None

    def _append(
        self, what: Announcement, newest: Newest, sequence: int, now: dt.datetime
    ) -> LatestEntry:
        return self.catalog.append(
            what.tenant,
            what.key,
            captured_at=newest.captured_at,
            value=value_of(what, newest, sequence, now),
            sha256=newest.upload.content.sha256,
            sequence=sequence,
            now=now,
        )

    def _converge(self, what: Announcement, current: LatestEntry, now: dt.datetime) -> Report:
        if self.store.get(what.key) == current.value:
            return self._confirm(what, current, now, "unchanged")
        if self._settling(current, now):
            return nothing("settling")  # the read may be older than our write
        return self._write(what, current, now)

    def _write(self, what: Announcement, current: LatestEntry, now: dt.datetime) -> Report:
        self._refuse_to_go_back(what, current, self.store.get(what.key))
        self.store.put(what.key, current.value)
        log.info("%s: sequence %d, captured %s", what.key, current.sequence, current.captured_at)
        if self.store.get(what.key) == current.value:
            return self._confirm(what, current, now, "repaired")
        return nothing("settling")

    def _confirm(
        self, what: Announcement, current: LatestEntry, now: dt.datetime, note: str
    ) -> Report:
        if current.state is not LatestState.PUBLISHED:
            self.catalog.published(what.tenant, what.key, current.sequence, now=now)
            note = "published"
        return nothing(note)

    def _settling(self, current: LatestEntry, now: dt.datetime) -> bool:
        """Whether a read that differs may just be old."""
        written = max(current.created_at, current.published_at or current.created_at)
        return now - written < self.store.staleness

    def _refuse_to_go_back(
        self, what: Announcement, current: LatestEntry, held: str | None
    ) -> None:
        captured = _captured_at(held)
        if captured is not None and captured > current.captured_at and not current.hold:
            raise PermanentError(
                f"{what.key}: the store {self.store.name} holds a capture of {captured.isoformat()}, newer than the"
                f" catalog's {current.captured_at.isoformat()}; is another catalog writing to it?"
            )


def value_of(what: Announcement, newest: Newest, sequence: int, now: dt.datetime) -> str:
    """The value in the shape of the original: `ipfs_url` or `url`, `updated_at`, `metadata`."""
    upload = newest.upload
    assert upload.receipt is not None  # verified uploads have one
    cid = upload.receipt.cid
    where = {"ipfs_url": f"ipfs://{cid}"} if cid else {"url": upload.receipt.url}
    metadata = {
        "filename": upload.content.name,
        "source": what.source,
        "collection": what.collection,
        "interval": what.interval,
        "captured_at": newest.captured_at.isoformat(),
        "sequence": sequence,
        "sha256": upload.content.sha256,
        "url": upload.receipt.url,
        "width": newest.width,
        "height": newest.height,
    }
    value = where | {"updated_at": str(int(now.timestamp())), "metadata": metadata}
    return json.dumps(value, separators=(",", ":"))


def _captured_at(value: str | None) -> dt.datetime | None:
    """The capture time a stored value carries; None when it is not one of ours."""
    try:
        return dt.datetime.fromisoformat(json.loads(value or "")["metadata"]["captured_at"])
    except (ValueError, KeyError, TypeError):
        return None
