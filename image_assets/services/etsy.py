"""Etsy: drafts of listings and their images. Nothing here can make a listing active.

Etsy knows no idempotency key: what makes something is sent once, and asked about when no answer came.
"""

import datetime as dt
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from image_assets.core.errors import AuthenticationError
from image_assets.core.listings import Kind, ListingText
from image_assets.core.model import Blob
from image_assets.ports.listings import Listed
from image_assets.ports.tokens import Token
from image_assets.services import etsy_answers
from image_assets.services.durable import disk_errors
from image_assets.services.etsy_answers import ExpiredError
from image_assets.services.etsy_budget import Counted, DayBudget
from image_assets.services.etsy_tokens import App, Keys
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry
from image_assets.services.pace import SharedWindow

_PAGE = 100
_STATES = ("draft", "active", "inactive", "expired", "sold_out")
"""Where a listing that was made may be found; a person may have gone on with a draft at once."""

_MOST_PAGES = 500


class Etsy:
    """Fulfils `ports.ListingSite` for one app and the shops that logged in.

    Args:
        app: the app's keys.
        keys: the shops' tokens.
        api_url: root of the API.
        pace: a folder in which processes count their requests together.
        per_second: the app's limit in one second.
        per_day: its limit in 24 hours.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        clock: time and chance.
    """

    def __init__(
        self,
        app: App,
        keys: Keys,
        *,
        api_url: str,
        pace: Path,
        per_second: int = 5,
        per_day: int = 5000,
        retry: Retry | None = None,
        timeout: float = 60.0,
        clock: Clock | None = None,
    ) -> None:
        self._app, self._keys = app, keys
        self._url = api_url.rstrip("/")
        self._retry, self._timeout = retry or Retry(delay=2.0), timeout
        self._clock = clock or Clock()
        self.budget = DayBudget(pace / "etsy-day", per_day, self._clock)
        window = Counted(SharedWindow(pace / "etsy", per_second), self.budget)
        self._politeness = Politeness(
            4, requests=per_second, per=1.0, shared=window, clock=self._clock
        )
        self._lock = threading.Lock()
        self._lines: dict[str, tuple[int, Http]] = {}

    @property
    def deadline(self) -> float:
        """A call, and the renewal of a token before it, twice."""
        return 3 * self._retry.seconds + 30.0

    def close(self) -> None:
        """Close every connection."""
        for _, line in self._lines.values():
            line.close()

    def probe(self, shop: str, shop_id: int) -> int:
        """How many drafts the shop has: who logged in may look there.

        Raises:
            AuthenticationError: nobody logged in, or another shop's owner.
        """
        query = {"state": "draft", "limit": 1}
        return self._page(shop, shop_id, query)[0]

    def drafts(self, shop: str, shop_id: int) -> Sequence[Listed]:
        """Every draft of the shop."""
        return self._listings(shop, shop_id, "draft", None)

    def created(self, shop: str, shop_id: int, since: dt.datetime) -> Sequence[Listed]:
        """Listings made since then, whatever became of them meanwhile; the oldest first."""
        found = [one for state in _STATES for one in self._listings(shop, shop_id, state, since)]
        return sorted(found, key=lambda one: (one.created_at, one.listing_id))

    def create(self, shop: str, shop_id: int, text: ListingText) -> Listed:
        """Make a draft; sent once at most.

        Raises:
            InDoubtError: it may have been made.
            RejectedError: Etsy does not take it.
        """
        answer = self._ask(
            shop,
            "POST",
            f"/shops/{shop_id}/listings",
            account=shop_id,
            repeatable=False,
            json=_draft(text),
            check=etsy_answers.created,
            explain=etsy_answers.explain_creation,
        )
        return etsy_answers.created(answer)

    def label(self, shop: str, shop_id: int, listing_id: int, text: ListingText) -> None:
        """Give a draft its SKU, which Etsy keeps in its inventory; twice is as good as once."""
        self._ask(
            shop,
            "PUT",
            f"/listings/{listing_id}/inventory",
            account=shop_id,
            json=_inventory(text),
            check=etsy_answers.some_object,
        )

    def ranks(self, shop: str, shop_id: int, listing_id: int) -> Collection[int]:
        """The ranks of a listing's images that are there.

        Raises:
            NotFoundError: there is no such listing any more.
        """
        path = f"/listings/{listing_id}/images"
        answer = self._ask(shop, "GET", path, account=shop_id, check=etsy_answers.ranks)
        return etsy_answers.ranks(answer)

    def add_image(
        self, shop: str, shop_id: int, listing_id: int, file: Path, image: Blob, rank: int
    ) -> None:
        """Put an image on a listing at a rank; sent once at most.

        Raises:
            InDoubtError: it may be there.
            RejectedError: Etsy does not take it.
        """
        with disk_errors(file):
            content = file.read_bytes()
        name = f"{rank:02}-{image.sha256[:16]}.{image.format.extension}"
        self._ask(
            shop,
            "POST",
            f"/shops/{shop_id}/listings/{listing_id}/images",
            account=shop_id,
            repeatable=False,
            data={"rank": str(rank)},
            # The type of the whole form, with its boundary, is httpx's to say.
            files={"image": (name, content, image.format.mime)},
            check=etsy_answers.image_rank,
            explain=etsy_answers.explain_creation,
        )

    def _listings(
        self, shop: str, shop_id: int, state: str, since: dt.datetime | None
    ) -> list[Listed]:
        """Listings of one state, the newest first; asked for until they are older than `since`."""
        found: dict[int, Listed] = {}
        for number in range(_MOST_PAGES):
            query = {
                "state": state,
                "limit": _PAGE,
                "offset": number * _PAGE,
                "sort_on": "created",
                "sort_order": "desc",
            }
            count, listings = self._page(shop, shop_id, query)
            found |= {one.listing_id: one for one in listings}
            last = not listings or (number + 1) * _PAGE >= count
            if last or (since is not None and listings[-1].created_at < since):
                break
        return [one for one in found.values() if since is None or one.created_at >= since]

    def _page(self, shop: str, shop_id: int, query: Mapping[str, Any]) -> tuple[int, list[Listed]]:
        path = f"/shops/{shop_id}/listings"
        answer = self._ask(
            shop, "GET", path, account=shop_id, params=query, check=etsy_answers.page
        )
        return etsy_answers.page(answer)

    def _ask(self, shop: str, method: str, path: str, *, account: int, **content: Any) -> Answer:
        """Ask with the shop's token, once more with a newer one where Etsy says it has expired."""
        token = self._keys.key(shop, account)
        try:
            return self._send(shop, token, method, path, content)
        except ExpiredError:
            token = self._keys.key(shop, account, beyond=token.version)
        try:
            return self._send(shop, token, method, path, content)
        except ExpiredError as error:
            raise AuthenticationError(
                f"{error}, the new token as well; image-assets etsy login --shop {shop}"
            ) from None

    def _send(
        self, shop: str, token: Token, method: str, path: str, content: Mapping[str, Any]
    ) -> Answer:
        check, explain = content.get("check"), content.get("explain", etsy_answers.explain)

        def checked(answer: Answer) -> None:
            self.budget.read(answer)
            if check is not None:
                check(answer)

        def explained(answer: Answer) -> Any:
            self.budget.read(answer)
            return explain(answer)

        own = {**content, "check": checked, "explain": explained}
        return self._line(shop, token).request(method, self._url + path, **own)

    def _line(self, shop: str, token: Token) -> Http:
        """The client that sends a token: one for each, so that no message can repeat it."""
        with self._lock:
            version, line = self._lines.get(shop, (0, None))
            if line is None or version < token.version:
                line = self._open(token)
                self._lines[shop] = (token.version, line)
            return line

    def _open(self, token: Token) -> Http:
        app = self._app
        return Http(
            "etsy",
            (self._url,),
            politeness=self._politeness,
            retry=self._retry,
            timeout=self._timeout,
            headers={
                "Authorization": f"Bearer {token.grant.access_token}",
                "x-api-key": f"{app.keystring}:{app.shared_secret}",
            },
            credential="ETSY_KEYSTRING and ETSY_SHARED_SECRET",
            secrets=(app.keystring, app.shared_secret, token.grant.refresh_token),
            clock=self._clock,
        )


def _draft(text: ListingText) -> dict[str, Any]:
    """The body of a new draft; what is not given is left to Etsy."""
    given: dict[str, Any] = {
        "title": text.title,
        "description": text.description,
        "price": float(text.price),
        "quantity": text.quantity,
        "who_made": text.who_made.value,
        "when_made": text.when_made,
        "taxonomy_id": text.taxonomy_id,
        "type": text.kind.value,
        "tags": list(text.tags),
        "materials": list(text.materials),
        "shipping_profile_id": text.shipping_profile_id,
        "readiness_state_id": text.readiness_state_id,
        "should_auto_renew": False,
        "is_supply": False,
    }
    return {name: value for name, value in given.items() if value not in (None, [])}


def _inventory(text: ListingText) -> dict[str, Any]:
    offering: dict[str, Any] = {
        "price": float(text.price),
        "quantity": text.quantity,
        "is_enabled": True,
    }
    if text.kind is not Kind.DOWNLOAD and text.readiness_state_id is not None:
        offering["readiness_state_id"] = text.readiness_state_id
    return {"products": [{"sku": text.sku, "property_values": [], "offerings": [offering]}]}
