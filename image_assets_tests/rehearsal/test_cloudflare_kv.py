import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal
from image_assets_tests.rehearsal.conftest import NOON

KEY = "apm/in_gate:daily:latest"


@pytest.fixture
def kv(rehearsal: Rehearsal, profile: Profile) -> Iterator[httpx.Client]:
    account, namespace = profile.cloudflare_account_id, profile.kv_namespace_id
    path = f"/cloudflare/client/v4/accounts/{account}/storage/kv/namespaces/{namespace}"
    headers = {"Authorization": f"Bearer {profile.cloudflare_api_token}"}
    with httpx.Client(base_url=rehearsal.address + path, headers=headers, verify=False) as client:
        yield client


def value(key: str = KEY) -> str:
    return f"/values/{quote(key, safe='')}"


def put(kv: httpx.Client, key: str = KEY, content: bytes = b"v", **query: Any) -> httpx.Response:
    return kv.put(value(key), content=content, params=query)


def error(reply: httpx.Response) -> tuple[int, int, str]:
    body = reply.json()
    assert (body["success"], body["result"], body["messages"]) == (False, None, [])
    (first,) = body["errors"]
    return reply.status_code, first["code"], first["message"]


def test_a_written_value_is_read_back_byte_for_byte(kv: httpx.Client):
    written = put(kv, content=b"\x00\xff raw")

    assert written.json() == {"result": {}, "success": True, "errors": [], "messages": []}
    assert kv.get(value()).content == b"\x00\xff raw"


def test_a_form_carries_value_and_metadata(kv: httpx.Client):
    parts = {"value": (None, b"v"), "metadata": (None, '{"sequence": 3}')}

    kv.put(value(), files=parts)

    assert kv.get(value()).content == b"v"
    assert kv.get(value().replace("values", "metadata")).json()["result"] == {"sequence": 3}


def test_a_form_needs_a_value_but_no_metadata(kv: httpx.Client):
    assert kv.put(value(), files={"value": ("upload", b"v")}).status_code == 200
    assert kv.put(value(), files={"metadata": (None, "{}")}).status_code == 400
    broken = {"value": (None, b"v"), "metadata": (None, "{")}
    assert kv.put(value("other"), files=broken).status_code == 400


def test_a_json_body_becomes_the_value_whole(kv: httpx.Client):
    """The trap that clients fall into who send `{"value", "metadata"}` as JSON."""
    kv.put(value(), json={"value": "v", "metadata": {"a": 1}})

    assert kv.get(value()).json() == {"value": "v", "metadata": {"a": 1}}
    assert kv.get(value().replace("values", "metadata")).json()["result"] is None


def test_a_key_that_is_not_there_is_10009(kv: httpx.Client):
    wanted = (404, 10009, "get: 'key not found'")

    assert error(kv.get(value())) == wanted
    assert error(kv.get(value().replace("values", "metadata"))) == wanted


def test_an_overwrite_replaces_value_metadata_and_expiry_together(
    kv: httpx.Client, rehearsal: Rehearsal
):
    kv.put(
        value(),
        files={"value": (None, b"1"), "metadata": (None, '"old"')},
        params={"expiration_ttl": 60},
    )
    rehearsal.clock.advance(1)

    put(kv, content=b"2")

    read = kv.get(value())
    assert (read.content, "expiration" in read.headers) == (b"2", False)
    assert kv.get(value().replace("values", "metadata")).json()["result"] is None


def test_a_delete_of_nothing_is_no_error(kv: httpx.Client):
    put(kv)

    statuses = [kv.delete(value()).status_code for _ in range(2)]

    assert statuses == [200, 200]
    assert kv.get(value()).status_code == 404


@pytest.mark.parametrize("token", [None, "Bearer wrong", "Basic x"])
def test_a_wrong_token_is_10000(kv: httpx.Client, token: str | None):
    kv.headers.pop("Authorization")

    reply = kv.get(value(), headers={"Authorization": token} if token else {})

    assert error(reply) == (401, 10000, "Authentication error")


def test_another_account_is_10000_and_another_namespace_10013(kv: httpx.Client, profile: Profile):
    address = str(kv.base_url)
    elsewhere = address.replace(profile.cloudflare_account_id, "f" * 32)
    unknown = address.replace(profile.kv_namespace_id, "0" * 32)

    assert error(kv.get(f"{elsewhere}keys")) == (403, 10000, "Authentication error")
    assert error(kv.get(f"{unknown}keys")) == (404, 10013, "namespace not found")


def test_what_is_no_route_is_7003(kv: httpx.Client):
    reply = kv.put("/values/", content=b"v")

    assert reply.status_code == 404
    assert [problem["code"] for problem in reply.json()["errors"]] == [7003, 7000]


@pytest.mark.parametrize(
    ("key", "status", "message"),
    [
        (".", 400, '"." is not allowed as a key name.'),
        ("..", 400, '".." is not allowed as a key name.'),
        ("x" * 513, 414, "UTF-8 encoded length of 513 exceeds key length limit of 512."),
        ("é" * 257, 414, "UTF-8 encoded length of 514 exceeds key length limit of 512."),
    ],
)
def test_what_cannot_be_a_key_is_refused(kv: httpx.Client, key: str, status: int, message: str):
    address = value(key).replace(".", "%2E")

    replies = [kv.put(address, content=b"v"), kv.get(address), kv.delete(address)]

    assert [(reply.status_code, error(reply)[2]) for reply in replies] == [(status, message)] * 3


def test_a_key_of_512_bytes_is_a_key(kv: httpx.Client):
    assert put(kv, "x" * 512).status_code == 200


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"expiration_ttl": 10},
            "Invalid expiration_ttl of 10. Expiration TTL must be at least 60.",
        ),
        (
            {"expiration_ttl": -1},
            "Invalid expiration_ttl of -1. Please specify integer greater than 0.",
        ),
        (
            {"expiration_ttl": "soon"},
            "Invalid expiration_ttl of soon. Please specify integer greater than 0.",
        ),
        (
            {"expiration": 5},
            "Invalid expiration of 5. Please specify integer greater than the current"
            " number of seconds since the UNIX epoch.",
        ),
        (
            {"expiration": int(NOON.timestamp()) + 59},
            "Invalid expiration of 1756900859. Expiration times must be at least 60"
            " seconds in the future.",
        ),
    ],
)
def test_an_expiry_too_near_is_refused(kv: httpx.Client, query: dict[str, Any], message: str):
    assert error(put(kv, **query)) == (400, 10001, message)


def test_a_value_goes_when_it_expires_and_says_so_before(kv: httpx.Client, rehearsal: Rehearsal):
    put(kv, expiration_ttl=60, expiration=int(NOON.timestamp()) + 3600)

    told = kv.get(value()).headers["expiration"]
    rehearsal.clock.advance(60)

    assert told == str(int(NOON.timestamp()) + 60)  # the life time wins
    assert kv.get(value()).status_code == 404


def test_metadata_beyond_1024_bytes_is_refused(kv: httpx.Client):
    metadata = json.dumps("x" * 1106)

    reply = kv.put(value(), files={"value": (None, b"v"), "metadata": (None, metadata)})

    wanted = "Metadata length of 1108 exceeds limit of 1024."
    assert error(reply) == (413, 10001, wanted)


def test_a_value_beyond_25_mib_is_refused(kv: httpx.Client):
    limit = 25 * 1024 * 1024

    assert error(put(kv, content=bytes(limit + 1)))[:2] == (413, 10001)
    assert put(kv, content=bytes(limit)).status_code == 200


def test_a_second_write_of_a_key_within_a_second_is_429(kv: httpx.Client, rehearsal: Rehearsal):
    put(kv, content=b"1")

    refused = put(kv, content=b"2")
    other = put(kv, "other")
    rehearsal.clock.advance(1)
    later = put(kv, content=b"3")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert (other.status_code, later.status_code) == (200, 200)
    assert kv.get(value()).content == b"3"


def test_every_reply_says_what_is_left(kv: httpx.Client):
    for reply in (kv.get("/keys"), kv.get(value()), kv.get("/nothing")):
        assert reply.headers["Ratelimit"] == '"default";r=1200;t=0'
        assert reply.headers["Ratelimit-Policy"] == '"default";q=1200;w=300'


class TestListing:
    @pytest.fixture(autouse=True)
    def keys(self, kv: httpx.Client) -> None:
        for number in range(25):
            put(kv, f"in_gate:{number:02}")
        put(kv, "out_gate", expiration_ttl=90)

    def test_keys_come_in_order_page_by_page(self, kv: httpx.Client):
        pages, cursor = [], ""
        while True:
            told = kv.get("/keys", params={"limit": 10, "cursor": cursor}).json()
            pages.append([key["name"] for key in told["result"]])
            assert told["result_info"]["count"] == len(pages[-1])
            cursor = told["result_info"]["cursor"]
            if not cursor:
                break

        names = [f"in_gate:{number:02}" for number in range(25)] + ["out_gate"]
        assert pages == [names[:10], names[10:20], names[20:]]

    def test_a_prefix_selects(self, kv: httpx.Client):
        told = kv.get("/keys", params={"prefix": "out"}).json()

        expiry = int(NOON.timestamp()) + 90
        assert told["result"] == [{"name": "out_gate", "expiration": expiry}]
        assert told["result_info"] == {"count": 1, "cursor": ""}

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"limit": 9}, "limit: Number must be greater than or equal to 10"),
            ({"limit": 1001}, "limit: Number must be less than or equal to 1000"),
            ({"limit": "x"}, "limit: Expected number, received nan"),
            ({"cursor": "?"}, "cursor: Invalid cursor"),
        ],
    )
    def test_a_page_that_cannot_be_is_refused(
        self, kv: httpx.Client, query: dict[str, Any], message: str
    ):
        assert error(kv.get("/keys", params=query)) == (400, 10001, message)


class TestBulk:
    def test_many_are_written_and_read_at_once(self, kv: httpx.Client):
        pairs = [
            {"key": "a", "value": "1", "metadata": {"m": 1}},
            {"key": "b", "value": base64.b64encode(b"\xff").decode(), "base64": True},
        ]

        written = kv.put("/bulk", json=pairs).json()["result"]
        read = kv.post("/bulk/get", json={"keys": ["a", "none"], "withMetadata": True}).json()

        assert written == {"successful_key_count": 2, "unsuccessful_keys": []}
        assert read["result"] == {
            "values": {"a": {"value": "1", "metadata": {"m": 1}}, "none": None}
        }
        assert kv.get(value("b")).content == b"\xff"

    def test_keys_written_too_soon_are_named(self, kv: httpx.Client):
        put(kv, "a")

        told = kv.put("/bulk", json=[{"key": "a", "value": "2"}, {"key": "b", "value": "2"}])

        assert told.json()["result"] == {"successful_key_count": 1, "unsuccessful_keys": ["a"]}

    def test_json_values_are_read_as_json(self, kv: httpx.Client):
        put(kv, "a", b'{"n": 1}')
        put(kv, "b", b"{")

        def read(key: str) -> httpx.Response:
            return kv.post("/bulk/get", json={"keys": [key], "type": "json"})

        assert read("a").json()["result"] == {"values": {"a": {"n": 1}}}
        assert read("b").status_code == 400

    def test_many_are_deleted_at_once(self, kv: httpx.Client):
        put(kv, "a")

        told = kv.post("/bulk/delete", json=["a", "none"])

        assert told.json()["result"]["successful_key_count"] == 2
        assert kv.get(value("a")).status_code == 404

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PUT", "/bulk", {"key": "a", "value": "1"}),
            ("PUT", "/bulk", [{"key": "a"}]),
            ("PUT", "/bulk", [{"key": "", "value": "1"}]),
            ("PUT", "/bulk", [{"key": "a", "value": "?", "base64": True}]),
            ("PUT", "/bulk", [{"key": "a", "value": "1", "expiration_ttl": 59}]),
            ("PUT", "/bulk", [{"key": str(n), "value": ""} for n in range(10_001)]),
            ("POST", "/bulk/get", {"keys": [str(n) for n in range(101)]}),
            ("POST", "/bulk/get", ["a"]),
            ("POST", "/bulk/delete", {"keys": ["a"]}),
            ("POST", "/bulk/delete", [7]),
        ],
    )
    def test_a_batch_that_cannot_be_is_refused_whole(
        self, kv: httpx.Client, method: str, path: str, body: Any
    ):
        reply = kv.request(method, path, json=body)

        assert error(reply)[:2] == (400, 10001)
        assert kv.get("/keys").json()["result"] == []


class TestFreePlan:
    @pytest.fixture
    def profile(self) -> Profile:
        return replace(
            Profile.free_plan(), now=NOON, kv_daily_writes=2, kv_daily_reads=1, kv_daily_lists=1
        )

    def test_a_spent_day_is_10048_until_the_next(self, kv: httpx.Client, rehearsal: Rehearsal):
        put(kv, "a"), put(kv, "b")

        spent = put(kv, "c")
        rehearsal.clock.advance(12 * 3600)

        message = "your account has reached the free usage limit for this operation for today"
        assert error(spent) == (429, 10048, message)
        assert "Retry-After" not in spent.headers
        assert put(kv, "c").status_code == 200

    def test_reads_and_listings_have_budgets_of_their_own(self, kv: httpx.Client):
        codes = [kv.get(path).status_code for path in (value(), value(), "/keys", "/keys")]

        assert codes == [404, 429, 200, 429]

    def test_reads_are_late(self, kv: httpx.Client, rehearsal: Rehearsal, profile: Profile):
        put(kv, content=b"1")
        early = kv.get(value()).status_code

        rehearsal.clock.advance(86_400)
        put(kv, content=b"2")

        assert early == 404
        assert kv.get(value()).content == b"1"


class TestLate:
    @pytest.fixture
    def profile(self) -> Profile:
        return Profile(now=NOON, kv_staleness=60)

    def test_writes_and_deletes_are_seen_a_minute_later(
        self, kv: httpx.Client, rehearsal: Rehearsal
    ):
        def seen() -> tuple[str | None, int]:
            read = kv.get(value())
            listed = kv.get("/keys").json()["result_info"]["count"]
            return (read.text if read.status_code == 200 else None), listed

        put(kv, content=b"1")
        moments = [seen()]
        rehearsal.clock.advance(60)
        put(kv, content=b"2")
        moments.append(seen())
        rehearsal.clock.advance(60)
        kv.delete(value())
        moments.append(seen())
        rehearsal.clock.advance(60)
        moments.append(seen())

        assert moments == [(None, 0), ("1", 1), ("2", 1), (None, 0)]


class TestThrottled:
    @pytest.fixture
    def profile(self) -> Profile:
        return Profile(now=NOON, kv_requests_per_five_minutes=3)

    def test_too_many_requests_block_for_five_minutes(self, kv: httpx.Client, rehearsal: Rehearsal):
        rehearsal.clock.advance(-200)
        for _ in range(3):
            kv.get("/keys")
        rehearsal.clock.advance(200)
        blocked = kv.get("/keys")

        rehearsal.clock.advance(299)
        still = kv.get("/keys")
        rehearsal.clock.advance(1)

        assert (blocked.status_code, blocked.headers["Retry-After"]) == (429, "301")
        assert error(still)[:2] == (429, 971)
        assert kv.get("/keys").status_code == 200


def test_a_token_and_a_namespace_can_be_asked_after(kv: httpx.Client, rehearsal: Rehearsal):
    verified = kv.get(f"{rehearsal.address}/cloudflare/client/v4/user/tokens/verify")

    assert verified.json()["result"]["status"] == "active"
    assert kv.get(str(kv.base_url).rstrip("/")).json()["result"]["supports_url_encoding"] is True
