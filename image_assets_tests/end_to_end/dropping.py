"""Taking what was dropped through the whole chain, in this process; run as a program, it can be killed.

python -m image_assets_tests.end_to_end.dropping FOLDER BATCH_BYTES "images designs"
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from image_assets.compose import Catalog
from image_assets.core import naming
from image_assets.defs.assets.batches import sentence
from image_assets.defs.build import build_definitions
from image_assets.defs.resources import opened
from image_assets.settings import Settings, isolated
from image_assets_tests.journey import Run, asked_by, own_instance, run_chain

QUICK = {"PNG_COMPRESSION": "1", "IMAGE_ASSETS_DECODE_WORKERS": "2"}
SOURCE = "sources: [{name: inbox, kind: inbox, policy: near, destinations: [local]}]"


@dataclass(frozen=True)
class Shop:
    """An inbox in Dagster: files are dropped, ticks take them, runs bring them through."""

    settings: Settings
    services: Mapping[str, Any]
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    @property
    def catalog(self) -> Catalog:
        catalog: Catalog = self.services["catalog"]
        return catalog

    @property
    def inbox(self) -> Path:
        return self.settings.data_dir / "inbox"

    def drop(self, name: str, content: bytes, shop: str = "acme") -> Path:
        file = self.inbox / shop / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def tick(self) -> list[str] | str:
        """The batches that the sensor asks for, made partitions; or why for none."""
        return asked_by("inbox_batches", self.definitions, self.instance, self.services)

    def run(self, key: str, *stages: str) -> Run:
        """The batch's run: the whole chain, or some stages of it."""
        some = [f"inbox/{stage}" for stage in stages]
        return run_chain("inbox_batch", self.definitions, self.instance, key, *some)

    def take(self) -> list[Run]:
        """One tick, and the runs that it asks for."""
        asked = self.tick()
        return [self.run(key) for key in asked] if isinstance(asked, list) else []


@contextmanager
def shop(folder: Path, source: str = SOURCE, **settings: Any) -> Iterator[Shop]:
    """An inbox below `folder` that takes what is dropped at once; Dagster is its own."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.yaml"
    sources.write_text(source)
    own = {
        "IMAGE_ASSETS_DATA_DIR": str(folder),
        "IMAGE_ASSETS_SOURCES": str(sources),
        "IMAGE_ASSETS_RETRY_SECONDS": "0",
        "INBOX_SETTLE_SECONDS": "0",
        "CANVAS_WIDTH": "200",
        "CANVAS_HEIGHT": "200",
    }
    given = isolated(own | settings)
    with opened(given) as services, own_instance() as instance:
        yield Shop(given, services, instance, build_definitions(given, services))


def everything(folder: Path, batch_bytes: str, stages: str) -> None:
    """Take all that was dropped through the chain, and what an earlier process was killed at.

    The daemon would run that one again: it repeats runs whose process died. A line for each batch:
    its progress, and what this process had resident at most.
    """
    logging.disable(logging.CRITICAL)
    with shop(folder, INBOX_BATCH_BYTES=batch_bytes, **QUICK) as acme:
        begun = [b.key for b in acme.catalog.batches.latest(limit=1000) if b.share < 1]
        while isinstance(asked := acme.tick(), list) or begun:  # a tick takes so many, and no more
            for key in sorted({*begun, *(asked if isinstance(asked, list) else [])}):
                acme.instance.add_dynamic_partitions("inbox_batches", [key])
                run = acme.run(key, *stages.split())
                batch = acme.catalog.batches.progress(naming.batch_of("inbox", key))
                told = "; ".join(map(sentence, batch.wanted)) if batch else "nothing"
                sys.stdout.write(f"{key} {run.success}: {told}; {_peak_mib()} MiB\n")
                sys.stdout.flush()
            begun = []


def _peak_mib() -> int:
    """What this process had resident at most. `getrusage` would count what its parent had, too."""
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) >> 10


if __name__ == "__main__":
    everything(Path(sys.argv[1]), *sys.argv[2:])
