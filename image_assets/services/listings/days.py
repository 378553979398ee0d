"""UTC days out of a site's own: the one or two of them that overlap it, judged together."""

import datetime as dt
import logging
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from image_assets.core import zones
from image_assets.core.errors import NotFoundError
from image_assets.core.model import Listing
from image_assets.services.http import Http
from image_assets.services.listings.judge import Judge
from image_assets.services.listings.sightings import DayReader, SiteDay
from image_assets.services.site_names import SiteNames

log = logging.getLogger(__name__)

_SHOWN = 5


class DayListing:
    """A site's listing by the day; fulfils `ports.ListingSite`.

    Args:
        reader: reads a day of the site.
        http: says what time it is, and which addresses may be contacted.
        names: the site's spelling.
        zone: whose days `reader` reads; those of the site's times when not given.
    """

    def __init__(
        self, reader: DayReader, http: Http, names: SiteNames, zone: ZoneInfo | None = None
    ) -> None:
        self._reader = reader
        self._http = http
        self._names = names
        self._zone = zone or names.zone

    def list_day(self, collection: str, day: dt.date) -> Listing:
        """The UTC day's pictures, in the order of the site; what cannot be one is a misfit.

        Complete when every day of the site that it overlaps is closed by the site, and was over when
        the site said so. One that has not begun there is not asked for.

        Raises:
            NotFoundError: the site does not know one of its days that is over, or none of them.
        """
        local = zones.local_days(day, self._zone)
        days = self._read(collection, local)
        now = self._http.clock.now()
        judge = Judge(self._names, collection, day, now, self._http.refusal)
        for date, said in days:
            judge.hear(said.sightings, date, self._zone)
        if judge.repeated:
            count, some = len(judge.repeated), ", ".join(judge.repeated[:_SHOWN])
            log.warning("%s %s: %d listed twice: %s", collection, day, count, some)
        complete = len(days) == len(local) and all(
            said.closed and min(now, said.said_at or now) >= zones.end_of(date, self._zone)
            for date, said in days
        )
        return Listing(tuple(judge.entries), complete, tuple(judge.misfits))

    def _read(self, collection: str, local: Sequence[dt.date]) -> Sequence[tuple[dt.date, SiteDay]]:
        """What the site says of its days; of one that goes on it may not know yet."""
        now = self._http.clock.now()
        days: list[tuple[dt.date, SiteDay]] = []
        unknown: NotFoundError | None = None
        for date in local:
            if now < zones.start_of(date, self._zone):
                continue
            try:
                days.append((date, self._reader.read_day(collection, date)))
            except NotFoundError as error:
                if now >= zones.end_of(date, self._zone):
                    raise
                unknown = error
        if unknown is not None and not days:
            raise unknown
        return days
