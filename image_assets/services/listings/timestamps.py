"""Capture times given in a file: a text with one a line, a CSV with a header, or JSON.

What a CSV calls `timestamp`, `url` and `bytes`, a JSON object calls so as well; a JSON file is a list
of objects or of times, or an object that has one as `images`. An operator keeps the file, so a line
that cannot be read is refused with its number: nobody else can mend it.
"""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.stamps import Pattern
from image_assets.services.durable import disk_errors
from image_assets.services.listings import moments
from image_assets.services.listings.sightings import Sighting, SiteDay
from image_assets.services.site_names import SiteNames, camera

_MOST_BYTES = 64 * 1024 * 1024
_MOST_FILES = 16  # kept in memory: a file may be a stream's, or a day's
_Days = dict[dt.date, tuple[Sighting, ...]]


class TimestampsReader:
    """Reads the UTC days of a stream's file.

    Args:
        file: the path of a stream's file.
        names: how times are written in it.
    """

    def __init__(self, file: Pattern, names: SiteNames) -> None:
        self._file = file
        self._names = names
        self._known: dict[Path, tuple[tuple[int, int], _Days]] = {}

    def read_day(self, collection: str, day: dt.date) -> SiteDay:
        """The day's times; a day between the file's first and last is known, and may have none.

        A file that was last changed before the day was over does not know all of it.

        Raises:
            NotFoundError: there is no such file, or it says nothing of the day.
            PermanentError: it holds something that is no time; says where.
        """
        spelled = self._file.spell(dt.datetime.combine(day, dt.time(), dt.UTC), camera(collection))
        file = Path(spelled)
        if not file.is_file():
            raise NotFoundError(f"{collection}: there is no {file}; check the listing's file")
        days, changed_at = self._days(file)
        if not days or not min(days) <= day <= max(days):
            span = f"from {min(days)} to {max(days)}" if days else "nothing"
            raise NotFoundError(f"{collection} {day}: {file} holds {span}; add the day's times")
        return SiteDay(days.get(day, ()), said_at=changed_at)

    def _days(self, file: Path) -> tuple[_Days, dt.datetime]:
        """The file by days, read again when it has changed, and when that was."""
        with disk_errors(file):
            status = file.stat()
            state = (status.st_mtime_ns, status.st_size)
            changed_at = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
            known = self._known.get(file)
            if known is not None and known[0] == state:
                return known[1], changed_at
            if status.st_size > _MOST_BYTES:
                raise PermanentError(
                    f"{file} has more than {_MOST_BYTES} bytes; split it by stream"
                )
            content = file.read_bytes()
        days = self._by_day(file, content)
        self._known[file] = (state, days)
        while len(self._known) > _MOST_FILES:
            self._known.pop(next(iter(self._known)))
        return days, changed_at

    def _by_day(self, file: Path, content: bytes) -> _Days:
        days: dict[dt.date, list[Sighting]] = {}
        wrong: list[str] = []
        for sighting in _sightings(file, content):
            try:
                at = moments.listed(sighting.timestamp, self._names)
            except ValueError as error:
                wrong.append(f"{sighting.name} {error}")
            else:
                days.setdefault(at.date(), []).append(sighting)
        if wrong:
            more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise PermanentError(f"{file}: {'; '.join(wrong[:5])}{more}; mend the file")
        return {day: tuple(sightings) for day, sightings in days.items()}


def _sightings(file: Path, content: bytes) -> Iterator[Sighting]:
    read = {".csv": _of_csv, ".json": _of_json}.get(file.suffix.lower(), _of_text)
    try:
        yield from read(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PermanentError(f"{file} is not UTF-8; save it as that") from error
    except (json.JSONDecodeError, csv.Error, RecursionError) as error:
        raise PermanentError(f"{file} cannot be read: {error}; mend the file") from error
    except _ShapeError as error:
        raise PermanentError(f"{file} {error}; mend the file") from error


class _ShapeError(Exception):
    """The file is whole and has no times where they should be."""


def _of_text(text: str) -> Iterator[Sighting]:
    for number, line in enumerate(text.splitlines(), start=1):
        stamp = line.partition("#")[0].strip()
        if stamp:
            yield Sighting(f"line {number}", stamp)


def _of_csv(text: str) -> Iterator[Sighting]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    if "timestamp" not in (rows.fieldnames or ()):
        raise _ShapeError("has no column `timestamp`")
    for row in rows:
        size = row.get("bytes") or ""
        yield Sighting(
            f"line {rows.line_num}",
            (row["timestamp"] or "").strip(),
            row.get("url") or None,
            int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None,
        )


def _of_json(text: str) -> Iterator[Sighting]:
    value = json.loads(text)
    images = value.get("images") if isinstance(value, dict) else value
    if not isinstance(images, list):
        raise _ShapeError("is no list of times, and has none as `images`")
    for number, image in enumerate(images):
        given: dict[str, Any] = image if isinstance(image, dict) else {"timestamp": image}
        yield Sighting(
            f"images[{number}]", given.get("timestamp"), given.get("url"), given.get("bytes")
        )
