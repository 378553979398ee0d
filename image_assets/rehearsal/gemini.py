"""Gemini's `generateContent`: keys, models, quotas and refusals as the service has them; drawings of its own.

Both versions of its path are served and both spellings of its fields read. What a prompt can make it do
is in `gemini_moods`.
"""

import hashlib
import threading
from collections import Counter
from typing import Any

from image_assets.rehearsal import gemini_moods, gemini_pictures
from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Refusal, Reply, Request, Route, dispatch, json_reply
from image_assets.rehearsal.gemini_rules import Order, error, read, refused
from image_assets.rehearsal.limits import Daily, Window
from image_assets.rehearsal.profile import Profile

BASE = "/gemini"

MODELS = ("gemini-nano-banana-2.1", "gemini-3-pro-image", "gemini-3.1-flash-lite-image")
"""Models that draw. Others were retired, or never drew."""

_TYPES = "type.googleapis.com/google.rpc."
_IMAGE_TOKENS = 1290


class Gemini:
    """One project with one key; thread-safe."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile, self._clock = profile, clock
        self._minute = Window(clock, profile.gemini_requests_per_minute, 60)
        self._day = Daily(clock, profile.gemini_daily_requests)
        self._lock = threading.Lock()
        self._given: Counter[str] = Counter()
        self._routes = tuple(
            route
            for version in ("v1", "v1beta")
            for route in (
                Route("POST", f"/{version}/models/{{call}}", self._call),
                Route("GET", f"/{version}/models", self._list),
            )
        )

    def reset(self) -> None:
        """As if nobody had asked."""
        self._minute.reset()
        self._day.reset()
        with self._lock:
            self._given.clear()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the API's address."""
        return dispatch(self._routes, request, lambda _: error(404, "NOT_FOUND", "Not found"))

    def _list(self, request: Request) -> Reply:
        self._let_in(request)
        models = [
            {"name": f"models/{name}", "supportedGenerationMethods": ["generateContent"]}
            for name in MODELS
        ]
        return json_reply(200, {"models": models})

    def _call(self, request: Request, call: str) -> Reply:
        model, _, method = call.partition(":")
        self._let_in(request)
        if model not in MODELS or method != "generateContent":
            version = request.path.split("/")[1]
            raise refused(
                404,
                "NOT_FOUND",
                f"models/{model} is not found for API version {version}, or is not supported for"
                f" {method or 'that'}. Call ListModels to see the list of available models and their"
                " supported methods.",
            )
        order = read(request)
        self._spend(model)
        return json_reply(200, self._answered(model, order))

    def _let_in(self, request: Request) -> None:
        """By the key in the header, or in the address as the service allows as well."""
        key = request.headers.get("x-goog-api-key") or request.parameters().get("key")
        if key is None:
            raise refused(
                403,
                "PERMISSION_DENIED",
                "Method doesn't allow unregistered callers (callers without established identity)."
                " Please use API Key or other form of API consumer identity to call this API.",
            )
        if key != self._profile.gemini_api_key:
            info = {
                "@type": f"{_TYPES}ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
            }
            message = "API key not valid. Please pass a valid API key."
            raise refused(400, "INVALID_ARGUMENT", message, [info])

    def _spend(self, model: str) -> None:
        wait = self._minute.take()
        if wait:
            raise _exhausted("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", model, wait)
        if not self._day.take():
            raise _exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier", model, 19.0)

    def _answered(self, model: str, order: Order) -> dict[str, Any]:
        count = self._next(order.prompt)
        identity = hashlib.sha256(f"{count}\0{order.prompt}".encode("utf-8", "replace")).hexdigest()
        about = {
            "usageMetadata": _usage(order),
            "modelVersion": f"{model} (rehearsal)",
            "responseId": identity[:22],
        }
        mood, times = gemini_moods.asked(order.prompt)
        if times is not None and count > times:
            mood = ""
        said = gemini_moods.refusal(mood)
        if said is not None:
            return said | about
        parts = self._parts(mood, order, count)
        content = {"role": "model", "parts": parts}
        return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}]} | about

    def _parts(self, mood: str, order: Order, count: int) -> list[dict[str, Any]]:
        if not order.wants_image:
            return [gemini_moods.words("I would draw that, were I asked for images.")]
        # Every further picture of one answer is one that the next answer could have given.
        numbers = iter(range(1, 100))

        def drawn() -> dict[str, Any]:
            number = count + 1000 * (next(numbers) - 1)
            base = order.images[0] if order.images else None
            image = gemini_pictures.draw(order.prompt, number, order.size, base)
            return gemini_moods.picture(gemini_pictures.encoded(image, "PNG"))

        arrange = gemini_moods.MANNERS.get(mood, gemini_moods.MANNERS[""])
        return arrange(drawn(), drawn)

    def _next(self, prompt: str) -> int:
        """How often this prompt was given, this time included: a model draws another picture each time."""
        with self._lock:
            self._given[prompt] += 1
            return self._given[prompt]


def _exhausted(quota: str, model: str, wait: float) -> Refusal:
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": quota,
        "quotaDimensions": {"location": "global", "model": model},
    }
    details = [
        {"@type": f"{_TYPES}QuotaFailure", "violations": [violation]},
        {"@type": f"{_TYPES}Help", "links": [{"description": "Learn more about quotas"}]},
        {"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{wait:.3f}s".replace(".000s", "s")},
    ]
    message = "You exceeded your current quota, please check your plan and billing details."
    return refused(429, "RESOURCE_EXHAUSTED", message, details)


def _usage(order: Order) -> dict[str, int]:
    asked = 258 * len(order.images) + max(1, len(order.prompt) // 4)
    return {
        "promptTokenCount": asked,
        "candidatesTokenCount": _IMAGE_TOKENS,
        "totalTokenCount": asked + _IMAGE_TOKENS,
    }
