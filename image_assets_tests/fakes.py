"""Stand-ins for what the stages need of the outside, in memory; each passes its port's contract.

The faulty ones are named after what they do. Nothing here is a mock: a fake keeps its promises.
"""

import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from image_assets.core import naming
from image_assets.core.errors import (
    InDoubtError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    UnreadableImageError,
    VerificationError,
)
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import (
    Content,
    Entry,
    Fetched,
    Level,
    Listing,
    Partition,
    Receipt,
    Scope,
)
from image_assets.core.nearest import distance
from image_assets.ports import Anchor, Judged, Reach, Statement, Undesigned


class FakeSource:
    """An image source with one listing. A picture is its bytes, or the error that fetching it gives.

    `listings` and `fetches` count what was asked.
    """

    def __init__(self, listing: Listing, pictures: Mapping[str, bytes | Exception]) -> None:
        self.listing = listing
        self.pictures = dict(pictures)
        self.listings = 0
        self.fetches = 0
        self._lock = threading.Lock()

    def list(self, partition: Partition) -> Listing:
        with self._lock:
            self.listings += 1
        return self.listing

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        with self._lock:
            self.fetches += 1
        picture = self.pictures.get(entry.item_key)
        if picture is None:
            raise NotFoundError(f"{entry.name}: the fake has no such picture")
        if isinstance(picture, Exception):
            raise picture
        if into.exists():
            raise PermanentError(f"{into}: is there already")
        into.write_bytes(picture)
        return Fetched(hashlib.sha256(picture).hexdigest(), len(picture), url=entry.address)


class DropsEveryThird(FakeSource):
    """Every third picture does not arrive; asked again, it may."""

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        fetched = super().fetch(entry, into)
        if self.fetches % 3 == 0:
            into.unlink()
            raise TransientError(f"{entry.name}: the connection broke")
        return fetched


class FakeHost:
    """An image host that keeps what it is given. `held` is its content by name."""

    level = Level.L3
    deadline = 5.0

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.held: dict[str, bytes] = {}
        self.uploads = 0
        self._lock = threading.Lock()

    def upload(self, content: Content, file: Path) -> Receipt:
        body = _content_of(content, file)
        with self._lock:
            self.uploads += 1
            self.held[content.name] = body
        return self._receipt(content)

    def find(self, content: Content, file: Path) -> Receipt | None:
        held = self.held.get(content.name)
        return self._receipt(content) if held is not None and _is(held, content) else None

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        held = self.held.get(content.name)
        if held is None:
            raise NotFoundError(f"{content.name}: {self.name} does not have it")
        if not _is(held, content):
            raise VerificationError(f"{content.name}: {self.name} has other bytes")
        return self.level

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        if content.name not in self.held:
            raise NotFoundError(f"{content.name}: {self.name} does not have it")
        return Level.L1

    def remove(self, receipt: Receipt) -> None:
        if receipt.host_id is None:
            raise RejectedError(f"{receipt.url}: no id to remove")
        self.held.pop(receipt.host_id, None)

    def _receipt(self, content: Content) -> Receipt:
        return Receipt(f"https://{self.name}.example/{content.sha256}", host_id=content.name)


class FallsSilent(FakeHost):
    """Takes every upload and answers none of every `each`-th: the sender is left in doubt."""

    def __init__(self, name: str = "fake", *, each: int = 3) -> None:
        super().__init__(name)
        self._each = each

    def upload(self, content: Content, file: Path) -> Receipt:
        receipt = super().upload(content, file)
        if self.uploads % self._each == 0:
            raise InDoubtError(f"{content.name}: sent, and no answer came")
        return receipt


class RefusesSome(FakeHost):
    """Refuses the contents of these names, for ever."""

    def __init__(self, *refused: str) -> None:
        super().__init__()
        self._refused = refused

    def upload(self, content: Content, file: Path) -> Receipt:
        if content.name in self._refused:
            raise RejectedError(f"{content.name}: not a picture we take")
        return super().upload(content, file)


class BusyHost(FakeHost):
    """Too busy for the first `times` uploads."""

    def __init__(self, *, times: int) -> None:
        super().__init__()
        self._times = times

    def upload(self, content: Content, file: Path) -> Receipt:
        with self._lock:
            self._times -= 1
            busy = self._times >= 0
        if busy:
            raise TransientError(f"{content.name}: try again later", retry_after=1.0)
        return super().upload(content, file)


class MangledHost(FakeHost):
    """Gives receipts and keeps other bytes."""

    def upload(self, content: Content, file: Path) -> Receipt:
        receipt = super().upload(content, file)
        self.held[content.name] += b"\0"
        return receipt


class CannotBeAsked(FakeHost):
    """Takes uploads and offers no way to ask for them."""

    def find(self, content: Content, file: Path) -> Receipt | None:
        raise InDoubtError(f"{content.name}: {self.name} cannot be asked")


class FakeLatestStore:
    """A latest store that remembers every write, in order. A late one gives reads `lag` old."""

    rest = dt.timedelta(0)
    deadline = dt.timedelta(seconds=30)

    def __init__(
        self,
        name: str = "fake",
        *,
        lag: dt.timedelta = dt.timedelta(0),
        lifetime: dt.timedelta | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.name = name
        self.staleness = lag
        self.lifetime = lifetime
        self.writes: list[tuple[dt.datetime, str, str]] = []
        self._now = now
        self._lock = threading.Lock()

    def get(self, key: str) -> str | None:
        seen = self._now() - self.staleness
        gone = self._now() - self.lifetime if self.lifetime is not None else None
        with self._lock:
            values = [(at, value) for at, name, value in self.writes if name == key and at <= seen]
        if not values or (gone is not None and values[-1][0] <= gone):
            return None
        return values[-1][1]

    def get_many(self, keys: Collection[str]) -> Mapping[str, str]:
        for key in keys:
            _check_key(key)
        found = ((key, self.get(key)) for key in keys)
        return {key: value for key, value in found if value is not None}

    def put(self, key: str, value: str, about: Mapping[str, str | int] | None = None) -> None:
        _check_key(key)
        with self._lock:
            self.writes.append((self._now(), key, value))

    def put_many(self, values: Mapping[str, Statement]) -> frozenset[str]:
        for key, statement in values.items():
            self.put(key, statement.value)
        return frozenset()


class RefusesWrites(FakeLatestStore):
    """Can be read; every write fails as the given error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def put(self, key: str, value: str, about: Mapping[str, str | int] | None = None) -> None:
        raise self._error


def _content_of(content: Content, file: Path) -> bytes:
    try:
        body = file.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"{file}: not there") from error
    if not _is(body, content):
        raise PermanentError(f"{content.name}: {file} holds other bytes")
    return body


def _is(body: bytes, content: Content) -> bool:
    return hashlib.sha256(body).hexdigest() == content.sha256


def _check_key(key: str) -> None:
    if key in ("", ".", "..") or len(key.encode()) > 512:
        raise RejectedError(f"{key[:100]!r} is no key")


class FakeDesigns:
    """A designs catalog in memory, of one scope: every search reads all of it."""

    def __init__(self, scope: Scope, pictures: Sequence[Undesigned]) -> None:
        self.anchors: dict[str, Fingerprint] = {}
        self.design_of: dict[int, str] = {}
        self._pixels: dict[str, str] = {}
        self._scope = scope
        self._pictures = pictures
        self._reach: Reach | None = None

    def undesigned(self, partition: Partition, scope: Scope) -> Sequence[Undesigned]:
        return [p for p in self._pictures if p.image_id not in self.design_of]

    @contextmanager
    def admission(self, scope: Scope, reach: Reach | None = None) -> Iterator["FakeDesigns"]:
        self._reach = reach
        yield self

    def exact(self, pixel_hash: str, version: str) -> str | None:
        return self._pixels.get(pixel_hash)

    def judged(self, pixel_hash: str, version: str) -> Judged:
        return Judged(None, frozenset())

    def near(self, looks: Sequence[Fingerprint]) -> Sequence[Sequence[Anchor]]:
        assert self._reach is not None
        return [
            [
                Anchor(design, anchor)
                for design, anchor in sorted(self.anchors.items())
                if all(distance(*pair) <= self._reach.bits for pair in _hashes(look, anchor))
            ]
            for look in looks
        ]

    def create(
        self, image_id: int, fingerprint: Fingerprint, *, sha256: str, now: dt.datetime
    ) -> str | None:
        known = self.exact(fingerprint.pixel_hash, fingerprint.version)
        if known is None:
            scope = (self._scope.tenant, self._scope.group)
            known = naming.design_id(*scope, fingerprint.pixel_hash, fingerprint.version)
            self.anchors[known] = fingerprint
        self.join(image_id, known, fingerprint.pixel_hash, sha256=sha256)
        return known

    def join(self, image_id: int, design_id: str, pixel_hash: str | None, *, sha256: str) -> bool:
        self.design_of.setdefault(image_id, design_id)
        if pixel_hash is not None:
            self._pixels.setdefault(pixel_hash, design_id)
        return True


class KnownLooks:
    """A store and a decoder in one: what the file at a path looks like is known."""

    def __init__(self, looks: Mapping[str, Fingerprint]) -> None:
        self._looks = looks

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        yield Path(path)

    def fingerprint(self, file: Path) -> Fingerprint:
        look = self._looks.get(str(file))
        if look is None:
            raise UnreadableImageError(f"{file}: cannot be looked at")
        return look


def _hashes(a: Fingerprint, b: Fingerprint) -> list[tuple[bytes, bytes]]:
    names = ("phash_white", "dhash_white", "phash_black", "dhash_black")
    return [(getattr(a, name), getattr(b, name)) for name in names]
