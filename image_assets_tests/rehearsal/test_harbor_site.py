import re
from urllib.parse import urljoin

import httpx
import pytest

DAY = "/harbor/archive/pier/north/2025/09/01"
SHOT = re.compile(
    r'<figure class="shot"><a href="(?P<full>[^"]+)"><img src="(?P<small>[^"]+)"></a>'
    r"<figcaption>(?P<time>[^<]+)</figcaption></figure>"
)


def shots(client: httpx.Client, path: str) -> list[re.Match[str]]:
    return list(SHOT.finditer(client.get(path).raise_for_status().text))


def test_a_page_shows_some_pictures_of_a_local_day_newest_first(client: httpx.Client):
    shown = shots(client, DAY)

    times = [shot["full"].rpartition("_")[2] for shot in shown]
    assert len(shown) == 10
    assert times == sorted(times, reverse=True)
    assert all(re.fullmatch(r"Sep 1, 2025 \d\d:\d\d:\d\d [AP]M -0400", s["time"]) for s in shown)


def test_a_page_leads_on_until_the_last(client: httpx.Client):
    assert "Monday, September 1, 2025" in client.get(DAY).text
    assert '<a class="next" href="?page=2">' in client.get(DAY).text
    assert "next" not in client.get(f"{DAY}?page=3").text
    assert shots(client, f"{DAY}?page=9") == []


def test_pictures_are_at_their_relative_addresses(client: httpx.Client):
    shot = shots(client, DAY)[0]

    full, small = (client.get(urljoin(DAY, shot[size])) for size in ("full", "small"))

    assert full.headers["Content-Type"] == small.headers["Content-Type"] == "image/jpeg"
    assert len(full.content) > 4 * len(small.content) > 4000


@pytest.mark.parametrize(
    "path",
    [
        "/harbor/archive/pier/north/2024/12/31",
        "/harbor/archive/pier/north/2025/09/04",
        "/harbor/archive/pier/north/2025/02/30",
        "/harbor/archive/pier/west/2025/09/01",
        "/harbor/full/pier/20250901/north_000000.jpg",
        "/harbor/full/pier/20250901/west_000000.jpg",
        "/harbor/full/pier/20250901/north.jpg",
        "/harbor/other",
    ],
)
def test_what_the_site_does_not_know_is_a_page_with_404(client: httpx.Client, path: str):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_day_of_autumn_has_twenty_five_hours(client: httpx.Client):
    client.post("/_control/clock", json={"now": "2025-11-10T00:00:00Z", "frozen": True})
    autumn = "/harbor/archive/pier/north/2025/11/02"

    times = [s["time"] for page in (1, 2, 3) for s in shots(client, f"{autumn}?page={page}")]

    assert {time[-5:] for time in times} == {"-0400", "-0500"}
