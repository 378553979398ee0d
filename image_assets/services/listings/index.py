"""Daily index files: our own convention, which any site can write as JSON.

`{"terminal": …, "stream": …, "date": …, "complete": true, "images": [{"timestamp": …, "url": …, "bytes": …}]}`
"""

import datetime as dt
from typing import Any

from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.stamps import Pattern
from image_assets.services.http import Answer, Http
from image_assets.services.listings.sightings import Sighting, SiteDay, short
from image_assets.services.site_names import camera


class IndexReader:
    """Reads a day's index file.

    Args:
        http: trusts the file's origin.
        url: the address of a day's file.
        remedy: where `url` is configured, for messages.
    """

    def __init__(self, http: Http, url: Pattern, remedy: str) -> None:
        self._http = http
        self._url = url
        self._remedy = remedy

    def read_day(self, collection: str, day: dt.date) -> SiteDay:
        """The images of the file.

        Raises:
            NotFoundError: the site does not know the day.
            PermanentError: what it answers is not a day of our convention, or another day.
        """
        url = self._url.spell(dt.datetime.combine(day, dt.time(), dt.UTC), camera(collection))

        def explain(answer: Answer) -> NotFoundError | None:
            if answer.status not in (404, 410):
                return None
            return NotFoundError(
                f"{collection} {day}: {answer.what}; the site does not know this day:"
                f" check the collection's name and {self._remedy}"
            )

        answer = self._http.request("GET", url, check=Answer.json, explain=explain, remember=True)
        body = _day(answer, {**camera(collection), "date": day.isoformat()})
        sightings = (_sighting(number, image) for number, image in enumerate(body["images"]))
        return SiteDay(tuple(sightings), body.get("complete") is True)


def _day(answer: Answer, asked: dict[str, str]) -> dict[str, Any]:
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise PermanentError(f"{answer.what}, which is no day of the index: `images` is missing")
    for name, value in asked.items():
        if body.get(name, value) != value:
            raise PermanentError(
                f"{answer.what} for {name} {short(str(body[name]))!r} instead of {value!r};"
                " the site's index mixes days up"
            )
    return body


def _sighting(number: int, image: Any) -> Sighting:
    if not isinstance(image, dict):
        return Sighting(f"images[{number}]", flaw="not an object")
    stamp = image.get("timestamp")
    name = stamp if isinstance(stamp, str) else f"images[{number}]"
    return Sighting(name, stamp, image.get("url"), image.get("bytes"))
