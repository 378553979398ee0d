"""The stand-in of Etsy, asked by hand: it is as hostile as what it stands in for."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal
from image_assets_tests.drawing import picture
from image_assets_tests.etsying import granted

SHOP = 11_111_111
DRAFT = {
    "quantity": "5",
    "title": "a kite & more",
    "description": "d",
    "price": "18.50",
    "who_made": "i_did",
    "when_made": "2020_2026",
    "taxonomy_id": "1027",
    "shipping_profile_id": "1",
    "readiness_state_id": "1",
    "tags[]": "a,b",
}


class Client:
    """Headers as they should be, and nothing else done for the caller."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        keys = rehearsal.environment()
        self.grant = granted(rehearsal, SHOP)
        self.headers = {
            "Authorization": f"Bearer {self.grant.access_token}",
            "x-api-key": f"{keys['ETSY_KEYSTRING']}:{keys['ETSY_SHARED_SECRET']}",
        }
        self.keystring, self.url = keys["ETSY_KEYSTRING"], keys["ETSY_API_URL"]
        self.token_url = keys["ETSY_TOKEN_URL"]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, self.url + path, **{"headers": self.headers} | more)

    def draft(self, **changes: Any) -> httpx.Response:
        given = {k: v for k, v in (DRAFT | changes).items() if v is not None}
        return self.ask("POST", f"/shops/{SHOP}/listings", data=given)

    def image(self, listing: int, rank: int, seed: int = 1) -> httpx.Response:
        return self.ask(
            "POST",
            f"/shops/{SHOP}/listings/{listing}/images",
            files={"image": ("a.jpg", picture(seed))},
            data={"rank": str(rank)},
        )

    def renew(self, refresh: str) -> httpx.Response:
        asked = {"grant_type": "refresh_token", "client_id": self.keystring}
        return httpx.post(self.token_url, data=asked | {"refresh_token": refresh})


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with Rehearsal(Profile()) as rehearsal:
        yield rehearsal


@pytest.fixture
def client(rehearsal: Rehearsal) -> Client:
    return Client(rehearsal)


def test_every_post_makes_another_draft(client, rehearsal):
    made = [client.draft() for _ in range(2)]

    assert [answer.status_code for answer in made] == [201, 201]
    first = made[0].json()
    assert (first["state"], first["title"]) == ("draft", "a kite &amp; more")
    assert first["price"] == {"amount": 1850, "divisor": 100, "currency_code": "USD"}
    assert first["tags"] == ["a", "b"]
    assert len(rehearsal.etsy.of(SHOP)) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": None}, "/title"),
        ({"title": "t" * 141}, "140"),
        ({"who_made": "me"}, "/who_made"),
        ({"when_made": "2020_2025"}, "/when_made"),
        ({"price": "free"}, "/price"),
        ({"quantity": "0"}, "/quantity"),
        ({"tags[]": ",".join("abcdefghijklmn")}, "13 items"),
        ({"image_ids[]": []}, ""),
        ({"shipping_profile_id": None}, "shipping_profile_id"),
        ({"readiness_state_id": None}, "readiness_state_id"),
    ],
)
def test_a_draft_is_looked_at(client, changes, words):
    answer = client.draft(**changes)

    assert words in answer.text
    assert answer.status_code == (400 if words else 201)


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"x-api-key": "rehearsaletsykeystring00"}, 403, "Shared secret is required"),
        ({"x-api-key": "rehearsaletsykeystring00:wrong"}, 403, "Invalid shared secret"),
        ({"x-api-key": "wrong:wrong"}, 403, "Invalid API key"),
        ({"Authorization": "Bearer 501.wrong"}, 401, "invalid_token"),
        ({}, 201, "draft"),
    ],
)
def test_who_may_come_in(client, headers, status, words):
    client.headers |= headers

    answer = client.draft()

    assert (answer.status_code, words in answer.text) == (status, True)


def test_an_access_token_expires_and_a_refresh_token_dies_with_its_use(client, rehearsal):
    rehearsal.clock.advance(3601)
    expired = client.draft()

    first, again = (
        client.renew(client.grant.refresh_token),
        client.renew(client.grant.refresh_token),
    )

    assert (expired.status_code, expired.json()["error_description"]) == (
        401,
        "access token is expired",
    )
    assert (first.status_code, again.status_code) == (200, 400)
    assert again.json()["error"] == "invalid_grant"


def test_of_renewals_that_race_one_comes_through(client):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.renew(client.grant.refresh_token), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 7]


def test_another_shop_and_another_listing_are_not_ones_own(client):
    assert client.ask("GET", "/shops/22222222/listings").status_code == 403
    assert client.ask("GET", "/shops/5/listings").status_code == 404
    assert client.ask("GET", "/listings/5/images").status_code == 404


def test_images_one_by_one_keep_their_ranks_and_those_that_race_lose_them(client, rehearsal):
    listing = client.draft().json()["listing_id"]
    one_by_one = [client.image(listing, rank, rank).json()["rank"] for rank in (1, 2, 3)]
    other = client.draft().json()["listing_id"]
    with ThreadPoolExecutor(6) as pool:
        raced = [
            answer.json()["rank"]
            for answer in pool.map(lambda rank: client.image(other, rank, rank), range(6, 0, -1))
        ]

    assert one_by_one == [1, 2, 3]
    assert raced != list(range(6, 0, -1))
    assert sorted(raced) == list(range(1, 7))


def test_an_image_without_its_boundary_or_its_name_is_none(client):
    listing = client.draft().json()["listing_id"]
    path = f"/shops/{SHOP}/listings/{listing}/images"
    set_by_hand = client.headers | {"Content-Type": "multipart/form-data"}
    files = {"image": ("a.jpg", picture(1))}

    answers = [
        client.ask("POST", path, files=files, headers=set_by_hand),
        client.ask("POST", path, files={"file": ("a.jpg", picture(1))}),
        client.ask("POST", path, files={"image": ("a.jpg", b"no picture")}),
    ]

    assert [answer.status_code for answer in answers] == [400] * 3
    assert all("Either a valid image file" in answer.text for answer in answers)


def test_an_eleventh_image_is_refused(client):
    listing = client.draft().json()["listing_id"]
    answers = [client.image(listing, rank) for rank in (*range(1, 11), 10)]

    assert [answer.status_code for answer in answers] == [*[201] * 10, 400]


@pytest.mark.parametrize("limit", ["etsy_requests_per_second", "etsy_daily_requests"])
def test_limits_are_told_and_kept(limit):
    with Rehearsal(Profile(**{limit: 2})) as rehearsal:
        rehearsal.clock.set(rehearsal.clock.now(), frozen=True)
        client = Client(rehearsal)
        answers = [client.draft() for _ in range(3)]
        rehearsal.clock.advance(86_400)
        later = client.ask("GET", "/openapi-ping")

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    name = "x-remaining-today" if "daily" in limit else "x-remaining-this-second"
    assert [answer.headers[name] for answer in answers] == ["1", "0", "0"]
    assert later.status_code == 200


def test_listings_are_shown_by_state_page_by_page(client, rehearsal):
    made = [client.draft(title=f"t{n}").json()["listing_id"] for n in range(5)]
    client.image(made[0], 1)
    client.ask("PATCH", f"/shops/{SHOP}/listings/{made[0]}", data={"state": "active"})

    pages = [
        client.ask("GET", f"/shops/{SHOP}/listings?state=draft&limit=3&offset={offset}").json()
        for offset in (0, 3)
    ]

    assert [page["count"] for page in pages] == [4, 4]
    told = [one["listing_id"] for one in itertools.chain(*(page["results"] for page in pages))]
    assert sorted(told) == made[1:]
    assert rehearsal.etsy.activations == 1


def test_what_is_active_needs_an_image(client):
    listing = client.draft().json()["listing_id"]

    refused = client.ask("PATCH", f"/shops/{SHOP}/listings/{listing}", data={"state": "active"})

    assert refused.status_code == 400
