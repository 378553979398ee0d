"""Etsy's Open API v3 of listings: every POST makes another draft, and images that race lose their ranks.

Nobody pays for what becomes active here, but it is counted. Logins are in `etsy_oauth`, what a listing may
say in `etsy_rules`.
"""

import html
import io
import itertools
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.etsy_oauth import Access, Accounts
from image_assets.rehearsal.etsy_rules import draft, fields, invalid, refused
from image_assets.rehearsal.exchange import Refusal, Reply, Request, Route, dispatch, json_reply
from image_assets.rehearsal.forms import NotAFormError, Part, read_form
from image_assets.rehearsal.limits import DAY, Window
from image_assets.rehearsal.profile import Profile

BASE = "/etsy"

_NO_IMAGE = "Either a valid image file or a listing_image_id must be provided."
_MOST_IMAGES = 10
_FORMATS = {"JPEG", "PNG", "GIF"}


@dataclass(slots=True)
class Shown:
    """An image of a listing."""

    number: int
    rank: int
    size: tuple[int, int]
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Listing:
    """A listing of a shop; prices are in hundredths."""

    number: int
    shop: int
    fields: dict[str, Any]
    created: int
    state: str = "draft"
    skus: list[str] = field(default_factory=list)
    images: list[Shown] = field(default_factory=list)


class Etsy:
    """The shops of a profile. `listings` are theirs, `activations` how many were made active."""

    def __init__(self, profile: Profile, clock: Clock, accounts: Accounts, address: str) -> None:
        self._profile, self._clock, self._accounts = profile, clock, accounts
        self._address = address
        self._second = Window(clock, profile.etsy_requests_per_second, 1)
        self._day = Window(clock, profile.etsy_daily_requests, DAY)
        self._lock = threading.Lock()
        self.reset()
        self._routes = (
            Route("GET", "/openapi-ping", lambda _: json_reply(200, {"application_id": 1})),
            Route("POST", "/shops/{shop}/listings", self._create),
            Route("GET", "/shops/{shop}/listings", self._list),
            Route("PATCH", "/shops/{shop}/listings/{listing}", self._change),
            Route("DELETE", "/listings/{listing}", self._delete),
            Route("GET", "/listings/{listing}", self._tell),
            Route("PUT", "/listings/{listing}/inventory", self._stock),
            Route("GET", "/listings/{listing}/images", self._list_images),
            Route("POST", "/shops/{shop}/listings/{listing}/images", self._show),
        )

    def reset(self) -> None:
        """Empty shops."""
        with self._lock:
            self.listings: dict[int, Listing] = {}
            self.activations = 0
            self._numbers = itertools.count(1_400_000_001)
            self._under_way: Counter[int] = Counter()
        self._second.reset()
        self._day.reset()

    def of(self, shop: int) -> list[Listing]:
        """A shop's listings, the oldest first: the side that no client sees."""
        return [one for one in self.listings.values() if one.shop == shop]

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the API's root, with what is left of its limits."""
        try:
            self._let_in(request)
        except Refusal as refusal:
            route, reply = "*", refusal.reply
        else:
            unknown = json_reply(404, {"error": "Resource not found"})
            route, reply = dispatch(self._routes, request, lambda _: unknown)
        return route, reply.plus(self._left() | {"X-Etsy-Request-Uuid": uuid.uuid4().hex})

    def _let_in(self, request: Request) -> None:
        """By both halves of the key, and within the limits."""
        key = request.headers.get("x-api-key", "")
        keystring, _, secret = key.partition(":")
        if not key or keystring != self._profile.etsy_keystring:
            raise refused(
                403, "Invalid API key: should be in the format 'keystring:shared_secret'."
            )
        if not secret:
            raise refused(403, "Shared secret is required in x-api-key header.")
        if secret != self._profile.etsy_shared_secret:
            raise refused(403, "Invalid shared secret in x-api-key header.")
        wait = self._second.take() or self._day.take()
        if wait:
            told = {"error": "You have exceeded your API rate limit."}
            raise Refusal(json_reply(429, told, {"retry-after": str(int(wait) + 1)}))

    def _left(self) -> dict[str, str]:
        second, day = self._second.left()[0], self._day.left()[0]
        return {
            "x-limit-per-second": str(self._profile.etsy_requests_per_second or 10),
            "x-remaining-this-second": str(second),
            "x-limit-per-day": str(self._profile.etsy_daily_requests or 10_000),
            "x-remaining-today": str(day),
        }

    def _create(self, request: Request, shop: str) -> Reply:
        self._owner(request, shop, "listings_w")
        made = draft(fields(request), self._profile)
        with self._lock:
            number = next(self._numbers)
            listing = Listing(number, int(shop), made, int(self._clock.epoch()))
            self.listings[number] = listing
        return json_reply(201, self._told(listing))

    def _list(self, request: Request, shop: str) -> Reply:
        self._owner(request, shop, "listings_r")
        asked = request.parameters()
        state, limit = asked.get("state", "active"), int(asked.get("limit", "25"))
        if not 1 <= limit <= 100:
            raise invalid("/limit", "out_of_range", "must be between 1 and 100")
        with self._lock:
            found = [one for one in self.of(int(shop)) if one.state == state]
        found.sort(
            key=lambda one: (one.created, one.number), reverse=asked.get("sort_order") != "asc"
        )
        begin = int(asked.get("offset", "0"))
        results = [self._told(one) for one in found[begin : begin + limit]]
        return json_reply(200, {"count": len(found), "results": results})

    def _change(self, request: Request, shop: str, listing: str) -> Reply:
        self._owner(request, shop, "listings_w")
        found, given = self._found(listing, int(shop)), fields(request)
        if given.get("state") == "active":
            if not found.images:
                raise refused(400, "A listing without images cannot be active.")
            found.state = "active"
            self.activations += 1
        return json_reply(200, self._told(found))

    def _delete(self, request: Request, listing: str) -> Reply:
        found = self._mine(request, listing, "listings_d")
        with self._lock:
            del self.listings[found.number]
        return Reply(204)

    def _tell(self, request: Request, listing: str) -> Reply:
        return json_reply(200, self._told(self._mine(request, listing, "listings_r")))

    def _stock(self, request: Request, listing: str) -> Reply:
        found = self._mine(request, listing, "listings_w")
        products = fields(request).get("products")
        if not isinstance(products, list) or not products:
            raise invalid("/products", "array_too_short", "cannot be less than 1 items")
        for product in products:
            if not product.get("offerings"):
                raise invalid("/products/0/offerings", "array_too_short", "cannot be less than 1")
            if len(str(product.get("sku", ""))) > 32:
                raise invalid("/products/0/sku", "string_too_long", "cannot be longer than 32")
        found.skus = [str(product.get("sku", "")) for product in products]
        return json_reply(200, {"products": products, "sku_on_property": []})

    def _list_images(self, request: Request, listing: str) -> Reply:
        found = self._mine(request, listing, "listings_r")
        results = [self._image(found, one) for one in sorted(found.images, key=lambda i: i.rank)]
        return json_reply(200, {"count": len(results), "results": results})

    def _show(self, request: Request, shop: str, listing: str) -> Reply:
        self._owner(request, shop, "listings_w")
        found = self._found(listing, int(shop))
        with self._lock:
            self._under_way[found.number] += 1
        try:
            shown = self._placed(found, request)
        finally:
            with self._lock:
                self._under_way[found.number] -= 1
        return json_reply(201, self._image(found, shown))

    def _placed(self, found: Listing, request: Request) -> Shown:
        """The image where it was asked to be; where several arrive together, where they happen to fall."""
        form = _form(request)
        content, size = _picture(form.get("image"))
        wanted = form.get("rank", Part(b"1")).text
        if not wanted.isdecimal() or not 1 <= int(wanted) <= _MOST_IMAGES:
            raise invalid("/rank", "out_of_range", f"must be between 1 and {_MOST_IMAGES}")
        with self._lock:
            if len(found.images) >= _MOST_IMAGES:
                raise refused(400, f"A listing cannot have more than {_MOST_IMAGES} images.")
            races = self._under_way[found.number] > 1
            taken = {image.rank for image in found.images}
            last = len(found.images) + 1
            rank = last if races or int(wanted) in taken else min(int(wanted), last)
            shown = Shown(next(self._numbers), rank, size, content)
            found.images.append(shown)
        return shown

    def _owner(self, request: Request, shop: str, scope: str) -> Access:
        access = self._accounts.admitted(request.bearer)
        if scope not in access.scopes:
            raise refused(403, f"The token lacks the scope {scope}.")
        if not shop.isdecimal() or int(shop) not in self._profile.etsy_shops:
            raise refused(404, "Resource not found")
        if self._profile.etsy_shops[int(shop)] != access.user:
            raise refused(403, "The user does not own this shop.")
        return access

    def _mine(self, request: Request, listing: str, scope: str) -> Listing:
        self._accounts.admitted(request.bearer)
        found = self._found(listing, None)
        self._owner(request, str(found.shop), scope)
        return found

    def _found(self, listing: str, shop: int | None) -> Listing:
        with self._lock:
            found = self.listings.get(int(listing)) if listing.isdecimal() else None
        if found is None or shop not in (None, found.shop):
            raise refused(404, "Resource not found")
        return found

    def _told(self, listing: Listing) -> dict[str, Any]:
        given = listing.fields
        return {
            "listing_id": listing.number,
            "user_id": self._profile.etsy_shops[listing.shop],
            "shop_id": listing.shop,
            "title": html.escape(str(given["title"])),
            "description": html.escape(str(given["description"])),
            "state": listing.state,
            "created_timestamp": listing.created,
            "quantity": given["quantity"],
            "url": f"{self._address}/listing/{listing.number}",
            "price": {"amount": given["price"], "divisor": 100, "currency_code": "USD"},
            "taxonomy_id": given["taxonomy_id"],
            "tags": given.get("tags") or [],
            "skus": listing.skus,
        }

    def _image(self, listing: Listing, image: Shown) -> dict[str, Any]:
        width, height = image.size
        return {
            "listing_id": listing.number,
            "listing_image_id": image.number,
            "rank": image.rank,
            "created_timestamp": listing.created,
            "url_fullxfull": f"{self._address}/image/{image.number}",
            "full_width": width,
            "full_height": height,
            "alt_text": None,
        }


def _form(request: Request) -> dict[str, Part]:
    try:
        return read_form(request.headers.get("Content-Type", ""), request.body)
    except NotAFormError as problem:
        raise refused(400, _NO_IMAGE) from problem


def _picture(part: Part | None) -> tuple[bytes, tuple[int, int]]:
    if part is None or not part.filename or not part.content:
        raise refused(400, _NO_IMAGE)
    try:
        with Image.open(io.BytesIO(part.content)) as image:
            image.load()
            if image.format not in _FORMATS:
                raise refused(400, f"The image format {image.format} is not supported.")
            return part.content, image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise refused(400, _NO_IMAGE) from problem
