"""A process that announces one key again and again until its input ends: `latest_writers.py DATABASE`."""

import datetime as dt
import os
import sys
import threading

from image_assets import compose
from image_assets.core.errors import TransientError
from image_assets.core.model import ImageFormat
from image_assets.services.catalog import open_catalog
from image_assets.services.cloudflare_kv import CloudflareKV
from image_assets.settings import Settings
from image_assets.stages.latest import Announcement, Announcer

WHAT = Announcement("camera", "apm/in_gate", "pinata", None, ImageFormat.JPEG, "daily")
LATE = 0.5
"""Seconds by which a read of the stand-in is late."""


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def kv() -> CloudflareKV:
    """The client that the settings describe, told how late these reads are."""
    store = compose.latest_store(Settings(), "cloudflare_kv")
    assert isinstance(store, CloudflareKV)
    store.staleness = dt.timedelta(seconds=2 * LATE)  # type: ignore[misc]
    return store


def write(url: str) -> None:
    """Announce as often as can be; that another has the key, or was quicker, is no trouble."""
    owner, over = f"process {os.getpid()}", threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    with open_catalog(url) as catalog:
        announcer = Announcer(kv(), catalog.latest, owner, now)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while not over.wait(0.02):
            try:
                if announcer.due(WHAT) is not None:
                    announcer.announce(WHAT)
            except TransientError as error:
                sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    write(sys.argv[1])
