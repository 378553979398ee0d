"""Hosts of which three answers in ten go wrong: every upload ends well or is listed, never twice (R2).

`IMAGE_ASSETS_TEST_TRANSFERS` sets how many pictures are published; 10,000 is the full run. Half go to a
host that can be asked what it has, half to one that cannot.
"""

import datetime as dt
import hashlib
import os
import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from image_assets import compose, hosting
from image_assets.compose import Catalog
from image_assets.core.model import DEFAULT_TENANT, Content, ImageFormat, Level, UploadState
from image_assets.core.naming import public_name
from image_assets.ports import Closing, Upload
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.settings import Settings, isolated
from image_assets.stages.report import Cause, Report
from image_assets.stages.uploads import Publisher

TRANSFERS = int(os.environ.get("IMAGE_ASSETS_TEST_TRANSFERS", "200"))
ASKED, BLIND = "cloudinary", "imgbb"
"""One tells what it has, by public id; the other cannot be asked at all."""

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}},
    {"kind": "status", "status": 500},
    {"kind": "drop_before", "reset": True},
    {"kind": "drop_after", "reset": True},
    {"kind": "truncate", "share": 0.5},
    {"kind": "truncate", "share": 0.9, "reset": True},
    {"kind": "slow_body", "seconds": 2.0},
    {"kind": "html"},
    {"kind": "html", "processed": True},
    {"kind": "empty"},
    {"kind": "wrong_type"},
)
SHARE = 0.3
RUNS = 8
WORKERS = 16
FAULT_FREE = {ASKED: 3, BLIND: 2}
"""Requests of one picture: it is sent, asked for where that is possible, and read."""

pytestmark = pytest.mark.timeout(max(300, TRANSFERS // 2))


@dataclass(frozen=True)
class Aftermath:
    """What the runs left behind."""

    contents: dict[str, list[Content]]
    rows: dict[str, list[Upload]]
    reports: dict[str, list[Report]]
    held: dict[str, Counter[str]]
    requests: dict[str, Any]

    def states(self, destination: str) -> dict[str, int]:
        return dict(Counter(row.state.value for row in self.rows[destination]))


def png(number: int) -> bytes:
    """The smallest picture of its own: two pixels of the colour `number`."""
    header = struct.pack(">IIBBBBB", 2, 1, 8, 2, 0, 0, 0)
    pixels = b"\0" + number.to_bytes(3) * 2
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def contents_of(store: compose.Store, numbers: range) -> list[Content]:
    """Pictures in the store that are wanted elsewhere."""
    found = []
    for number in numbers:
        body = png(number)
        sha256 = hashlib.sha256(body).hexdigest()
        path = f"exports/{sha256[:2]}/{sha256}.png"
        store.put_bytes(body, path)
        name = public_name(sha256, ImageFormat.PNG)
        found.append(Content(sha256, path, len(body), ImageFormat.PNG, name))
    return found


def publish(
    settings: Settings, catalog: Catalog, destination: str, contents: list[Content], run: int
) -> Report:
    """One run of the uploads."""
    host = compose.host(settings, destination)
    try:
        publisher = Publisher(
            destination,
            host,
            catalog.uploads,
            hosting.contents(settings),
            f"run {run}",
            lambda: dt.datetime.now(dt.UTC),
            WORKERS,
        )
        rows = catalog.uploads.register(
            destination, DEFAULT_TENANT, contents, now=dt.datetime.now(dt.UTC)
        )
        return publisher.settle(rows)
    finally:
        if isinstance(host, Closing):
            host.close()


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder, half = tmp_path_factory.mktemp("hostile"), TRANSFERS // 2
    with Rehearsal(Profile()) as rehearsal:
        _make_hostile(rehearsal)
        own = {"IMAGE_ASSETS_DATA_DIR": str(folder), "UPLOAD_RETRY_DELAY": "0.05"}
        own |= {"UPLOAD_TIMEOUT": "1", "UPLOAD_PAUSE": "0"}
        settings = isolated(rehearsal.environment() | own)
        store = compose.store(settings)
        contents = {
            ASKED: contents_of(store, range(half)),
            BLIND: contents_of(store, range(half, 2 * half)),
        }
        with compose.catalog(settings) as catalog:
            reports = {
                destination: [
                    publish(settings, catalog, destination, wanted, run) for run in range(RUNS)
                ]
                for destination, wanted in contents.items()
            }
            now = dt.datetime.now(dt.UTC)
            rows = {
                destination: list(
                    catalog.uploads.register(destination, DEFAULT_TENANT, wanted, now=now)
                )
                for destination, wanted in contents.items()
            }
        shelves = rehearsal.shelves
        held = {name: Counter(item.sent_md5 for item in shelves[name]) for name in contents}
        yield Aftermath(contents, rows, reports, held, rehearsal.requests())


def _make_hostile(rehearsal: Rehearsal) -> None:
    each = 1 - (1 - SHARE) ** (1 / len(FAULTS))
    for destination in (ASKED, BLIND):
        for seed, fault in enumerate(FAULTS):
            rehearsal.inject(f"(POST|GET) /{destination}", fault, probability=each, seed=seed)


def test_the_network_was_as_hostile_as_that(after):
    requests = after.requests["requests"]
    faulty = sum("fault" in request for request in requests)

    assert faulty / len(requests) == pytest.approx(SHARE, abs=0.08)
    assert {r["fault"] for r in requests if "fault" in r} == {f["kind"] for f in FAULTS}


def test_where_the_host_can_be_asked_everything_is_published_once(after):
    assert after.states(ASKED) == {UploadState.VERIFIED: len(after.contents[ASKED])}
    assert after.reports[ASKED][-1].counts == {"unchanged": len(after.contents[ASKED])}
    assert set(after.held[ASKED].values()) == {1}
    assert len(after.held[ASKED]) == len(after.contents[ASKED])


def test_where_it_cannot_be_asked_everything_is_published_or_listed_in_doubt(after):
    states = after.states(BLIND)

    assert set(states) <= {UploadState.VERIFIED, UploadState.IN_DOUBT}
    assert sum(states.values()) == len(after.contents[BLIND])
    assert after.reports[BLIND][-1].causes == {Cause.IN_DOUBT: states[UploadState.IN_DOUBT]}


def test_nothing_is_there_twice_where_nobody_can_be_asked_either(after):
    assert set(after.held[BLIND].values()) == {1}


def test_what_is_in_doubt_says_so_and_is_no_more_than_what_went_wrong(after):
    doubtful = [row for row in after.rows[BLIND] if row.state is UploadState.IN_DOUBT]

    assert all(row.reason for row in doubtful)
    # Every fault but the refusals leaves doubt; that the share is of few pictures gives it room.
    assert len(doubtful) < 1.5 * SHARE * len(after.contents[BLIND])


def test_what_is_recorded_as_published_is_what_the_host_holds(after):
    for destination in (ASKED, BLIND):
        verified = [r for r in after.rows[destination] if r.state is UploadState.VERIFIED]
        sent = {content.sha256 for content in after.contents[destination]}

        assert {row.content.sha256 for row in verified} <= sent
        assert {row.level for row in verified} == {Level.L3}
        assert len(verified) <= len(after.held[destination])


def test_nothing_but_an_answer_without_a_body_was_held_against_the_host(after):
    """An empty picture is none, and an empty 404 is not the host's own word; the next run is wiser."""
    failures = [f for found in after.reports.values() for r in found for f in r.failures]

    blamed = [f.reason for f in failures if f.cause is Cause.PERMANENT]

    assert {f.cause for f in failures} <= {Cause.TRANSIENT, Cause.IN_DOUBT, Cause.PERMANENT}
    assert [r for r in blamed if "(empty)" not in r and "404 Not Found: ;" not in r] == []


def test_it_costs_at_most_three_times_the_requests_of_a_good_day(after):
    for destination in (ASKED, BLIND):
        asked = sum(
            entry["count"] for entry in after.requests["counts"] if destination in entry["service"]
        )

        assert 0 < asked <= 3 * FAULT_FREE[destination] * len(after.contents[destination])


def test_retry_after_is_always_honoured(after):
    asked = defaultdict(list)
    for request in after.requests["requests"]:
        if request["method"] == "GET":  # each picture has an address of its own to be read at
            asked[request["path"]].append(request)

    told = [
        (again["began"] - refused["began"], float(refused["retry_after"]))
        for requests in asked.values()
        for refused, again in pairwise(sorted(requests, key=lambda r: r["began"]))
        if "retry_after" in refused
    ]
    assert len(told) >= TRANSFERS // 50
    assert all(waited >= wanted - 0.01 for waited, wanted in told)
