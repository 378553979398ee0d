"""A real Chromium looks at the rehearsal's JavaScript page."""

import datetime as dt
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from image_assets import cameras
from image_assets.core.errors import NotFoundError, PermanentError, TransientError
from image_assets.core.model import Listing
from image_assets.rehearsal.camera_pages import AT_ONCE
from image_assets.rehearsal.server import Profile, Rehearsal
from image_assets.services.browsing.browser import Browser, executable
from image_assets.services.browsing.orders import Launch, Look, resolver_rules
from image_assets.services.http import Clock, Http, Retry
from image_assets.settings import Settings, isolated
from image_assets.sources import SourceSpec
from image_assets_tests.loopback import Loopback, reply

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PLAYWRIGHT = importlib.util.find_spec("playwright")

pytestmark = [
    pytest.mark.ui,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)"
    ),
    pytest.mark.skipif(
        PLAYWRIGHT is None, reason="Playwright is not installed (the extra `browser`)"
    ),
]

NOW = dt.datetime(2025, 9, 3, 12, tzinfo=dt.UTC)
DAY = dt.date(2025, 9, 1)
SLOW = dt.timedelta(minutes=100)  # a day is more than the page loads at once
HISTORY = "GET /draydog/app/api/terminals/apm/in_gate/history"
ROOT = {"executable": CHROMIUM, "sandbox": os.geteuid() != 0}


@pytest.fixture(scope="module")
def rehearsal():
    collections = ("apm/in_gate", "apm/quiet")
    profile = Profile(collections=collections, quiet=("apm/quiet",), cadence=SLOW, now=NOW)
    with Rehearsal(profile) as rehearsal:
        rehearsal.clock.set(NOW, frozen=True)
        yield rehearsal


def spec(listing: object) -> SourceSpec:
    source = {"name": "camera", "kind": "draydog", "collections": ["apm/in_gate"]}
    return SourceSpec.model_validate(source | {"start": DAY, "listing": listing})


class Site:
    """The rehearsal's camera site, listed by one browser."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.http = Http(
            "site",
            [settings.draydog_index_url, settings.draydog_cdn_url, settings.draydog_app_url],
            clock=Clock(now=lambda: NOW, sleep=lambda _: None),
            retry=Retry(attempts=1),
        )
        self.listing = cameras.listing(settings, spec("browser"), self.http)

    def by_browser(self, day: dt.date = DAY, collection: str = "apm/in_gate") -> Listing:
        return self.listing.list_day(collection, day)

    def by_index(self, day: dt.date = DAY) -> Listing:
        return cameras.listing(self.settings, spec("index"), self.http).list_day("apm/in_gate", day)


@pytest.fixture(scope="module")
def running(rehearsal):
    settings = isolated(rehearsal.environment() | {"BROWSER_TIMEOUT": "20"})
    return Site(settings)


@pytest.fixture
def site(rehearsal, running):
    rehearsal.clear_faults()
    return running


def addresses(listing: Listing) -> set[str]:
    return {entry.address for entry in listing.entries}


def test_plain_http_does_not_see_the_pictures(rehearsal):
    page = httpx.get(f"{rehearsal.address}/draydog/app/terminal_cameras/apm?streamName=in_gate")

    assert page.status_code == 200
    assert "jpeg" not in page.text


@pytest.fixture(scope="module")
def seen(rehearsal, running):
    """A day by browser, and what the CDN was asked for meanwhile."""
    listing = running.by_browser()
    asked = rehearsal.requests()["counts"]
    return listing, [count for count in asked if count["service"] == "draydog/cdn"]


def test_a_browser_sees_what_the_index_lists(seen, site):
    listing, _ = seen

    assert addresses(listing) == addresses(site.by_index())
    assert (listing.complete, listing.misfits) == (True, ())
    assert len(listing.entries) > AT_ONCE


def test_pictures_come_in_the_order_of_the_page(seen):
    hours = [entry.captured_at.hour for entry in seen[0].entries]

    assert hours == sorted(hours, reverse=True)


def test_the_site_is_not_asked_for_a_picture_to_learn_its_address(seen):
    assert seen[1] == []


def test_the_picker_is_turned_to_any_month(site):
    day = dt.date(2025, 1, 31)

    assert addresses(site.by_browser(day)) == addresses(site.by_index(day))


def test_today_is_open(site):
    assert not site.by_browser(NOW.date()).complete


def test_a_day_without_pictures_is_an_empty_listing(site):
    listing = site.by_browser(collection="apm/quiet")

    assert (listing.entries, listing.complete, listing.misfits) == ((), True, ())


def test_a_day_that_the_picker_does_not_offer_is_unknown(site):
    with pytest.raises(NotFoundError, match="does not offer"):
        site.by_browser(dt.date(2024, 12, 31))


def test_a_page_that_is_not_there_is_unknown(site):
    with pytest.raises(NotFoundError, match="404"):
        site.by_browser(collection="lbct/in_gate")


@pytest.mark.parametrize(
    ("route", "fault", "complaint"),
    [
        (f"{HISTORY}$", {"kind": "status", "status": 500}, "its call answered 500"),
        ("/assets/", {"kind": "status", "status": 404}, "it shows no"),
        ("/terminal_cameras/apm", {"kind": "html"}, "it shows no"),
        ("/terminal_cameras/apm", {"kind": "status", "status": 503}, "it answered 503"),
    ],
)  # fmt: skip
def test_what_is_not_the_whole_list_is_no_list(rehearsal, site, route, fault, complaint):
    rehearsal.inject(route, fault)

    with pytest.raises(TransientError, match=complaint):
        site.by_browser()


@contextmanager
def browser_at(*origins: str, **launch: object):
    browser = Browser(Launch(origins=origins, user_agent="tests", **(ROOT | launch)))
    try:
        yield browser
    finally:
        browser.close()


def look_at(url: str, **options: object) -> Look:
    return Look(
        **{
            "url": url,
            "day": "2025-09-01",
            "picker": "input.el-input__inner[placeholder='Pick a day']",
            "pictures": "img.el-image__inner",
            "after": "History",
            "loading": ".el-loading-mask",
            "empty": None,
            "seconds": 15.0,
            **options,
        }
    )


def test_a_list_that_never_comes_ends_in_time_and_the_browser_goes_on(rehearsal, site):
    rehearsal.inject(HISTORY, {"kind": "delay", "seconds": 4.0}, times=2)
    page = f"{site.settings.draydog_app_url}/terminal_cameras/apm?streamName=in_gate"

    with browser_at(site.settings.draydog_app_url) as browser:
        with pytest.raises(TransientError, match="was not finished after 3 s"):
            browser.look(look_at(page, seconds=3.0))
        rehearsal.clear_faults()

        assert len(browser.look(look_at(page))) > 10


@pytest.mark.parametrize(("zone", "complete"), [("America/Los_Angeles", True), ("UTC", False)])
def test_whose_days_the_picker_means_is_said_and_a_mistake_is_seen(zone, complete):
    page = Profile(page_zone="America/Los_Angeles", cadence=SLOW * 2, gap_share=0.0, now=NOW)
    with Rehearsal(page) as rehearsal:
        site = Site(isolated(rehearsal.environment()))
        days = spec({"kind": "browser", "days": zone})
        listing = cameras.listing(site.settings, days, site.http).list_day("apm/in_gate", DAY)

        assert (addresses(listing) == addresses(site.by_index())) is complete
        assert (listing.misfits == ()) is complete


def test_a_page_reaches_the_configured_origins_and_nobody_else():
    with Loopback(reply(200, b"secret")) as inside, Loopback(pages={}) as site:
        site.pages["/"] = f"""<!DOCTYPE html><script>
          fetch('{inside.url}/fetch').catch(() => 0);
          new WebSocket('{inside.url}/socket'.replace('http', 'ws'));
          navigator.sendBeacon('{inside.url}/beacon');
        </script><iframe src="{inside.url}/frame"></iframe><img src="{inside.url}/picture">""".encode()

        with browser_at(site.url) as browser, pytest.raises(TransientError) as raised:
            browser.look(look_at(f"{site.url}/"))

        assert f"it was kept from {inside.url}: add what it needs" in str(raised.value)
        assert (inside.connections, [asked.path for asked in site.asked]) == (0, ["/"])


def test_a_page_that_redirects_inside_is_not_followed():
    with Loopback(reply(200, b"secret")) as inside:
        with (
            Loopback(reply(302, Location=f"{inside.url}/")) as outside,
            browser_at(outside.url) as b,
            pytest.raises(TransientError),
        ):
            b.look(look_at(f"{outside.url}/"))

        assert inside.asked == []


def test_every_host_but_the_configured_ones_does_not_exist():
    rules = resolver_rules(["https://app.example/x", "http://127.0.0.1:8000", "http://[::1]:81/"])

    assert rules == (
        "MAP app.example:443 app.example:443, MAP 127.0.0.1:8000 127.0.0.1:8000,"
        " MAP [::1]:81 [::1]:81, MAP * ~NOTFOUND"
    )


def descendants(pid: int) -> set[int]:
    """Every living process below `pid`."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(status.parent.name)] = int(fields[1])
    found, fresh = set(), {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def alive(pids: set[int]) -> set[int]:
    return {
        pid
        for pid in pids
        if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
    }


def gone(pids: set[int], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pids)


def test_a_closed_browser_leaves_nothing_running(site):
    before = descendants(os.getpid())
    with browser_at(site.settings.draydog_app_url) as browser:
        browser.version()
        started = descendants(os.getpid()) - before

    assert len(started) > 3
    assert gone(started)


def test_a_browser_that_nobody_asks_ends_and_starts_again(site):
    before = descendants(os.getpid())
    with browser_at(site.settings.draydog_app_url, idle=0.5) as browser:
        version = browser.version()
        started = descendants(os.getpid()) - before

        assert gone(started)
        assert browser.version() == version


def test_a_browser_that_was_killed_is_transient_and_starts_again(site):
    page = f"{site.settings.draydog_app_url}/terminal_cameras/apm?streamName=in_gate"
    before = descendants(os.getpid())
    with browser_at(site.settings.draydog_app_url) as browser:
        browser.version()
        started = descendants(os.getpid()) - before
        os.kill(min(started), signal.SIGSTOP)  # it hears no order any more, and cannot end itself
        with pytest.raises(TransientError, match="starts anew"):
            browser.look(look_at(page, seconds=-9.0))

        assert gone(started)
        assert len(browser.look(look_at(page))) > 10


@pytest.fixture
def short_path():
    """A folder whose path leaves room for the names of sockets."""
    with tempfile.TemporaryDirectory(prefix="ia-test-") as folder:
        yield Path(folder)


def test_when_we_are_killed_the_browser_ends_and_leaves_nothing(short_path):
    program = (
        "import sys, time; from image_assets.services.browsing.browser import Browser;"
        "from image_assets.services.browsing.orders import Launch;"
        f"b = Browser(Launch({CHROMIUM!r}, (), 'tests', sandbox={os.geteuid() != 0}));"
        "print(b.version(), flush=True); time.sleep(600)"
    )
    environment = {"TMPDIR": str(short_path), "PATH": os.defpath}
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    with process.stdout as said:
        said.readline()
    started = descendants(process.pid)

    process.kill()
    process.wait()

    assert len(started) > 3
    assert gone(started)
    assert list(short_path.iterdir()) == []


def test_a_program_that_is_no_browser_is_told():
    told = pytest.raises(PermanentError, match="check BROWSER_EXECUTABLE")
    with browser_at(executable="/bin/false") as browser, told:
        browser.version()


def test_a_program_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PermanentError, match="check BROWSER_EXECUTABLE"):
        executable(tmp_path / "nothing")
