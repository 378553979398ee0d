"""Writers of one latest key whose every call may be overtaken, on a clock of their own.

Each writer is a greenlet that stops before each call of catalog and store; chance, by a seed, says who
goes on, how much time passes, what a read shows of the last minute, and who is killed where he stands.
"""

import datetime as dt
import json
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from greenlet import getcurrent, greenlet

from image_assets.core.errors import ImageAssetsError, TransientError
from image_assets.core.model import (
    Content,
    ImageFormat,
    LatestState,
    Level,
    Receipt,
    UploadState,
)
from image_assets.ports import LatestCatalog, LatestEntry, Newest, Statement, Upload
from image_assets.services.catalog.latest import check_next
from image_assets.stages.latest import Announcement, Announcer
from image_assets.stages.latest_by_hand import Hand

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
WHAT = Announcement("camera", "apm/in_gate", "pinata", None, ImageFormat.JPEG, "daily")
WRITERS = 4
_STALENESS = 60.0


class MemoryLatest:
    """A latest catalog in memory; what it may not do is said by the catalog's own rule."""

    def __init__(self) -> None:
        self.entries: list[LatestEntry] = []
        self._leases: dict[str, tuple[str, dt.datetime]] = {}

    def current(self, tenant: str, key: str) -> LatestEntry | None:
        if not self.entries:
            return None
        touched = [e.written_at for e in self.entries if e.written_at is not None]
        return replace(self.entries[-1], touched_at=max(touched, default=None))

    def history(self, tenant: str, key: str, *, most: int) -> Sequence[LatestEntry]:
        return tuple(reversed(self.entries))[:most]

    def entry(self, tenant: str, key: str, sequence: int) -> LatestEntry | None:
        return next((e for e in self.entries if e.sequence == sequence), None)

    def append(
        self,
        tenant: str,
        key: str,
        *,
        sequence: int,
        captured_at: dt.datetime,
        value: str,
        sha256: str,
        now: dt.datetime,
        hold: bool = False,
    ) -> LatestEntry:
        before = self.current(tenant, key)
        check_next(key, before, sequence, None if hold else captured_at)
        state = LatestState.PENDING
        made = LatestEntry(key, sequence, captured_at, value, sha256, state, hold, now, None)
        self.entries.append(made)
        return replace(made, touched_at=before.touched_at if before else None)

    def written(self, tenant: str, key: str, sequence: int, *, now: dt.datetime) -> None:
        self._change(sequence, written_at=now)

    def published(self, tenant: str, key: str, sequence: int, *, now: dt.datetime) -> None:
        self._change(sequence, state=LatestState.PUBLISHED, published_at=now)

    def let_go(self, tenant: str, key: str) -> bool:
        held = bool(self.entries) and self.entries[-1].hold
        if held:
            self._change(self.entries[-1].sequence, hold=False)
        return held

    def lease(self, name: str, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        other, ends = self._leases.get(name, (owner, until))
        if other != owner and ends > now:
            return False
        self._leases[name] = (owner, until)
        return True

    def release(self, name: str, owner: str) -> None:
        if self._leases.get(name, ("", START))[0] == owner:
            del self._leases[name]

    def _change(self, sequence: int, **changes: Any) -> None:
        changed = (replace(e, **changes) if e.sequence == sequence else e for e in self.entries)
        self.entries = list(changed)


@dataclass
class LateStore:
    """A store whose reads are up to a minute old, and whose writes sometimes get no answer."""

    world: "World"
    name: str = "late"
    staleness: dt.timedelta = dt.timedelta(seconds=_STALENESS)
    deadline: dt.timedelta = dt.timedelta(seconds=120)
    rest: dt.timedelta = dt.timedelta(seconds=1)
    lifetime: dt.timedelta | None = None
    writes: list[tuple[dt.datetime, str | None]] = field(default_factory=list)

    def get(self, key: str) -> str | None:
        seen = self.world.now - dt.timedelta(seconds=self.world.chance.uniform(0, _STALENESS))
        past = [value for at, value in self.writes if at <= seen]
        return past[-1] if past else None

    def put(self, key: str, value: str, about: Mapping[str, str | int] | None = None) -> None:
        fate = self.world.chance.random() if self.world.hostile else 1.0
        if fate < 0.05:
            raise TransientError("no connection")
        self.writes.append((self.world.now, value))
        self.world.pass_time(self.world.chance.uniform(0, 0.5))
        if fate < 0.1:
            raise TransientError("no answer")

    def get_many(self, keys: Collection[str]) -> Mapping[str, str]:
        found = ((key, self.get(key)) for key in keys)
        return {key: value for key, value in found if value is not None}

    def put_many(self, values: Mapping[str, Statement]) -> frozenset[str]:
        for key, statement in values.items():
            self.put(key, statement.value)
        return frozenset()

    def lose(self) -> None:
        """Everything is gone; readers see it in time."""
        self.writes.append((self.world.now, None))

    @property
    def holds(self) -> str | None:
        """What it really holds."""
        return self.writes[-1][1] if self.writes else None


class World:
    """Pictures that come, a clock, and writers who take turns at random.

    `pauses`: a writer may stand still for as long as it takes; then what he writes comes too late.
    """

    def __init__(self, seed: int, catalog: LatestCatalog, *, pauses: bool = False) -> None:
        self.chance = random.Random(seed)
        self.now = START
        self.hostile = True
        self.pauses = pauses
        self.catalog = catalog
        self.store = LateStore(self)
        self.pictures: list[Newest] = []
        self.by_hand: set[int] = set()
        """Sequences that people said."""
        self._hub = getcurrent()
        self.killed: list[greenlet] = []
        self._over = False
        self._hurry = False

    def pass_time(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    def announcer(self, owner: str) -> Announcer:
        stopping = _Stopping(self, self.catalog), _Stopping(self, self.store)
        return Announcer(stopping[1], stopping[0], owner, lambda: self.now)  # type: ignore[arg-type]

    def stop(self) -> None:
        """A writer stands before his next call; somebody goes on."""
        if getcurrent() is not self._hub:
            self._hub.switch()
        if self._over:
            raise _OverError

    def newest_verified(self, *_: Any, target: str | None = None, **__: Any) -> Newest | None:
        named = [p for p in self.pictures if target in (None, p.upload.content.sha256)]
        return max(named, key=lambda p: p.captured_at, default=None)

    def play(self, steps: int) -> None:
        """Let the writers work, and things happen to them."""
        running = [self._writer(number) for number in range(WRITERS)]
        for _ in range(steps):
            self._something_happens()
            number = self.chance.randrange(WRITERS)
            if self.chance.random() < 0.004:
                self.killed.append(running[number])  # killed where he stands: nothing is given back
                running[number] = self._writer(number)
            self.pass_time(self.chance.uniform(0, self._at_most()))
            running[number].switch()
            if running[number].dead:
                running[number] = self._writer(number)
        for writer in (*running, *self.killed):
            self._end(writer)

    def settle(self) -> None:
        """Nothing more happens; the sensor looks every other minute, for half an hour."""
        self.hostile = False
        for round_ in range(15):
            self.pass_time(121)
            calm = Announcer(self.store, _Known(self), f"sensor {round_}", lambda: self.now)
            if calm.due(WHAT) is not None:
                calm.announce(WHAT)

    def _at_most(self) -> float:
        """Seconds until somebody goes on."""
        if self.pauses and self.chance.random() < 0.05:
            return 400
        if self.chance.random() < 0.05:
            self._hurry = not self._hurry
        return 0.05 if self._hurry else 4

    def _end(self, writer: greenlet) -> None:
        self._over = True
        while writer and not writer.dead:
            writer.switch()
        self._over = False

    def _writer(self, number: int) -> greenlet:
        owner = f"run {number} {self.chance.random()}"

        def work() -> None:
            try:
                self._job(owner)
            except (ImageAssetsError, _OverError):
                return

        return greenlet(work)

    def _job(self, owner: str) -> None:
        announcer, what = self.announcer(owner), self.chance.random()
        if what < 0.08:
            Hand(announcer).roll_back(WHAT)
        elif what < 0.16:
            Hand(announcer).let_go(WHAT)
        elif what < 0.5 or announcer.due(WHAT) is not None:
            announcer.announce(WHAT)

    def _something_happens(self) -> None:
        what = self.chance.random()
        if what < 0.1:
            hours = len(self.pictures) / 2 + self.chance.uniform(-4, 4)
            self.pictures.append(picture(START + dt.timedelta(hours=hours), len(self.pictures)))
        elif what < 0.11:
            self.store.lose()


class _OverError(BaseException):
    """The simulation is over: whoever still stands somewhere goes home."""


class _Known:
    """The catalog, with the world's pictures in it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        known = self._world.newest_verified if name == "newest_verified" else None
        return known or getattr(self._world.catalog, name)


class _Stopping:
    """Somebody whose every call is preceded by a stop."""

    def __init__(self, world: World, inner: object) -> None:
        self._world, self._inner = world, inner

    def __getattr__(self, name: str) -> Any:
        pictures = self._world.newest_verified if name == "newest_verified" else None
        found = pictures or getattr(self._inner, name)
        return self._stopping(found) if callable(found) else found

    def _stopping(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def stopped(*arguments: Any, **named: Any) -> Any:
            self._world.stop()
            done = do(*arguments, **named)
            if named.get("hold"):
                self._world.by_hand.add(named["sequence"])
            return done

        return stopped


def picture(captured_at: dt.datetime, number: int) -> Newest:
    """A verified picture."""
    content = Content(f"{number:064}", f"{number}.jpg", 10, ImageFormat.JPEG, f"{number}.jpg")
    receipt = Receipt(f"https://host.test/{number}", str(number), f"cid{number}")
    state = UploadState.VERIFIED
    upload = Upload(number, content, state, receipt, Level.L4, None, None, rejected=False)
    return Newest(str(number), captured_at, upload, 10, 10)


def sequences(writes: Sequence[tuple[dt.datetime, str | None]]) -> list[int]:
    """What was written, in order."""
    return [json.loads(value)["metadata"]["sequence"] for _, value in writes if value is not None]
