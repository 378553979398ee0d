"""Pages whose scripts list the pictures, looked at with a real browser.

The page says which pictures there are; when they were taken, their addresses say.
"""

import datetime as dt
import logging
from dataclasses import replace

from image_assets.core.errors import TransientError
from image_assets.core.stamps import Pattern
from image_assets.services.browsing.browser import Browser
from image_assets.services.browsing.orders import Look
from image_assets.services.http import Clock, Retry
from image_assets.services.listings.sightings import Sighting, SiteDay
from image_assets.services.site_names import camera

log = logging.getLogger(__name__)


class BrowserReader:
    """Picks a day on a stream's page.

    Args:
        browser: serves the looks of a run, one by one.
        url: the address of a stream's page.
        look: how to look; its address and day are filled in.
        retry: bounds of one day's looks.
        clock: time and chance.
    """

    def __init__(
        self, browser: Browser, url: Pattern, look: Look, retry: Retry, clock: Clock | None = None
    ) -> None:
        self._browser = browser
        self._url = url
        self._look = look
        self._retry = retry
        self._clock = clock or Clock()

    def read_day(self, collection: str, day: dt.date) -> SiteDay:
        """The pictures that the page shows for the day.

        Raises:
            NotFoundError: the page does not offer the day.
            TransientError: it showed no list that can be believed; empty is believed only of a page
                that was finished.
        """
        url = self._url.spell(dt.datetime.combine(day, dt.time(), dt.UTC), camera(collection))
        look = replace(self._look, url=url, day=day.isoformat())
        addresses = self._persist(look)
        return SiteDay(tuple(Sighting(a, url=a, by_address=True) for a in addresses))

    def _persist(self, look: Look) -> tuple[str, ...]:
        attempt = 1
        while True:
            try:
                return self._browser.look(look)
            except TransientError as error:
                if attempt >= self._retry.attempts:
                    raise
                pause = self._retry.pause(attempt, self._clock)
                most = self._retry.attempts
                log.warning("%s; attempt %d of %d, again in %.1f s", error, attempt, most, pause)
            self._clock.sleep(pause)
            attempt += 1
