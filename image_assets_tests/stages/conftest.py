import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_assets.compose import Catalog, DecodingPool, LocalStore
from image_assets.core.model import Partition, Policy, Scope
from image_assets.core.recipes import Recipe
from image_assets.ports import ImageSource
from image_assets.services.folder import FolderSource
from image_assets.stages.designs import Admitter
from image_assets.stages.images import Collector, Terms
from image_assets.stages.report import Report
from image_assets.stages.thumbnails import Exporter

NOW = dt.datetime(2025, 9, 3, 12, tzinfo=dt.UTC)
DAY = Partition("camera", "apm/in_gate", "2025-09-01")
RECIPE = Recipe("small", width=64, height=36)


@dataclass(frozen=True)
class House:
    """The real rooms that stages work in: catalog, store and decoder."""

    root: Path
    catalog: Catalog
    store: LocalStore
    decoder: DecodingPool

    def collector(self, source: ImageSource, terms: Terms | None = None) -> Collector:
        return Collector(
            source, self.catalog.images, self.store, self.decoder, terms or Terms(workers=2)
        )

    def collect(self, frames: dict[str, bytes], partition: Partition = DAY) -> Report:
        """Store frames, by file name, through the folder source."""
        folder = self.root / "frames"
        for name, content in frames.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return self.collector(FolderSource(folder)).collect(partition, now=NOW)

    def admit(self, partition: Partition = DAY, policy: Policy = Policy.EXACT) -> Report:
        scope = Scope("camera", policy)
        admitter = Admitter(scope, self.catalog.designs, self.store, self.decoder)
        return admitter.admit(partition, now=NOW)

    def export(self, partition: Partition = DAY, recipe: Recipe = RECIPE) -> Report:
        exporter = Exporter([recipe], self.catalog.thumbnails, self.store, self.decoder)
        return exporter.export(partition, now=NOW)

    def files(self, folder: str) -> list[str]:
        """Every file below a folder of the store, by key."""
        root = self.root / "data"
        return sorted(str(f.relative_to(root)) for f in (root / folder).rglob("*") if f.is_file())


@pytest.fixture(scope="session")
def decoder() -> Iterator[DecodingPool]:
    with DecodingPool(
        workers=2, memory_mb=1024, seconds=10.0, max_pixels=50_000_000, max_bytes=100_000_000
    ) as pool:
        yield pool


@pytest.fixture
def house(tmp_path: Path, sqlite_catalog: Catalog, decoder: DecodingPool) -> House:
    return House(tmp_path, sqlite_catalog, LocalStore(tmp_path / "data"), decoder)
