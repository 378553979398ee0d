"""What publishing costs beside httpx in a thread pool; how true paces are; how long a resume thinks.

1,000 files of 100 KB to a stand-in whose answers come 20 ms later, ledger on SQLite with synchronous=FULL
included. Ours reads every picture back and so does the other side; both have as many requests under way.
Then a host's pace, held by two processes at once and by two runs one after the other. Then the plan of a
folder of 100,000 files whose contents the ledger has.
"""

import argparse
import datetime as dt
import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from benchmarks import nginx
from benchmarks.harness import Goal, interleaved, report
from image_assets import compose, hosting
from image_assets.core.file_filter import FileFilter
from image_assets.core.model import DEFAULT_TENANT, Content, ImageFormat
from image_assets.core.naming import public_name
from image_assets.ports import KnownFile
from image_assets.services.hosts.chevereto import CheveretoHost
from image_assets.services.http import Politeness
from image_assets.services.served import Served
from image_assets.settings import isolated, isolated_environment
from image_assets.stages.folder_plan import FolderPlanner
from image_assets.stages.uploads import Publisher

CONNECTIONS = 8
SIZE = 100_000
LATENCY = 0.02
SHARE, PACE, RESUME = 0.9, 0.02, 2.0
PARTS = ("send", "pace", "resume")
APART = 0.1  # seconds between two uploads, where the pace is measured
EACH = 60  # uploads of one process
ROWS = 100_000
HOST = "bench"


def main() -> None:
    options = _options()
    figures: dict[str, Any] = {}
    goals: list[Goal] = []
    with tempfile.TemporaryDirectory(prefix="image-assets-") as folder:
        if "send" in options.parts:
            goals += _send(Path(folder), options.files, options.rounds, figures)
        if "pace" in options.parts:
            goals += _pace(Path(folder), figures)
        if "resume" in options.parts:
            goals.append(_resume(Path(folder), options.rows, figures))
    figures["load average"] = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    versions = ("httpx", "h11", "sqlalchemy", "uvicorn")
    report("upload", goals, versions=versions, figures=figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upload")
    parser.add_argument("--files", type=int, default=1000, help="1000 is the whole goal")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side that count")
    parser.add_argument("--rows", type=int, default=ROWS, help="100000 is the whole goal")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    return parser.parse_args()


def _send(folder: Path, files: int, rounds: int, figures: dict[str, Any]) -> list[Goal]:
    contents = _contents(folder / "pictures", files)
    (port,) = nginx.free_ports(1)
    taker = [sys.executable, "-m", "benchmarks.taker", str(LATENCY), str(port)]
    with nginx.running(taker, [port], quiet=True):
        url = f"http://127.0.0.1:{port}"
        sides: dict[str, Callable[[], object]] = {
            "ours": lambda: _ours(folder, contents, url),
            "httpx": lambda: _bare(contents, url),
        }
        seconds = interleaved(sides, rounds=rounds, seconds=200, clock=time.perf_counter)
    figures["files"] = f"{files} of {SIZE:,} bytes, {CONNECTIONS} requests under way"
    for name, took in seconds.items():
        figures[name] = f"{files / took:.0f} files/s, sent and read back, {took:.2f} s"
    share = seconds["httpx"] / seconds["ours"]
    return [Goal("sent and proven, times as fast as httpx", share, SHARE, at_least=True)]


def _contents(folder: Path, count: int) -> list[Content]:
    folder.mkdir()
    chance, contents = random.Random(1), []
    for number in range(count):
        body, file = chance.randbytes(SIZE), folder / f"{number}.jpg"
        file.write_bytes(body)
        sha256 = hashlib.sha256(body).hexdigest()
        name = public_name(sha256, ImageFormat.JPEG)
        contents.append(Content(sha256, file.as_uri(), SIZE, ImageFormat.JPEG, name))
    return contents


def _ours(folder: Path, contents: list[Content], url: str) -> None:
    """The ledger's whole way, in a new catalog; intents, leases, receipts and proofs are durable."""
    with tempfile.TemporaryDirectory(dir=folder) as data:
        settings = isolated({"IMAGE_ASSETS_DATA_DIR": data})
        host = CheveretoHost(
            HOST,
            key="secret",
            url=url,
            served=Served(HOST, (url,), compose.decoder(settings), at_once=CONNECTIONS // 2),
            same_address=True,
            pace=Politeness(CONNECTIONS // 2),
        )
        with compose.catalog(settings) as catalog:
            publisher = Publisher(
                HOST,
                host,
                catalog.uploads,
                hosting.contents(settings),
                "bench",
                _now,
                workers=2 * CONNECTIONS,  # those who wait for the disk ask nobody meanwhile
                tries=hosting.tries,
            )
            rows = catalog.uploads.register(HOST, DEFAULT_TENANT, contents, now=_now())
            done = publisher.settle(rows)
        host.close()
    assert done.counts == {"verified": len(contents)}, done


def _bare(contents: list[Content], url: str) -> None:
    """A client in threads: it sends, reads back and compares, and remembers nothing."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    with httpx.Client(timeout=30, limits=limits) as client, ThreadPoolExecutor(CONNECTIONS) as pool:

        def send(content: Content) -> bool:
            file = Path(content.path.removeprefix("file://"))
            with file.open("rb") as body:
                fields = {"key": "secret", "action": "upload", "format": "json"}
                files = {"source": (content.name, body, "image/jpeg")}
                answer = client.post(f"{url}/api/1/upload", data=fields, files=files)
            shown = client.get(answer.raise_for_status().json()["image"]["url"])
            held = hashlib.sha256(shown.raise_for_status().content).hexdigest()
            return held == content.sha256

        assert all(pool.map(send, contents))


def _pace(folder: Path, figures: dict[str, Any]) -> list[Goal]:
    """Two processes at once, and a third that begins when they have ended."""
    askers = [_asker(folder / "paced") for _ in range(3)]
    together = sorted(_turns(*askers[:2]))
    after = _turns(askers[2])
    took, right = together[-1] - together[0], APART * (len(together) - 1)
    seam = after[0] - together[-1]
    gaps = [b - a for a, b in itertools.pairwise(together + after)]
    figures["pace"] = (
        f"{len(together)} turns of two processes, {APART} s apart: {took:.4f} s where {right:.1f} s are"
        f" right; shortest gap {min(gaps):.4f} s; the next run began {seam:.4f} s after the last turn"
    )
    return [
        Goal("pace of two processes, share too fast", max(0.0, 1 - took / right), PACE),
        Goal("pace of two processes, share too slow", max(0.0, took / right - 1), PACE),
        Goal("pace from one run to the next, share too fast", max(0.0, 1 - seam / APART), PACE),
    ]


_ASKER = """
import json, sys, time
from image_assets import hosting
from image_assets.services.http import Clock
from image_assets.services.politeness import Deadline
from image_assets.settings import load
polite, begun = hosting.pace(load(), "imgbb"), []
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[1])):
    with polite.turn(Deadline(60, Clock()), "host"):
        begun.append(time.monotonic())
print(json.dumps(begun))
"""


def _asker(data: Path) -> "subprocess.Popen[str]":
    """A process that is ready to ask."""
    own = {"IMAGE_ASSETS_DATA_DIR": str(data), "UPLOAD_PAUSE": str(APART)}
    asker = subprocess.Popen(
        [sys.executable, "-c", _ASKER, str(EACH)],
        env=isolated_environment(own),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert asker.stdout is not None
    assert asker.stdout.readline() == "ready\n"
    return asker


def _turns(*askers: "subprocess.Popen[str]") -> list[float]:
    """When their turns began, on the clock of the machine."""
    for asker in askers:
        assert asker.stdin is not None
        asker.stdin.write("go\n")
        asker.stdin.flush()
    return [moment for asker in askers for moment in json.loads(asker.communicate(timeout=120)[0])]


def _resume(folder: Path, rows: int, figures: dict[str, Any]) -> Goal:
    """A folder whose files are all published: who starts the command again is told so."""
    settings = isolated({"IMAGE_ASSETS_DATA_DIR": str(folder / "resumed")})
    pictures = folder / "many"
    pictures.mkdir()
    for number in range(rows):
        (pictures / f"{number:06}.jpg").write_bytes(b"%d" % number)
    with compose.catalog(settings) as catalog, compose.decoder(settings) as decoder:
        local = hosting.folder(pictures)
        files = local.look(FileFilter(), recursive=True).files
        _publish(catalog, files)
        planner = FolderPlanner(
            local, catalog.local_files, catalog.uploads, decoder, (HOST,), time.time_ns
        )
        began = time.perf_counter()
        plan = planner.plan(FileFilter(), recursive=True, count=20)
        took = time.perf_counter() - began
    assert (len(plan.todo), len(plan.settled), plan.report.done) == (0, rows, 0)
    figures["resume"] = f"{rows:,} files and ledger rows: planned in {took:.2f} s"
    return Goal(f"seconds to plan a resume over {rows:,} rows", took, RESUME)


def _publish(catalog: compose.Catalog, files: Any) -> None:
    """As if every file had been published: rows by the ledger's own doors, but for a state."""
    known = {
        file.address: KnownFile(
            file.stamp, hashlib.sha256(file.name.encode()).hexdigest(), ImageFormat.JPEG
        )
        for file in files
    }
    catalog.local_files.remember(DEFAULT_TENANT, known)
    contents = [
        Content(k.sha256, address, 1, ImageFormat.JPEG, public_name(k.sha256, ImageFormat.JPEG))
        for address, k in known.items()
    ]
    catalog.uploads.register(HOST, DEFAULT_TENANT, contents, now=_now())
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE uploads SET state = 'verified', level = 'L3', url = 'https://i.test/' || id"
        )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


if __name__ == "__main__":
    main()
