import itertools
from dataclasses import replace
from typing import Any

import httpx
import pytest

from image_assets.rehearsal import Profile

APP = "/draydog/app"
HISTORY = f"{APP}/api/terminals/apm/in_gate/history"


def history(client: httpx.Client, day: str, offset: int = 0) -> dict[str, Any]:
    asked = {"date": day, "offset": offset}
    return client.get(HISTORY, params=asked).raise_for_status().json()


def whole(client: httpx.Client, day: str) -> list[str]:
    """Every address of a day, as the page's script would gather them."""
    found: list[str] = []
    while True:
        part = history(client, day, len(found))
        found += [image["src"] for image in part["images"]]
        if not part["more"]:
            return found


def test_the_front_page_shows_every_camera(client: httpx.Client):
    page = client.get(f"{APP}/")

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "/draydog/index/apm/in_gate/2025-09-03.json" in page.text


def test_the_page_of_a_terminal_holds_no_picture_without_its_script(client: httpx.Client):
    page = client.get(f"{APP}/terminal_cameras/apm?streamName=in_gate")

    assert '<script src="../assets/terminal_cameras.js">' in page.text
    assert "cdn" not in page.text
    assert "jpeg" not in page.text


def test_its_script_is_there(client: httpx.Client):
    script = client.get(f"{APP}/assets/terminal_cameras.js")

    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "Pick a day" in script.text


@pytest.mark.parametrize(
    "path",
    ["/terminal_cameras/lbct", "/api/terminals/lbct", "/api/terminals/apm/side_gate/live", "/x"],
)
def test_a_terminal_or_stream_that_nobody_knows_is_404(client: httpx.Client, path: str):
    assert client.get(APP + path).status_code == 404


def test_a_terminal_says_which_days_there_are(client: httpx.Client):
    about = client.get(f"{APP}/api/terminals/apm").json()

    assert about == {
        "streams": ["in_gate", "out_gate"],
        "first": "2025-01-01",
        "last": "2025-09-03",
    }


def test_the_history_of_a_day_is_what_the_index_lists_as_thumbnails(client: httpx.Client):
    listed = client.get("/draydog/index/apm/in_gate/2025-09-01.json").json()["images"]

    small = {image["url"].replace(".jpeg", "-thumbnail.jpeg") for image in listed}
    assert set(whole(client, "2025-09-01")) == small
    assert client.get(whole(client, "2025-09-01")[0]).status_code == 200


def test_the_latest_hour_comes_first_and_each_hour_in_order(client: httpx.Client):
    client.post("/_control/clock", json={"now": "2025-09-04T00:00:00Z", "frozen": True})
    times = [address.rpartition("/")[2][:19] for address in whole(client, "2025-09-01")]

    hours = [(hour, list(group)) for hour, group in itertools.groupby(times, lambda t: t[:13])]
    assert [hour for hour, _ in hours] == sorted({t[:13] for t in times}, reverse=True)
    assert all(group == sorted(group) for _, group in hours)


def test_live_pictures_are_the_last_four_of_today(client: httpx.Client):
    live = client.get(f"{APP}/api/terminals/apm/in_gate/live").json()["images"]

    latest = sorted(whole(client, "2025-09-03"), key=lambda src: src.rpartition("/")[2])[-4:]
    assert [image["src"] for image in live] == latest


@pytest.mark.parametrize("query", ["", "?date=yesterday", "?date=2025-09-01&offset=x"])
def test_a_history_of_no_date_is_400(client: httpx.Client, query: str):
    assert client.get(HISTORY + query).status_code == 400


class TestPacific:
    @pytest.fixture
    def profile(self, profile: Profile) -> Profile:
        return replace(profile, page_zone="America/Los_Angeles")

    def test_a_day_may_be_the_terminals(self, client: httpx.Client):
        stamps = sorted(a.rpartition("/")[2][:19] for a in whole(client, "2025-09-01"))

        assert stamps[0] >= "2025-09-01T07:00:00"
        assert "2025-09-02T00:00:00" < stamps[-1] < "2025-09-02T07:00:00"
