"""UTC days out of a site's own: the one or two of them that overlap it, judged together."""

import datetime as dt
from zoneinfo import ZoneInfo

from image_assets.core import zones
from image_assets.core.model import Listing
from image_assets.services.http import Http
from image_assets.services.listings.judge import Judge
from image_assets.services.listings.sightings import DayReader
from image_assets.services.site_names import SiteNames


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

        Complete when every day of the site that it overlaps is over, and closed by the site.

        Raises:
            NotFoundError: the site does not know one of its days.
        """
        local = zones.local_days(day, self._zone)
        days = [(date, self._reader.read_day(collection, date)) for date in local]
        now = self._http.clock.now()
        judge = Judge(self._names, collection, day, now, self._http.refusal)
        for date, said in days:
            judge.hear(said.sightings, date, self._zone)
        over = now >= max(zones.end_of(date, self._zone) for date in local)
        complete = over and all(said.closed for _, said in days)
        return Listing(tuple(judge.entries), complete, tuple(judge.misfits))
