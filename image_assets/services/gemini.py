"""Gemini: pictures drawn by a model, over `generateContent`. Every answer may cost money, so none is asked twice.

An answer of status 200 is no picture yet: refusals by policy come as one. Whatever it costs, it is told.
"""

import base64
import binascii
import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from image_assets.core import zones
from image_assets.core.errors import ImageAssetsError, InDoubtError, RejectedError
from image_assets.ports import Drawing, Wish
from image_assets.services import gemini_answers
from image_assets.services.durable import disk_errors
from image_assets.services.gemini_answers import NoPictureError
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry

log = logging.getLogger(__name__)

_VERSION = "v1beta"
_MOST_ANSWER = 64 * 1024 * 1024  # several pictures of 4K, spelled in base64
_ASKED_AT_MOST = 2  # for one picture, where the model draws none: each time is paid for
_BUDGETS_OF = ZoneInfo("America/Los_Angeles")  # daily quotas begin anew at midnight there


class Gemini:
    """Fulfils `ports.ImageGenerator` for one project and model.

    Args:
        api_key: the project's key.
        model: the model's id.
        api_url: root of the API, with or without its version.
        image_size: 1K, 2K or 4K.
        requests_per_minute: the plan's limit.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        clock: time and chance.
    """

    name = "gemini"

    def __init__(
        self,
        *,
        api_key: str,
        model: str,
        api_url: str = "https://generativelanguage.googleapis.com",
        image_size: str = "1K",
        requests_per_minute: int = 10,
        retry: Retry | None = None,
        timeout: float = 120.0,
        clock: Clock | None = None,
    ) -> None:
        self.model = model
        self._size = image_size
        self._url = f"{_with_version(api_url)}/models/{quote(model, safe='')}:generateContent"
        clock = clock or Clock()
        self._http = Http(
            self.name,
            (api_url,),
            politeness=Politeness(8, requests=requests_per_minute, per=60.0, clock=clock),
            retry=retry or Retry(delay=2.0, seconds=300.0),
            timeout=timeout,
            headers={"x-goog-api-key": api_key},
            credential="GEMINI_API_KEY",
            clock=clock,
        )

    @property
    def deadline(self) -> float:
        """Every attempt and every wait, as often as it is asked; ten seconds for reading the base."""
        return _ASKED_AT_MOST * self._http.retry.seconds + 10.0

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def draw(self, wish: Wish) -> Sequence[Drawing]:
        """The pictures of one answer; where the model draws none it is asked once more.

        Raises:
            BlockedError: a policy refuses the prompt, the base or the picture.
            RejectedError: the request cannot be, or no picture comes of it.
        """
        body = self._body(wish)
        for asked in range(1, _ASKED_AT_MOST + 1):
            try:
                return tuple(self._drawings(self._ask(body)))
            except NoPictureError as error:
                log.warning("%s; asked %d of %d times", error, asked, _ASKED_AT_MOST)
                last = error
        raise RejectedError(f"{last}, {_ASKED_AT_MOST} times; say more plainly what to draw")

    def renewed_at(self, now: dt.datetime) -> dt.datetime:
        """The next midnight of the service's own zone."""
        return zones.end_of(now.astimezone(_BUDGETS_OF).date(), _BUDGETS_OF)

    def _ask(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer as JSON.

        What is none was carried out all the same, and is paid for: it must not be asked for again.
        """
        answer = self._http.request(
            "POST",
            self._url,
            repeatable=False,
            json=body,
            check=gemini_answers.check,
            explain=self._explain,
            limit=_MOST_ANSWER,
        )
        told = answer.json()
        assert isinstance(told, dict)  # it was checked
        return told

    def _explain(self, answer: Answer) -> ImageAssetsError | None:
        return gemini_answers.explain(answer, self.model)

    def _body(self, wish: Wish) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"text": wish.prompt}]
        if wish.base is not None:
            assert wish.base_format is not None  # whoever gives a picture knows what it is
            with disk_errors(wish.base):
                data = base64.b64encode(wish.base.read_bytes()).decode()
            parts.append({"inlineData": {"mimeType": wish.base_format.mime, "data": data}})
        return {
            "contents": [{"role": "user", "parts": parts}],
            "generationConfig": {
                "responseModalities": ["TEXT", "IMAGE"],
                "imageConfig": {"aspectRatio": wish.aspect_ratio.value, "imageSize": self._size},
            },
        }

    def _drawings(self, told: Mapping[str, Any]) -> Iterator[Drawing]:
        version, identity = told.get("modelVersion"), told.get("responseId")
        for data in gemini_answers.pictures(told):
            try:
                content = base64.b64decode(data, validate=True)
            except (binascii.Error, ValueError):
                raise InDoubtError(
                    f"{self.name}: response {identity}: the picture's data is no base64; it is paid for"
                ) from None
            yield Drawing(content, self.model, _text(version), _text(identity))


def _with_version(url: str) -> str:
    """The API's root with its version; one that is given stays."""
    root = url.rstrip("/")
    last = root.rpartition("/")[2]
    return root if last[:1] == "v" and last[1:2].isdigit() else f"{root}/{_VERSION}"


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) and value else None
