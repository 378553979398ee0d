"""When a picture that lies on a disk was taken: by its name, else by its EXIF block.

A time without a zone is UTC. EXIF is read by hand from the first 256 KiB of a JPEG: a picture is
decoded in killable workers only.
"""

import datetime as dt
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

HEAD = 256 * 1024
"""Bytes of a file's beginning in which its EXIF block is looked for."""

_DAY = r"(?P<year>19[7-9]\d|20\d\d)(?P<d>[-_]?)(?P<month>\d\d)(?P=d)(?P<day>\d\d)"
_CLOCK = r"(?P<hour>\d\d)(?P<c>[-_:]?)(?P<minute>\d\d)(?P=c)(?P<second>\d\d)Z?"
_NUMBER = r"(?:\((?P<number>\d{1,6})\))?"
# As our own store spells the second of a second, and other bytes for a known one.
_ORDINAL = r"(?:-(?P<ordinal>\d{1,3})(?=[_~]|$))?(?:~[0-9a-f]{8})*"
_STREAM = r"(?:[-_](?P<stream>.+?)(?:-thumbnail)?)?"

# The first that matches a name without its extension counts.
_NAMES = tuple(
    re.compile(pattern, flags=re.ASCII | re.DOTALL)
    for pattern in (
        # 20250901100734_in_gate, 20250901T100734_in_gate, 2025-09-01T10:07:34-in_gate
        rf"{_DAY}(?:T|__|_)?{_CLOCK}{_ORDINAL}{_STREAM}{_NUMBER}",
        # StationA__2009-04-22__20-19-00(1), dukehw_2015_01_15_120109
        rf"(?P<stream>.+?)[-_]+{_DAY}(?:T|__|_)?{_CLOCK}{_NUMBER}",
        # 1444314601.Thu.Oct.08_14_30_01.GMT.2015.argus02b.c2.timex
        r"(?P<epoch>\d{10})(?:\d{3})?(?:\D.*)?",
        # 2026-07-29, 2026-07-29_in_gate
        rf"{_DAY}(?:[-_](?P<stream>[A-Za-z].*))?",
    )
)
_EXIF_TIME = re.compile(
    r"(?P<year>\d{4}):(?P<month>\d\d):(?P<day>\d\d) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)")

_EXIF_IFD = 0x8769
_TIME_ORIGINAL = 0x9003
_OFFSET_ORIGINAL = 0x9011
_MOST_TAGS = 512
_UNITS = ("year", "month", "day", "hour", "minute", "second")


@dataclass(frozen=True, slots=True)
class Capture:
    """When, as aware UTC; of which stream and as which frame of its second, where that is known."""

    at: dt.datetime
    stream: str | None = None
    number: int | None = None


def from_name(stem: str) -> Capture | None:
    """What a file's name without its extension says; None when it holds no time."""
    for pattern in _NAMES:
        match = pattern.fullmatch(stem)
        at = _moment(match.groupdict()) if match else None
        if match and at:
            found = match.groupdict()
            number = found.get("number") or found.get("ordinal")
            return Capture(at, found.get("stream"), int(number) if number else None)
    return None


def from_text(text: str) -> dt.datetime | None:
    """An ISO time or date; None when it is neither."""
    try:
        given = dt.datetime.fromisoformat(text.strip())
        return (given if given.tzinfo else given.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def from_exif(head: bytes) -> dt.datetime | None:
    """DateTimeOriginal of a JPEG's beginning, by its own offset where it has one."""
    tiff = _exif_block(head)
    if tiff is None:
        return None
    try:
        tags = _exif_tags(tiff)
    except (struct.error, UnicodeDecodeError):
        return None
    match = _EXIF_TIME.match(tags.get(_TIME_ORIGINAL, ""))
    at = _moment(match.groupdict()) if match else None
    offset = _OFFSET.match(tags.get(_OFFSET_ORIGINAL, ""))
    if at is None or offset is None:
        return at
    ahead = dt.timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
    try:
        return at - ahead if offset["sign"] == "+" else at + ahead
    except OverflowError:
        return None  # before the year 1 or after 9999 in UTC


def _moment(parts: Mapping[str, str | None]) -> dt.datetime | None:
    if parts.get("epoch"):
        return dt.datetime.fromtimestamp(int(parts["epoch"] or 0), dt.UTC)
    year, month, day, hour, minute, second = (int(parts.get(unit) or 0) for unit in _UNITS)
    try:
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError:
        return None  # the digits are no date


def _exif_block(head: bytes) -> bytes | None:
    """The TIFF part of the APP1 segment."""
    place = 2 if head.startswith(b"\xff\xd8") else len(head)
    while place + 4 <= len(head) and head[place] == 0xFF:
        marker, length = head[place + 1], int.from_bytes(head[place + 2 : place + 4])
        if marker == 0xDA:  # the picture itself begins
            return None
        segment = head[place + 4 : place + 2 + length]
        if marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            return segment[6:]
        place += 2 + max(length, 2)
    return None


def _exif_tags(tiff: bytes) -> dict[int, str]:
    """The texts of the Exif directory by tag."""
    order = "<" if tiff.startswith(b"II") else ">"
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    pointers = {tag: value for tag, _, value in _directory(tiff, order, first)}
    if _EXIF_IFD not in pointers:
        return {}
    texts = _directory(tiff, order, pointers[_EXIF_IFD])
    return {
        tag: tiff[start : start + count].rstrip(b"\0 ").decode("ascii")
        for tag, count, start in texts
        if tag in (_TIME_ORIGINAL, _OFFSET_ORIGINAL)
    }


def _directory(tiff: bytes, order: str, start: int) -> Iterator[tuple[int, int, int]]:
    """Tag, count and value-or-place of each entry; a loop of directories is never followed."""
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for number in range(min(count, _MOST_TAGS)):
        tag, _, length, value = struct.unpack_from(f"{order}HHII", tiff, start + 2 + 12 * number)
        yield tag, length, value
