"""Etsy's client against the stand-in, over real connections."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    InDoubtError,
    NotFoundError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.core.listings import Kind, ListingText, WhoMade
from image_assets.core.model import Blob, ImageFormat
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.catalog import Catalog
from image_assets.services.etsy import Etsy
from image_assets_tests.drawing import picture
from image_assets_tests.etsying import SHOPS, app, clock, connect, log_in
from image_assets_tests.loopback import Loopback, reply

CREATE = "POST /etsy/shops/11111111/listings$"
IMAGES = "POST /etsy/shops/11111111/listings/.*/images"
ACME = ("acme", SHOPS["acme"])
TEXT = ListingText(
    "d" * 24,
    "red kite - Art Print",
    "A print.",
    Decimal("18.50"),
    5,
    WhoMade.I_DID,
    "made_to_order",
    1027,
    Kind.PHYSICAL,
    ("print",),
    (),
    77,
    88,
)


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with start() as rehearsal:
        yield rehearsal


def start(**profile: Any) -> Rehearsal:
    rehearsal = Rehearsal(Profile(**profile))
    rehearsal.clock.set(rehearsal.clock.now(), frozen=True)
    return rehearsal


@pytest.fixture
def etsy(rehearsal: Rehearsal, sqlite_catalog: Catalog, tmp_path: Path) -> Iterator[Etsy]:
    log_in(rehearsal, sqlite_catalog.tokens, clock=clock(rehearsal))
    etsy = connect(rehearsal, sqlite_catalog.tokens, tmp_path)
    yield etsy
    etsy.close()


@pytest.fixture
def image(tmp_path: Path) -> tuple[Path, Blob]:
    file = tmp_path / "image.jpg"
    file.write_bytes(picture(1))
    return file, Blob("a" * 64, "x", file.stat().st_size, ImageFormat.JPEG, 64, 64)


def answer(status: int, told: Any) -> dict[str, Any]:
    kind = {"Content-Type": "application/json"}
    return {"kind": "status", "status": status, "body": json.dumps(told), "headers": kind}


def test_a_draft_is_made_whole_and_stays_a_draft(etsy, rehearsal):
    made = etsy.create(*ACME, TEXT)
    etsy.label(*ACME, made.listing_id, TEXT)

    (listing,) = rehearsal.etsy.of(SHOPS["acme"])
    assert (listing.number, listing.state, listing.skus) == (made.listing_id, "draft", [TEXT.sku])
    sent = listing.fields
    assert sent["price"] == 1850
    assert (sent["title"], sent["tags"], sent["quantity"]) == (TEXT.title, ["print"], 5)
    assert (sent["shipping_profile_id"], sent["readiness_state_id"]) == (77, 88)
    assert rehearsal.etsy.activations == 0


def test_drafts_are_read_page_by_page_with_sku_and_plain_titles(etsy, rehearsal):
    for number in range(103):
        etsy.create(*ACME, replace(TEXT, title=f"kite & co {number}"))
    first = rehearsal.etsy.of(SHOPS["acme"])[0].number
    etsy.label(*ACME, first, TEXT)

    drafts = etsy.drafts(*ACME)

    assert len({draft.listing_id for draft in drafts}) == 103
    assert {draft.title for draft in drafts} == {f"kite & co {n}" for n in range(103)}
    assert [d.listing_id for d in drafts if TEXT.sku in d.skus] == [first]


def test_what_was_made_since_is_found_whatever_became_of_it(etsy, rehearsal):
    etsy.create(*ACME, TEXT)
    rehearsal.clock.advance(3600)
    since = rehearsal.clock.now() - dt.timedelta(seconds=1)  # Etsy tells whole seconds
    for state in ("draft", "active", "inactive"):
        made = etsy.create(*ACME, replace(TEXT, title=state))
        rehearsal.etsy.listings[made.listing_id].state = state

    found = etsy.created(*ACME, since)

    assert [one.title for one in found] == ["draft", "active", "inactive"]


def test_images_come_to_lie_at_their_ranks(etsy, rehearsal, image):
    listing = etsy.create(*ACME, TEXT).listing_id
    for rank in (1, 2, 3):
        etsy.add_image(*ACME, listing, *image, rank)

    assert etsy.ranks(*ACME, listing) == {1, 2, 3}
    assert rehearsal.etsy.listings[listing].images[0].content == image[0].read_bytes()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after"},
        {"kind": "html", "processed": True},
        {"kind": "truncate"},
        {"kind": "status", "status": 500, "processed": True},
        {"kind": "status", "status": 503, "processed": True},
        {"kind": "empty"},
    ],
)
def test_a_draft_whose_answer_is_lost_is_in_doubt_and_never_sent_twice(etsy, rehearsal, fault):
    rehearsal.inject(CREATE, fault)

    with pytest.raises(InDoubtError):
        etsy.create(*ACME, TEXT)

    assert len(rehearsal.etsy.of(SHOPS["acme"])) == 1


def test_what_etsy_certainly_did_not_do_is_sent_again(etsy, rehearsal):
    limited = {"kind": "status", "status": 429, "headers": {"retry-after": "1"}, "body": "{}"}
    rehearsal.inject(CREATE, limited, times=1)
    rehearsal.inject(CREATE, answer(409, {"error": "edited"}), times=1)

    etsy.create(*ACME, TEXT)

    assert len(rehearsal.etsy.of(SHOPS["acme"])) == 1


def test_an_image_whose_answer_is_lost_is_in_doubt(etsy, rehearsal, image):
    listing = etsy.create(*ACME, TEXT).listing_id
    rehearsal.inject(IMAGES, {"kind": "drop_after"})

    with pytest.raises(InDoubtError):
        etsy.add_image(*ACME, listing, *image, 1)

    assert etsy.ranks(*ACME, listing) == {1}


@pytest.mark.parametrize(
    ("status", "told", "error", "words"),
    [
        (
            400,
            [{"path": "/tags", "type": "array_too_long", "message": "cannot be more than 13"}],
            RejectedError,
            "/tags cannot be more than 13",
        ),
        (400, {"error": "A shipping_profile_id is required"}, RejectedError, "shipping_profile_id"),
        (401, {"error": "unauthorized"}, AuthenticationError, "image-assets etsy login"),
        (403, {"error": "The user does not own this shop."}, AuthenticationError, "etsy status"),
        (404, {"error": "Resource not found"}, NotFoundError, "Resource not found"),
        (409, {"error": "busy"}, TransientError, "busy"),
    ],
)
def test_every_error_has_its_class(etsy, rehearsal, status, told, error, words):
    rehearsal.inject(CREATE, answer(status, told))

    with pytest.raises(error, match=words):
        etsy.create(*ACME, TEXT)


def test_a_page_of_a_proxy_is_no_absence(etsy, rehearsal):
    rehearsal.inject("GET /etsy/listings", {"kind": "status", "status": 404, "body": "<html>"})

    with pytest.raises(RejectedError, match="check ETSY_API_URL"):
        etsy.ranks(*ACME, 1)


def test_a_listing_that_was_deleted_is_not_found(etsy):
    with pytest.raises(NotFoundError):
        etsy.ranks(*ACME, 1_400_000_001)


def test_a_shops_login_opens_no_other_shop(etsy, rehearsal):
    with pytest.raises(AuthenticationError, match="does not own this shop"):
        etsy._ask("acme", "GET", f"/shops/{SHOPS['globex']}/listings", account=SHOPS["acme"])


def test_both_halves_of_the_key_are_sent(rehearsal, sqlite_catalog, tmp_path):
    log_in(rehearsal, sqlite_catalog.tokens, "acme", clock=clock(rehearsal))
    listing = {"listing_id": 1, "title": "t", "created_timestamp": 1}
    with Loopback(reply(200, json.dumps(listing).encode())) as server:
        etsy = connect(rehearsal, sqlite_catalog.tokens, tmp_path, api_url=server.url)

        etsy.create(*ACME, TEXT)
        etsy.close()

    keys = app(rehearsal.environment())
    sent = server.asked[0]
    assert sent.headers["x-api-key"] == f"{keys.keystring}:{keys.shared_secret}"
    assert sent.headers["authorization"].startswith("Bearer 501.")
    assert "state" not in json.loads(sent.body)


def test_an_image_goes_as_a_named_part_of_a_form(rehearsal, sqlite_catalog, tmp_path, image):
    log_in(rehearsal, sqlite_catalog.tokens, "acme", clock=clock(rehearsal))
    with Loopback(reply(201, b'{"listing_image_id": 1, "rank": 2}')) as server:
        etsy = connect(rehearsal, sqlite_catalog.tokens, tmp_path, api_url=server.url)

        etsy.add_image(*ACME, 5, *image, 2)
        etsy.close()

    sent = server.asked[0]
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="image"; filename="02-aaaaaaaaaaaaaaaa.jpg"' in sent.body
    assert b'name="rank"\r\n\r\n2\r\n' in sent.body


def test_the_pace_is_kept(rehearsal, sqlite_catalog, tmp_path):
    limited = start(etsy_requests_per_second=3)
    with limited:
        log_in(limited, sqlite_catalog.tokens, "acme", clock=clock(limited))
        etsy = connect(limited, sqlite_catalog.tokens, tmp_path, per_second=3)

        for _ in range(10):
            etsy.probe(*ACME)
        etsy.close()

        asked = limited.requests()["requests"]
    assert [one["status"] for one in asked if one["path"].startswith("/etsy/")] == [200] * 10


def test_a_day_that_we_counted_to_its_end_is_over_and_nothing_more_is_sent(
    rehearsal, sqlite_catalog, tmp_path
):
    log_in(rehearsal, sqlite_catalog.tokens, "acme", clock=clock(rehearsal))
    first = connect(rehearsal, sqlite_catalog.tokens, tmp_path, per_day=3)
    other = connect(rehearsal, sqlite_catalog.tokens, tmp_path, per_day=3)
    for etsy in (first, other, first):
        etsy.probe(*ACME)
    before = len(rehearsal.requests()["requests"])

    with pytest.raises(QuotaExhaustedError, match="3 requests of 24 hours are spent"):
        other.create(*ACME, TEXT)

    assert len(rehearsal.requests()["requests"]) == before
    rehearsal.clock.advance(25 * 3600)
    other.create(*ACME, TEXT)
    for etsy in (first, other):
        etsy.close()


def test_a_day_that_etsy_says_is_over_is_over(sqlite_catalog, tmp_path):
    with start(etsy_daily_requests=2) as rehearsal:
        log_in(rehearsal, sqlite_catalog.tokens, "acme", clock=clock(rehearsal))
        etsy = connect(rehearsal, sqlite_catalog.tokens, tmp_path)
        etsy.probe(*ACME)
        etsy.probe(*ACME)

        with pytest.raises(QuotaExhaustedError):
            etsy.create(*ACME, TEXT)

        etsy.close()
        assert rehearsal.etsy.listings == {}


def test_a_429_of_the_day_is_no_429_of_the_second(etsy, rehearsal):
    spent = answer(429, {"error": "limit"}) | {"headers": {"x-remaining-today": "0"}}
    rehearsal.inject("GET /etsy", spent)

    with pytest.raises(QuotaExhaustedError, match="24 hours are spent"):
        etsy.probe(*ACME)
