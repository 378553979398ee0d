"""Announcing the newest picture of a collection under its latest key; it never goes back."""

import datetime as dt
import json
import logging
from dataclasses import dataclass
from typing import Any

from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.core.model import DEFAULT_TENANT, ImageFormat, LatestState
from image_assets.ports import LatestCatalog, LatestEntry, LatestStore, Newest
from image_assets.stages.latest_turns import Turn
from image_assets.stages.report import Clock, Report, nothing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a source announces: pictures at which destination, in which export, how often.

    Without a recipe the pictures' own bytes are announced. `pattern` spells the key.
    """

    source: str
    collection: str
    destination: str
    recipe: str | None
    format: ImageFormat
    interval: str
    tenant: str = DEFAULT_TENANT
    pattern: str = naming.LATEST_PATTERN

    @property
    def key(self) -> str:
        """The latest key."""
        # Visualisations are collected by interval; a camera's name has no colon.
        collection = self.collection.partition(":")[0]
        return naming.latest_key(collection, self.interval, self.pattern)


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
            PermanentError: the store holds a newer capture that the catalog knows nothing of.
        """
        turn = self.turn(what)
        if not turn.take():
            return nothing("another writer")
        try:
            return self._announce(what, turn)
        finally:
            turn.give_back()

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
        if self.store.get(what.key) != current.value or current.state is LatestState.PENDING:
            return f"repair of sequence {current.sequence}"
        if self._ages(current, now):
            return f"refresh of sequence {current.sequence} on {now:%Y-%m-%dT%H:%M}"
        return None

    def turn(self, what: Announcement) -> Turn:
        """The turn of its key."""
        name = f"latest:{what.tenant}:{what.key}"
        return Turn(self.catalog, name, self.owner, self.clock, self.store.deadline)

    def picture(self, what: Announcement, target: str | None = None) -> Newest | None:
        """The newest verified picture there is; with a `target` only what goes by that name."""
        return self.catalog.newest_verified(
            what.source,
            what.collection,
            what.destination,
            what.recipe,
            what.format,
            until=self.clock() + self.skew,
            tenant=what.tenant,
            target=target,
        )

    def write(self, what: Announcement, current: LatestEntry, turn: Turn) -> Report:
        """Bring the store to a sequence, within the key's turn; no sooner than it may be written."""
        now = self.clock()
        if current.touched_at is not None and now - current.touched_at < self.store.rest:
            return nothing("settling")
        turn.go_on()
        self.refuse_to_go_back(what, current, self.store.get(what.key))
        turn.go_on()
        try:
            self.store.put(what.key, current.value, about(current))
        finally:  # in doubt it was written, too
            self.catalog.written(what.tenant, what.key, current.sequence, now=self.clock())
        log.info("%s: sequence %d, captured %s", what.key, current.sequence, current.captured_at)
        turn.go_on()
        if self.store.get(what.key) == current.value:
            return self._confirm(what, current, "repaired")
        return nothing("settling")

    def refuse_to_go_back(self, what: Announcement, current: LatestEntry, held: str | None) -> None:
        """See that the store holds nothing newer of somebody else's.

        Raises:
            PermanentError: it does.
        """
        captured, sequence = _told(held)
        if captured is None or captured <= current.captured_at or current.hold:
            return
        ours = self.catalog.entry(what.tenant, what.key, sequence)
        if ours is None or ours.value != held:
            raise PermanentError(
                f"{what.key}: the store {self.store.name} holds a capture of {captured.isoformat()}, newer than the"
                f" catalog's {current.captured_at.isoformat()}; is another catalog writing to it?"
            )

    def _announce(self, what: Announcement, turn: Turn) -> Report:
        now = self.clock()
        current = self.catalog.current(what.tenant, what.key)
        newest = self._newer(what, current, now)
        if newest is not None:
            return self.write(what, self._append(what, newest, current, now), turn)
        if current is None:
            log.info("%s: nothing verified yet", what.key)
            return nothing("nothing yet")
        return self._converge(what, current, turn)

    def _newer(
        self, what: Announcement, current: LatestEntry | None, now: dt.datetime
    ) -> Newest | None:
        """The newest verified picture, if the catalog has not announced it, or not where it is now."""
        if current is not None and current.hold:
            return None
        newest = self.picture(what)
        if newest is None or current is None or newest.captured_at > current.captured_at:
            return newest
        moved = newest.captured_at == current.captured_at and leads(newest) != _led(current)
        return newest if moved else None

    def _append(
        self, what: Announcement, newest: Newest, current: LatestEntry | None, now: dt.datetime
    ) -> LatestEntry:
        sequence = 1 if current is None else current.sequence + 1
        return self.catalog.append(
            what.tenant,
            what.key,
            captured_at=newest.captured_at,
            value=value_of(what, newest, sequence, now),
            sha256=newest.upload.content.sha256,
            sequence=sequence,
            now=now,
        )

    def _converge(self, what: Announcement, current: LatestEntry, turn: Turn) -> Report:
        now = self.clock()
        turn.go_on()
        if self.store.get(what.key) == current.value:
            if self._ages(current, now):
                return self.write(what, current, turn)
            return self._confirm(what, current, "unchanged")
        if self._settling(current, now):
            return nothing("settling")  # the read may be older than our write
        return self.write(what, current, turn)

    def _confirm(self, what: Announcement, current: LatestEntry, note: str) -> Report:
        if current.state is not LatestState.PUBLISHED:
            self.catalog.published(what.tenant, what.key, current.sequence, now=self.clock())
            note = "published"
        return nothing(note)

    def _settling(self, current: LatestEntry, now: dt.datetime) -> bool:
        """Whether a read that differs may just be old."""
        written = current.written_at
        return written is not None and now - written < self.store.staleness

    def _ages(self, current: LatestEntry, now: dt.datetime) -> bool:
        """Whether half of the time is over that the store keeps it: then it is written again."""
        lifetime, written = self.store.lifetime, current.written_at
        return lifetime is not None and (written is None or now - written >= lifetime / 2)


def about(entry: LatestEntry) -> dict[str, str | int]:
    """What stands beside a value in a store's listings."""
    captured = entry.captured_at.isoformat()
    return {"sequence": entry.sequence, "captured_at": captured, "sha256": entry.sha256}


def value_of(what: Announcement, newest: Newest, sequence: int, now: dt.datetime) -> str:
    """The value in the shape of the original: `ipfs_url` or `url`, `updated_at`, `metadata`."""
    upload = newest.upload
    assert upload.receipt is not None  # verified uploads have one
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
        **newest.told,
    }
    value = leads(newest) | {"updated_at": str(int(now.timestamp())), "metadata": metadata}
    return json.dumps(value, separators=(",", ":"))


def leads(newest: Newest) -> dict[str, Any]:
    """Where a picture is, as a value says it."""
    receipt = newest.upload.receipt
    assert receipt is not None  # verified uploads have one
    return {"ipfs_url": f"ipfs://{receipt.cid}"} if receipt.cid else {"url": receipt.url}


def _led(entry: LatestEntry) -> dict[str, Any]:
    """Where a value said that it is."""
    value = json.loads(entry.value)
    return {name: value[name] for name in ("ipfs_url", "url") if name in value}


def _told(value: str | None) -> tuple[dt.datetime | None, int]:
    """The capture time and sequence that a stored value carries; no time when it is not one of ours."""
    try:
        metadata = json.loads(value or "")["metadata"]
        captured = dt.datetime.fromisoformat(metadata["captured_at"])
        sequence = metadata.get("sequence")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, 0
    captured = captured if captured.tzinfo else captured.replace(tzinfo=dt.UTC)
    return captured, sequence if isinstance(sequence, int) else 0
