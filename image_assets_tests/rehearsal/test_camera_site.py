import datetime as dt
import hashlib
import itertools
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from image_assets.rehearsal import Profile

INDEX = "/draydog/index/apm/in_gate/2025-09-01.json"


def listing(client: httpx.Client, address: str = INDEX) -> dict[str, Any]:
    return client.get(address).raise_for_status().json()


@pytest.fixture
def image(client: httpx.Client) -> dict[str, Any]:
    return listing(client)["images"][0]


def test_the_index_says_what_a_day_holds(client: httpx.Client):
    day = listing(client)

    about = {name: day[name] for name in ("terminal", "stream", "date", "complete")}
    assert about == {
        "terminal": "apm",
        "stream": "in_gate",
        "date": "2025-09-01",
        "complete": True,
    }
    assert all(
        re.fullmatch(r"2025-09-01T\d\d:\d\d:\d\d", image["timestamp"]) for image in day["images"]
    )
    assert len(day["images"]) == 23


def test_listed_addresses_follow_the_sites_pattern_without_padding_the_hour(
    client: httpx.Client, image: dict[str, Any]
):
    at = image["timestamp"]

    assert at.startswith("2025-09-01T00:")
    path = f"/draydog/cdn/apm/2025-09-01/0/{at}-in_gate.jpeg"
    assert image["url"] == str(client.base_url).rstrip("/") + path


def test_listed_sizes_are_true(client: httpx.Client):
    images = listing(client)["images"][:5]

    fetched = [client.get(image["url"]) for image in images]

    assert [len(reply.content) for reply in fetched] == [image["bytes"] for image in images]
    assert {reply.headers["Content-Type"] for reply in fetched} == {"image/jpeg"}


def test_a_padded_hour_is_another_object(client: httpx.Client, image: dict[str, Any]):
    assert client.get(image["url"].replace("/0/", "/00/")).status_code == 404


def test_colons_may_be_escaped(client: httpx.Client, image: dict[str, Any]):
    name = image["timestamp"].replace(":", "%3A")

    reply = client.get(f"/draydog/cdn/apm/2025-09-01/0/{name}-in_gate.jpeg")

    assert len(reply.content) == image["bytes"]


def test_a_thumbnail_is_there_beside_the_picture(client: httpx.Client, image: dict[str, Any]):
    small = client.get(image["url"].replace(".jpeg", "-thumbnail.jpeg"))

    assert small.status_code == 200
    assert 1000 < len(small.content) < image["bytes"] / 4


@pytest.mark.parametrize(
    "address",
    [
        "/draydog/index/apm/side_gate/2025-09-01.json",
        "/draydog/index/lbct/in_gate/2025-09-01.json",
        "/draydog/index/apm/in_gate/2024-12-31.json",
        "/draydog/index/apm/in_gate/2025-09-04.json",
        "/draydog/index/apm/in_gate/2025-02-30.json",
        "/draydog/index/apm/in_gate/20250901.json",
        "/draydog/cdn/apm/2025-09-01/0/2025-09-01T00:00:00-in_gate.jpeg",
        "/draydog/cdn/apm/2025-09-01/0/2025-13-01T00:00:00-in_gate.jpeg",
        "/draydog/cdn/apm/2025-09-01/in_gate.jpeg",
    ],
)
def test_what_the_site_does_not_know_is_a_storage_404(client: httpx.Client, address: str):
    reply = client.get(address)

    assert reply.status_code == 404
    assert reply.headers["Content-Type"] == "application/xml"
    assert "<Code>NoSuchKey</Code>" in reply.text


class TestForbidden:
    @pytest.fixture
    def profile(self, profile: Profile) -> Profile:
        return replace(profile, missing_status=403)

    def test_a_missing_picture_may_be_a_403(self, client: httpx.Client):
        reply = client.get("/draydog/cdn/apm/2025-09-01/0/2025-09-01T00:00:00-in_gate.jpeg")

        assert reply.status_code == 403
        assert "<Code>AccessDenied</Code>" in reply.text
        assert "2025-09-01" not in reply.text


def test_the_day_of_now_is_open_and_holds_what_was_taken_until_now(client: httpx.Client):
    day = listing(client, "/draydog/index/apm/in_gate/2025-09-03.json")

    assert day["complete"] is False
    assert 9 <= len(day["images"]) <= 12
    assert max(image["timestamp"] for image in day["images"]) <= "2025-09-03T12:00:00"


def test_a_picture_of_the_future_appears_when_its_time_comes(client: httpx.Client):
    today = "/draydog/index/apm/in_gate/2025-09-03.json"
    before = listing(client, today)["images"]

    client.post("/_control/clock", json={"now": "2025-09-04T00:00:00Z", "frozen": True})
    after = listing(client, today)

    assert after["complete"] is True
    assert after["images"][: len(before)] == before
    assert len(after["images"]) > len(before)


def test_a_picture_not_yet_taken_is_not_there(client: httpx.Client):
    client.post("/_control/clock", json={"now": "2025-09-04T00:00:00Z", "frozen": True})
    last = listing(client, "/draydog/index/apm/in_gate/2025-09-03.json")["images"][-1]

    client.post("/_control/clock", json={"now": "2025-09-03T12:00:00Z", "frozen": True})

    assert client.get(last["url"]).status_code == 404


class TestStale:
    @pytest.fixture
    def profile(self, profile: Profile) -> Profile:
        return replace(profile, stale_share=0.5)

    def test_a_stale_repeat_has_the_bytes_of_the_picture_before(self, client: httpx.Client):
        pictures = [client.get(image["url"]) for image in listing(client)["images"][:8]]

        digests = [hashlib.sha256(picture.content).hexdigest() for picture in pictures]

        repeats = [a == b for a, b in itertools.pairwise(digests)]
        assert any(repeats)
        assert not all(repeats)
        assert len({p.headers["Last-Modified"] for p in pictures}) == len(pictures)


class TestHoles:
    @pytest.fixture
    def profile(self, profile: Profile) -> Profile:
        return replace(profile, lost_share=0.3, thumbnail_only_share=0.3)

    def test_a_listed_picture_may_be_lost_or_there_as_a_thumbnail_only(self, client: httpx.Client):
        seen = set()
        for image in listing(client)["images"]:
            full = client.head(image["url"]).status_code
            small = client.head(image["url"].replace(".jpeg", "-thumbnail.jpeg")).status_code
            seen.add((full, small))

        assert seen == {(200, 200), (404, 200), (404, 404)}


class TestQuiet:
    @pytest.fixture
    def profile(self, profile: Profile) -> Profile:
        return replace(profile, quiet=("apm/in_gate",))

    def test_a_day_without_pictures_is_an_empty_list(self, client: httpx.Client):
        assert listing(client)["images"] == []


def test_head_says_what_get_would_send(client: httpx.Client, image: dict[str, Any]):
    head = client.head(image["url"])

    assert head.content == b""
    assert head.headers["Content-Length"] == str(image["bytes"])
    assert head.headers["ETag"] == client.get(image["url"]).headers["ETag"]


def test_the_time_of_change_is_the_capture(client: httpx.Client, image: dict[str, Any]):
    changed = client.head(image["url"]).headers["Last-Modified"]

    captured = dt.datetime.fromisoformat(image["timestamp"])
    assert changed == captured.strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_what_has_not_changed_is_not_sent_again(
    client: httpx.Client, image: dict[str, Any], header: str
):
    known = client.head(image["url"]).headers[header]
    condition = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}[header]

    again = client.get(image["url"], headers={condition: known})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == client.head(image["url"]).headers["ETag"]


def test_other_bytes_are_sent_although_a_condition_was_given(
    client: httpx.Client, image: dict[str, Any]
):
    for headers in (
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ):
        assert client.get(image["url"], headers=headers).status_code == 200


def test_an_etag_that_must_match_and_does_not_is_412(client: httpx.Client, image: dict[str, Any]):
    assert client.get(image["url"], headers={"If-Match": '"other"'}).status_code == 412


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-50", -50, None)],
)
def test_a_range_is_cut_out(
    client: httpx.Client, image: dict[str, Any], asked: str, start: int, end: int | None
):
    whole = client.get(image["url"]).content

    part = client.get(image["url"], headers={"Range": asked})

    assert part.status_code == 206
    assert part.content == whole[start:end]
    first = start % len(whole)
    last = first + len(part.content) - 1
    assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


def test_a_range_beyond_the_end_is_416(client: httpx.Client, image: dict[str, Any]):
    reply = client.get(image["url"], headers={"Range": "bytes=9000000-"})

    assert reply.status_code == 416
    assert reply.headers["Content-Range"] == f"bytes */{image['bytes']}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=0-1,4-5", "items=0-1", "bytes=-"])
def test_a_range_it_does_not_understand_is_ignored(
    client: httpx.Client, image: dict[str, Any], asked: str
):
    reply = client.get(image["url"], headers={"Range": asked})

    assert (reply.status_code, len(reply.content)) == (200, image["bytes"])


def test_a_range_of_something_that_changed_is_answered_with_the_whole(
    client: httpx.Client, image: dict[str, Any]
):
    headers = {"Range": "bytes=0-9", "If-Range": '"other"'}

    assert len(client.get(image["url"], headers=headers).content) == image["bytes"]


def test_storage_takes_no_writes(client: httpx.Client, image: dict[str, Any]):
    assert client.put(image["url"], content=b"mine").status_code == 405
