"""Where old downloads belong: what their names and sidecars say, and the plan of a whole folder.

The names are those of original 4 (`20250906T230734_in_gate.jpg`, `20250901100000_in_gate.jpg`), of the
site itself (`2025-09-01T10:07:34-in_gate.jpeg`, `…-thumbnail.jpeg`) and our own; their times are UTC.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from image_assets.core import naming
from image_assets.core.model import ACCEPTED, Blob, Partition, Picture, Variant

AHEAD = dt.timedelta(days=1)
"""A capture further in the future is a wrong clock's."""

_STREAM = r"(?P<stream>[A-Za-z0-9][A-Za-z0-9_.-]*?)"
_NAMES = tuple(
    re.compile(pattern, flags=re.ASCII)
    for pattern in (
        r"(?P<day>\d{8})[T_]?(?P<clock>\d{6})(?:-(?P<ordinal>[1-9]\d{0,2}))?(?:~[0-9a-f]{8})*"
        rf"(?:_{_STREAM})?(?P<thumbnail>-thumbnail)?",
        # Colons as the site has them, or what browsers and file systems make of them.
        r"(?P<day>\d{4}-\d\d-\d\d)T(?P<clock>\d\d(?P<colon>:|_|-|%3[Aa])\d\d(?P=colon)\d\d)"
        rf"(?:-{_STREAM})?(?P<thumbnail>-thumbnail)?",
    )
)


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says: when (aware UTC), which stream, which rendition, the how manieth of its second."""

    captured_at: dt.datetime
    stream: str | None
    variant: Variant
    ordinal: int = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """What a sidecar says of a file. Its `capture_timestamp` is a known mistake and is not read."""

    stream: str | None = None
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a file: hex SHA-256, bytes, and the picture that it decoded to."""

    sha256: str
    size: int
    picture: Picture


@dataclass(frozen=True, slots=True)
class OldDownload:
    """A file of the folder: its contents, or why it has none that we take."""

    file: str
    claim: Claim = field(default_factory=Claim)
    contents: Contents | None = None
    problem: str | None = None


class Fate(StrEnum):
    """What becomes of a file."""

    PLACE = "place"  # to its place, which is free
    THERE = "there"  # the same bytes are at its place already
    BESIDE = "beside"  # other bytes are at its place: it is kept beside them
    LEFT = "left"  # it stays where it is


@dataclass(frozen=True, slots=True)
class Arrival:
    """A picture on its way to its place: whose it is, and where that is.

    `url` is where the sidecar says that it came from.
    """

    partition: Partition
    item_key: str
    captured_at: dt.datetime
    variant: Variant
    url: str | None
    blob: Blob
    exif: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the plan. `reason` says why, where the file is not simply placed."""

    file: str
    fate: Fate
    reason: str = ""
    arrival: Arrival | None = None


def named(stem: str) -> Named | None:
    """What a file's name without its extension says; None when it is none of the known forms."""
    match = next((m for pattern in _NAMES if (m := pattern.fullmatch(stem))), None)
    if match is None:
        return None
    digits = re.sub(r"%3[Aa]|\D", "", match["day"] + match["clock"])
    try:
        at = dt.datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    variant = Variant.THUMBNAIL if match["thumbnail"] else Variant.FULL
    return Named(at, match["stream"], variant, int(match.groupdict().get("ordinal") or 1))


def shown(name: str) -> str:
    """A name on one line: what cannot be printed is spelled as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


@dataclass(frozen=True, slots=True)
class Planner:
    """Decides file by file; ask in the order of the names, and the plan is the same every time.

    Args:
        source: whose pictures they are.
        terminal: where their streams are.
        there: hex SHA-256 of what has a key in the destination; None when nothing has it.
        refusal: why the partition cannot be received; None when it can.
        now: aware UTC.
    """

    source: str
    terminal: str
    there: Callable[[str], str | None]
    refusal: Callable[[Partition], str | None]
    now: dt.datetime
    _taken: dict[str, tuple[str, str]] = field(default_factory=dict)

    def decide(self, old: OldDownload) -> Step:
        """What is to become of the file."""
        if old.contents is None:
            return _left(old, old.problem or "not a picture")
        found = named(_stem(old.file)) or named(_stem(old.claim.url or ""))
        if found is None:
            return _left(old, "neither its name nor a sidecar says when it was taken")
        if found.captured_at > self.now + AHEAD:
            return _left(
                old, f"taken at {found.captured_at:%Y-%m-%d %H:%M}, which is still to come"
            )
        if problem := _contradiction(old.claim, old.contents, found):
            return _left(old, problem)
        stream = found.stream or old.claim.stream
        if stream is None:
            return _left(old, "neither its name nor a sidecar says its stream")
        day = found.captured_at.date().isoformat()
        partition = Partition(self.source, f"{self.terminal}/{stream}", day)
        if problem := self.refusal(partition):
            return _left(old, problem)
        return self._settle(old, old.contents, found, partition)

    def _settle(
        self, old: OldDownload, contents: Contents, found: Named, partition: Partition
    ) -> Step:
        """Whose picture it is, is known: is its place free?"""
        key = naming.item_key(found.captured_at, found.ordinal)
        thumbnail = found.variant is Variant.THUMBNAIL
        if thumbnail and (full := self._full_size(partition, key)):
            return _left(old, f"a thumbnail, and the full size is here: {shown(full)}")
        picture = contents.picture
        place = naming.image_path(partition, key, picture.format, thumbnail=thumbnail)
        blob = Blob(
            contents.sha256, place, contents.size, picture.format, picture.width, picture.height
        )
        arrival = Arrival(
            partition, key, found.captured_at, found.variant, old.claim.url, blob, picture.exif
        )
        return self._take(old, arrival, Fate.PLACE, "")

    def _take(self, old: OldDownload, arrival: Arrival, fate: Fate, reason: str) -> Step:
        place, sha256 = arrival.blob.path, arrival.blob.sha256
        held = self._holder(place)
        if held is None:
            self._taken[place] = (sha256, old.file)
            return Step(old.file, fate, reason, arrival)
        if held[0] == sha256:
            return Step(old.file, Fate.THERE, f"the same bytes: {shown(held[1])}", arrival)
        if fate is Fate.BESIDE:
            return _left(old, f"other bytes are in its place and beside it: {shown(place)}")
        reason = f"other bytes have its place: {shown(held[1])}"
        return self._take(old, beside(arrival), Fate.BESIDE, reason)

    def _holder(self, place: str) -> tuple[str, str] | None:
        """The hash of what has the place, or is to have it, and where that is."""
        if place in self._taken:
            return self._taken[place]
        sha256 = self.there(place)
        return None if sha256 is None else (sha256, place)

    def _full_size(self, partition: Partition, key: str) -> str | None:
        places = (naming.image_path(partition, key, format) for format in ACCEPTED)
        return next((place for place in places if self._holder(place) is not None), None)


def beside(arrival: Arrival) -> Arrival:
    """The same picture on its way to the place beside the one that other bytes have."""
    key = naming.conflict_key(arrival.item_key, arrival.blob.sha256)
    thumbnail = arrival.variant is Variant.THUMBNAIL
    place = naming.image_path(arrival.partition, key, arrival.blob.format, thumbnail=thumbnail)
    return replace(arrival, blob=replace(arrival.blob, path=place))


def in_order(file: str) -> tuple[bool, str]:
    """The order of a plan: by name, thumbnails after every full size."""
    return _stem(file).endswith("-thumbnail"), file


def _contradiction(claim: Claim, contents: Contents, found: Named) -> str | None:
    """What the sidecar says and is not so."""
    if claim.sha256 is not None and claim.sha256.lower() != contents.sha256:
        return (
            f"its sidecar says SHA-256 {shown(claim.sha256[:12])}…, it has {contents.sha256[:12]}…;"
            " damaged since, or the sidecar is another's: remove the wrong one"
        )
    if None not in (claim.stream, found.stream) and claim.stream != found.stream:
        return f"its sidecar says stream {shown(claim.stream or '')}, its name {found.stream}"
    return None


def _left(old: OldDownload, reason: str) -> Step:
    return Step(old.file, Fate.LEFT, reason)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]
