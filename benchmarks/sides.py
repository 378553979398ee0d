"""What a side of `benchmarks.pipeline` works with: its requests, its processes, its rehearsal."""

import datetime as dt
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import dagster as dg
from dagster._core.definitions.automation_tick_evaluation_context import (
    build_run_requests_with_backfill_policies,
)
from dagster._core.definitions.events import AssetKeyPartitionKey

from benchmarks.backfill import Request
from benchmarks.memory import Peak, watched
from image_assets import compose
from image_assets.core.model import DEFAULT_TENANT, Partition
from image_assets.definitions import build_definitions
from image_assets.defs.partitions import frame_days, key_of, partition_of
from image_assets.ports import Totals
from image_assets.rehearsal import Profile, environment
from image_assets.settings import Settings, isolated, isolated_environment

ROOT = Path(__file__).parents[1]
FIRST_DAY = dt.date(2025, 9, 1)
SPEC = isolated({}).sources[0]
STAGES = ["images", "designs", "thumbnails", *(f"uploaded_urls/{d}" for d in SPEC.destinations)]
LATEST = "latest"

_RANGE = "dagster/asset_partition_range"
_REHEARSAL = """\
from image_assets.rehearsal import pictures
from image_assets.rehearsal.__main__ import main
pictures.KEPT_BYTES = 1 << 30  # a month of frames: none is drawn while we measure
main()
"""


def requests(days: int) -> list[Request]:
    """The runs that Dagster makes of a backfill of every stage, in an order that it could take."""
    graph = build_definitions(isolated({})).get_repository_def().asset_graph
    frames = [str(key_of(partition)) for partition in partitions(days)]
    made = []
    with dg.DagsterInstance.ephemeral() as instance:
        for stage in [*STAGES, LATEST]:
            asset = dg.AssetKey([SPEC.name, *stage.split("/")])
            keys = SPEC.collections if stage == LATEST else frames
            wanted = [AssetKeyPartitionKey(asset, key) for key in keys]
            runs = build_run_requests_with_backfill_policies(wanted, graph, instance)
            found = [_request(stage, run.partition_key_range) for run in runs]
            made += sorted(found, key=lambda request: request.partitions)
    return made


def ranged(stage: str, days: int) -> Request:
    """A stage over that many days of the first collection, in one run."""
    keys = [str(key_of(partition)) for partition in partitions(days)[:days]]
    return _request(stage, dg.PartitionKeyRange(keys[0], keys[-1]))


def partitions(days: int) -> list[Partition]:
    """The days of one collection after the other."""
    dates = [(FIRST_DAY + dt.timedelta(days=n)).isoformat() for n in range(days)]
    return [Partition(SPEC.name, name, date) for name in SPEC.collections for date in dates]


def _request(stage: str, run: dg.PartitionKeyRange | None) -> Request:
    assert run is not None
    tags = {f"{_RANGE}_start": run.start, f"{_RANGE}_end": run.end}
    if stage == LATEST:
        return Request(stage, [(run.start, FIRST_DAY.isoformat())], tags)
    keys = frame_days(SPEC).get_partition_keys_in_range(run)
    taken = [partition_of(SPEC, key) for key in keys]
    return Request(stage, [(each.collection, each.key) for each in taken], tags)


@dataclass(frozen=True, slots=True)
class Side:
    """A side in one turn: the folder of its catalog, store and instance, and its rehearsal."""

    data: Path
    rehearsal: str

    @property
    def settings(self) -> Settings:
        return isolated(self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        home = str(self.data / "dagster_home")
        own = {"IMAGE_ASSETS_DATA_DIR": str(self.data), "DAGSTER_HOME": home}
        return environment(self.rehearsal, Profile.demo()) | own

    def start(self, side: str, answers: IO[str] | int) -> subprocess.Popen[str]:
        """A process of `benchmarks.backfill` that waits for requests."""
        home = self.data / "dagster_home"
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "dagster_home" / "dagster.yaml", home / "dagster.yaml")
        with (self.data / "errors.log").open("a") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "benchmarks.backfill", side],
                cwd=ROOT,
                env=isolated_environment(self._environment),
                stdin=subprocess.PIPE,
                stdout=answers,
                stderr=errors,
                text=True,
            )

    def run(self, request: Request) -> tuple[float, Peak]:
        """Seconds from run start to run end, and the memory, of one run of Dagster's."""
        with tempfile.TemporaryFile("w+") as answer, self.start("run", answer) as process:
            assert process.stdin is not None
            with process.stdin:
                process.stdin.write(request.line())
            peak = watched(process)
            answer.seek(0)
            return self.seconds(answer.read()), peak

    @contextmanager
    def script(self) -> Iterator[Callable[[Request], float]]:
        """The plain script: give it requests, it gives the seconds; it ends with the block."""
        with self.start("plain", subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            sent, answers = process.stdin, process.stdout

            def ask(request: Request) -> float:
                sent.write(request.line())
                sent.flush()
                return self.seconds(answers.readline())

            yield ask

    def seconds(self, answer: str) -> float:
        """What a process answered; if it did not, what it died of is raised."""
        if not answer:
            raise RuntimeError((self.data / "errors.log").read_text()[-4000:])
        return float(answer.splitlines()[-1])

    def totals(self) -> Totals:
        """What the side made of its requests."""
        with compose.catalog(self.settings) as catalog:
            return catalog.totals.totals(DEFAULT_TENANT)

    def forget(self) -> None:
        """Nothing is left of this turn; the rehearsal's frames stay drawn."""
        shutil.rmtree(self.data)
        reset = urllib.request.Request(f"{self.rehearsal}/_control/reset", b"{}", method="POST")
        urllib.request.urlopen(reset, timeout=60).close()


@contextmanager
def rehearsing(folder: Path) -> Iterator[str]:
    """A rehearsal in a process of its own; its address."""
    folder.mkdir()
    announced = folder / "address"
    command = [sys.executable, "-c", _REHEARSAL, "--until-input-ends"]
    command += ["--address-file", str(announced)]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=isolated_environment({}),
        stdin=subprocess.PIPE,  # when it closes, however we end, the rehearsal ends
        stdout=subprocess.DEVNULL,
    ) as process:
        while not announced.exists():
            assert process.poll() is None, "the rehearsal did not start"
            time.sleep(0.05)
        yield announced.read_text().strip()


def draw(rehearsal: str, days: int) -> None:
    """Let a rehearsal draw its frames, once for all turns."""
    with tempfile.TemporaryDirectory() as folder:
        source = compose.source(Side(Path(folder), rehearsal).settings, SPEC.name)
        entries = [entry for each in partitions(days) for entry in source.list(each).entries]
        for number, entry in enumerate(entries):
            source.fetch(entry, Path(folder) / str(number))
