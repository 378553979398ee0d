"""When a picture was taken, by what a listing or its address says: aware UTC, to the second."""

import datetime as dt
import re
from typing import Any

from image_assets.core import zones
from image_assets.services.site_names import SiteNames

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?", flags=re.ASCII
)


def listed(stamp: Any, names: SiteNames) -> dt.datetime:
    """The moment that a listing's own words name, in the site's format and zone.

    Raises:
        ValueError: they name none; says why.
    """
    if names.stamps is not None:
        reading = names.stamps.read(stamp) if isinstance(stamp, str) else None
        if reading is None:
            raise ValueError(f"its timestamp is not {names.stamps.template}")
        return _in_utc(reading.at, names)
    if not isinstance(stamp, str) or not _ISO.fullmatch(stamp):
        raise ValueError("its timestamp is not YYYY-MM-DDTHH:MM:SS")
    try:
        at = dt.datetime.fromisoformat(stamp)
    except ValueError as error:
        raise ValueError("its timestamp is not a time") from error
    return _in_utc(at, names)


def in_address(url: str, collection: str, names: SiteNames) -> dt.datetime:
    """The moment that a picture's address names.

    Raises:
        ValueError: it names none, or is another camera's; says so.
    """
    at = names.taken(url, collection)
    if at is None:
        raise ValueError(f"its address is none of {collection}, or tells no time")
    return _in_utc(at, names)


def _in_utc(at: dt.datetime, names: SiteNames) -> dt.datetime:
    try:
        moment = zones.in_utc(at, names.zone)
    except OverflowError as error:  # the year 1 may begin in the year 0 of UTC
        raise ValueError("its timestamp is not a time") from error
    if moment is None:
        raise ValueError(f"its timestamp is no time that clocks showed in {names.zone.key}")
    return moment
