"""What listings say of pictures, as they say it, and who reads it for a day."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Sighting:
    """One picture as a listing tells it; nothing of it is believed yet.

    `name` is for people. `by_address` when the listing gives no time and the address does. `flaw`
    is why it can be no picture at all.
    """

    name: str
    timestamp: Any = None
    url: Any = None
    size: Any = None
    by_address: bool = False
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class SiteDay:
    """A day of the site's own; `closed` when the site says that nothing can be added to it.

    `said_at` is when it was said, aware UTC, where that is not now: what was written down before the
    day was over does not know all of it.
    """

    sightings: tuple[Sighting, ...]
    closed: bool = True
    said_at: dt.datetime | None = None


class DayReader(Protocol):
    """Reads one day of a site."""

    def read_day(self, collection: str, day: dt.date) -> SiteDay:
        """What the site says of its day `day`.

        Raises:
            NotFoundError: it does not know the day.
            TransientError: what it shows is not, or not yet, its list of that day.
        """
        ...


def short(text: str) -> str:
    """Text from outside, fit for a name in the catalog: no control characters, no lone surrogates."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])
