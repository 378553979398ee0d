"""What people say about latest keys: back to an earlier picture, on to a certain one, all of them anew."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from image_assets.core.errors import NotFoundError, PermanentError, TransientError
from image_assets.ports import LatestEntry, Newest, Statement
from image_assets.stages.latest import Announcement, Announcer, about, leads, value_of
from image_assets.stages.latest_turns import Turn
from image_assets.stages.report import Cause, ItemFailure, Report, nothing

_LOOKED_BACK = 1000
"""Sequences among which an earlier picture is looked for."""

_NOT_TAKEN = "the store did not take it; run again in a minute"


@dataclass(frozen=True, slots=True)
class Hand:
    """A person's hand on the keys of an announcer; what it sets is held until it is let go."""

    announcer: Announcer

    def roll_back(self, what: Announcement, sequence: int | None = None) -> Report:
        """Announce what a sequence announced once more; without one, the newest older capture.

        Raises:
            NotFoundError: there is no such sequence, or nothing older.
            PermanentError: its picture is not verified where it was.
            TransientError: another writer has the key.
        """
        turn = self._turn(what)
        try:
            current = self._current(what)
            back = self._earlier(what, current, sequence)
            picture = self.announcer.picture(what, back.sha256)
            if picture is None:
                raise PermanentError(
                    f"{what.key}: what sequence {back.sequence} points at is not verified at"
                    f" {what.destination} any more; publish it again, or name another sequence"
                )
            now = self.announcer.clock()
            value = said_again(back.value, picture, current.sequence + 1, now)
            return self._hold(what, current, back.captured_at, value, back.sha256, turn)
        finally:
            turn.give_back()

    def set(self, what: Announcement, target: str) -> Report:
        """Announce a certain picture of the collection, by item key, SHA-256, URL or identifier.

        Raises:
            NotFoundError: no verified picture goes by that name.
            TransientError: another writer has the key.
        """
        newest = self.announcer.picture(what, target)
        if newest is None:
            raise NotFoundError(
                f"{what.key}: no verified picture of {what.collection} at {what.destination}"
                f" goes by {target!r} (item key, SHA-256, URL or ipfs://…)"
            )
        turn = self._turn(what)
        try:
            current = self.announcer.catalog.current(what.tenant, what.key)
            sequence = 1 if current is None else current.sequence + 1
            value = value_of(what, newest, sequence, self.announcer.clock())
            sha256 = newest.upload.content.sha256
            return self._hold(what, current, newest.captured_at, value, sha256, turn)
        finally:
            turn.give_back()

    def let_go(self, what: Announcement) -> bool:
        """The key goes forward by itself again; False when nobody held it."""
        return self.announcer.catalog.let_go(what.tenant, what.key)

    def republish(self, whats: Sequence[Announcement]) -> Report:
        """Give the store every value of the catalog that it lacks: together, for one that was lost."""
        turns = {what: self.announcer.turn(what) for what in whats}
        mine = {what: turn for what, turn in turns.items() if turn.take()}
        try:
            report = self._republish(mine)
        finally:
            for turn in mine.values():
                turn.give_back()
        others = len(turns) - len(mine)
        return report + (nothing("another writer", others) if others else Report())

    def _republish(self, mine: Mapping[Announcement, Turn]) -> Report:
        catalog, store = self.announcer.catalog, self.announcer.store
        entries = {what: catalog.current(what.tenant, what.key) for what in mine}
        known = {what: entry for what, entry in entries.items() if entry is not None}
        _go_on(mine)
        held = store.get_many([what.key for what in known])
        lost = {what: e for what, e in known.items() if held.get(what.key) != e.value}
        for what, entry in lost.items():
            self.announcer.refuse_to_go_back(what, entry, held.get(what.key))
        refused = self._put(lost, mine) if lost else frozenset()
        counts = {"nothing yet": len(mine) - len(known), "unchanged": len(known) - len(lost)}
        report = Report({note: count for note, count in counts.items() if count})
        return report + self._read_back(lost, refused, mine) if lost else report

    def _put(
        self, lost: Mapping[Announcement, LatestEntry], mine: Mapping[Announcement, Turn]
    ) -> frozenset[str]:
        """Write them together; the keys that the store did not take."""
        _go_on(mine)
        values = {what.key: Statement(entry.value, about(entry)) for what, entry in lost.items()}
        try:
            return self.announcer.store.put_many(values)
        finally:  # in doubt they were written, too
            now = self.announcer.clock()
            for what, entry in lost.items():
                self.announcer.catalog.written(what.tenant, what.key, entry.sequence, now=now)

    def _read_back(
        self,
        written: Mapping[Announcement, LatestEntry],
        refused: frozenset[str],
        mine: Mapping[Announcement, Turn],
    ) -> Report:
        _go_on(mine)
        says = self.announcer.store.get_many([what.key for what in written])
        counts, failures = Counter[str](), []
        for what, entry in written.items():
            if says.get(what.key) == entry.value:
                now = self.announcer.clock()
                self.announcer.catalog.published(what.tenant, what.key, entry.sequence, now=now)
                counts["repaired"] += 1
            elif what.key in refused:
                failures.append(ItemFailure(what.key, Cause.TRANSIENT, _NOT_TAKEN))
            else:
                counts["settling"] += 1
        causes = {Cause.TRANSIENT: len(failures)} if failures else {}
        return Report(dict(counts), causes, failures=tuple(failures))

    def _turn(self, what: Announcement) -> Turn:
        turn = self.announcer.turn(what)
        if not turn.take():
            raise TransientError(f"{what.key}: another writer has it; try again in a minute")
        return turn

    def _current(self, what: Announcement) -> LatestEntry:
        current = self.announcer.catalog.current(what.tenant, what.key)
        if current is None:
            raise NotFoundError(f"{what.key}: nothing was ever announced")
        return current

    def _earlier(
        self, what: Announcement, current: LatestEntry, sequence: int | None
    ) -> LatestEntry:
        catalog = self.announcer.catalog
        if sequence is not None:
            found = catalog.entry(what.tenant, what.key, sequence)
            if found is None:
                raise NotFoundError(
                    f"{what.key}: no sequence {sequence}; see image-assets latest history"
                )
            return found
        for entry in catalog.history(what.tenant, what.key, most=_LOOKED_BACK):
            if entry.captured_at < current.captured_at:
                return entry
        raise NotFoundError(f"{what.key}: nothing older than what it says now was announced")

    def _hold(
        self,
        what: Announcement,
        current: LatestEntry | None,
        captured_at: dt.datetime,
        value: str,
        sha256: str,
        turn: Turn,
    ) -> Report:
        entry = self.announcer.catalog.append(
            what.tenant,
            what.key,
            sequence=1 if current is None else current.sequence + 1,
            captured_at=captured_at,
            value=value,
            sha256=sha256,
            now=self.announcer.clock(),
            hold=True,
        )
        return self.announcer.write(what, entry, turn)


def said_again(value: str, picture: Newest, sequence: int, now: dt.datetime) -> str:
    """A value as it was, under another sequence, leading to where its picture is now."""
    where = leads(picture)
    assert picture.upload.receipt is not None  # verified uploads have one
    changes = {"sequence": sequence, "url": picture.upload.receipt.url}
    metadata = json.loads(value)["metadata"] | changes
    said = where | {"updated_at": str(int(now.timestamp())), "metadata": metadata}
    return json.dumps(said, separators=(",", ":"))


def _go_on(turns: Mapping[Announcement, Turn]) -> None:
    for turn in turns.values():
        turn.go_on()
