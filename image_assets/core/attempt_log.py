"""The lines of the upload log: the nine columns of original 0, and one line for each attempt.

People open it with spreadsheets: text that a spreadsheet would calculate is kept from it.
"""

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from image_assets.core.organizing import shown

COLUMNS = (
    "timestamp",
    "local_filename",
    "file_size_bytes",
    "upload_status",
    "image_url",
    "image_id",
    "upload_time_seconds",
    "error_message",
    "attempt_number",
)
EXIF = {
    "exif_date_time_original": "DateTimeOriginal",
    "exif_make": "Make",
    "exif_model": "Model",
    "exif_orientation": "Orientation",
}
"""The columns after the nine, where they are asked for, and the fields that they show."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """One attempt; `url` and `image_id` where it came to something, `error` where it did not."""

    at: dt.datetime
    file: str
    size: int
    seconds: float
    number: int
    url: str | None = None
    image_id: str | None = None
    error: str | None = None
    exif: Mapping[str, str] = field(default_factory=dict)


def columns(*, exif: bool) -> tuple[str, ...]:
    """The names of the columns."""
    return (*COLUMNS, *EXIF) if exif else COLUMNS


def header(*, exif: bool) -> bytes:
    """The first line."""
    return _line(columns(exif=exif))


def line(attempt: LoggedAttempt, *, exif: bool) -> bytes:
    """The line of an attempt."""
    cells = [
        attempt.at.isoformat(),
        _harmless(attempt.file),
        str(attempt.size),
        "success" if attempt.error is None else "failure",
        _harmless(attempt.url or ""),
        _harmless(attempt.image_id or ""),
        f"{attempt.seconds:.2f}",
        _harmless(attempt.error or ""),
        str(attempt.number),
    ]
    more = [_harmless(attempt.exif.get(name, "")) for name in EXIF.values()] if exif else []
    return _line(cells + more)


def _harmless(text: str) -> str:
    """On one line, and never calculated: an apostrophe before it is how spreadsheets are told."""
    return f"'{shown(text)}" if text.startswith(_FORMULA) else shown(text)


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()
