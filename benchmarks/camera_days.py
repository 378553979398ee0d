"""A camera site as files: days of pictures under their addresses, with the index of each day."""

import datetime as dt
import io
import json
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.inputs import FULL_HD, scene
from image_assets.core.model import Partition

COLLECTION = "apm/in_gate"
FIRST_DAY = dt.date(2025, 9, 1)
DISTINCT = 24
A_DAY = 200


@dataclass(frozen=True, slots=True)
class Days:
    """`count` pictures, 200 a day, below `folder`: indexes in `index`, pictures in `pictures`."""

    folder: Path
    count: int

    @property
    def partitions(self) -> list[Partition]:
        days = range(0, self.count, A_DAY)
        dates = [FIRST_DAY + dt.timedelta(days=n // A_DAY) for n in days]
        return [Partition("camera", COLLECTION, date.isoformat()) for date in dates]

    def paths(self) -> list[str]:
        """Where the pictures lie, below the site's address."""
        return [path for each in self.partitions for _, path in self._day(each.day)]

    def write(self, kinds: Sequence[bytes]) -> int:
        """Write everything, no two pictures equal; the bytes of all pictures."""
        number = size = 0
        for partition in self.partitions:
            for _, path in self._day(partition.day):
                content = _numbered(kinds[number % len(kinds)], number)
                file = self.folder / urllib.parse.unquote(path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                number, size = number + 1, size + len(content)
            self._write_index(partition.day)
        return size

    def _day(self, day: dt.date) -> Iterator[tuple[dt.datetime, str]]:
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
        step = dt.timedelta(days=1) / A_DAY
        left = self.count - (day - FIRST_DAY).days * A_DAY
        for number in range(min(A_DAY, left)):
            at = (start + number * step).replace(microsecond=0)
            yield at, _path(at)

    def _write_index(self, day: dt.date) -> None:
        terminal, stream = COLLECTION.split("/")
        stamps = [at.strftime("%Y-%m-%dT%H:%M:%S") for at, _ in self._day(day)]
        images = [{"timestamp": stamp} for stamp in stamps]
        listing = {"terminal": terminal, "stream": stream, "date": day.isoformat()}
        file = self.folder / "index" / terminal / stream / f"{day.isoformat()}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**listing, "complete": True, "images": images}))


def _path(at: dt.datetime) -> str:
    """Dray Dog's spelling, which the sources file takes for granted."""
    terminal, stream = COLLECTION.split("/")
    name = f"{at:%Y-%m-%dT%H:%M:%S}-{stream}.jpeg"
    return f"pictures/{terminal}/{at:%Y-%m-%d}/{at.hour}/{name}"


def full_size() -> list[bytes]:
    """1080p JPEGs of about 430 KB."""
    return [_jpeg(seed, FULL_HD, 78) for seed in range(DISTINCT)]


def tiny() -> list[bytes]:
    """JPEGs of a few KB."""
    return [_jpeg(seed, (160, 90), 74) for seed in range(DISTINCT)]


def _jpeg(seed: int, size: tuple[int, int], quality: int) -> bytes:
    file = io.BytesIO()
    scene(seed, size).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _numbered(jpeg: bytes, number: int) -> bytes:
    """The same picture with a comment of its own, so that no two files are equal."""
    comment = f"picture {number}".encode()
    return b"".join(
        (jpeg[:2], b"\xff\xfe", (len(comment) + 2).to_bytes(2, "big"), comment, jpeg[2:])
    )
