"""Four processes write one key of a real KV client, over a catalog of each kind; one of them is killed."""

import datetime as dt
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from image_assets.core.model import LatestState, Publishes
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.settings import isolated_environment
from image_assets.stages.latest import Announcer
from image_assets_tests.services.catalog.samples import at, publish, store
from image_assets_tests.stages.latest_writers import LATE, WHAT, kv

WRITERS = Path(__file__).with_name("latest_writers.py")
PICTURES = 4


def test_processes_that_write_one_key_at_once_keep_what_is_promised(
    database_url: str, monkeypatch
) -> None:
    with (
        Rehearsal(Profile(kv_staleness=LATE)) as rehearsal,
        open_catalog(database_url) as catalog,
    ):
        for name, value in rehearsal.environment().items():
            monkeypatch.setenv(name, value)
        complaints = run(database_url, catalog, rehearsal)
        history = list(reversed(catalog.latest.history("default", WHAT.key, most=1000)))
        puts = [r for r in rehearsal.requests()["requests"] if r["method"] == "PUT"]
        settle(catalog)

        current = catalog.latest.current("default", WHAT.key)
        assert complaints == ""
        assert len(history) == PICTURES
        assert [e.sequence for e in history] == list(range(1, len(history) + 1))
        assert all(a.captured_at < b.captured_at for a, b in pairwise(history))
        assert {put["status"] for put in puts} == {200}  # 429 would be two within a second
        assert current is not None
        assert current.state is LatestState.PUBLISHED
        assert kv().get(WHAT.key) == current.value


def run(url: str, catalog: Catalog, rehearsal: Rehearsal) -> str:
    """Let four work while pictures come, and kill one; what the others complained of."""
    environment = isolated_environment(rehearsal.environment() | {"UPLOAD_MAX_RETRIES": "1"})
    environment["PYTHONPATH"] = os.fspath(WRITERS.parents[2])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, str(WRITERS), url]
    writers = [subprocess.Popen(command, text=True, env=environment, **pipes) for _ in range(4)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for minute in range(PICTURES):
        store(catalog, minute, f"capture {minute}")
        publish(catalog, publishes=Publishes.ORIGINALS)
        announced(catalog, minute)
    writers[0].kill()
    return "".join(writer.communicate(timeout=60)[1] for writer in writers)


def announced(catalog: Catalog, minute: int) -> None:
    """The picture of that minute was announced by somebody."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        current = catalog.latest.current("default", WHAT.key)
        if current is not None and current.captured_at == at(minute):
            return
        time.sleep(0.05)


def settle(catalog: Catalog) -> None:
    """The sensor looks when every lease has run out, and once more when reads are not late any more."""
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    for look in range(3):
        now = later + dt.timedelta(minutes=look)
        Announcer(kv(), catalog.latest, f"sensor {look}", lambda now=now: now).announce(WHAT)
        time.sleep(1.2)
