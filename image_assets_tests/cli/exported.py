"""A folder in which one picture was exported long ago, for the commands on exports."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_assets.compose import Catalog, DecodingPool, LocalStore
from image_assets.core.recipes import Recipe
from image_assets.services.catalog import open_catalog
from image_assets_tests.cli.conftest import Shell
from image_assets_tests.drawing import picture
from image_assets_tests.stages.conftest import House

SOURCES = """
sources:
  - {name: camera, kind: folder, root: frames, collections: [apm/in_gate], start: 2025-09-01,
     publishes: originals, exports: [%s]}
"""


def describe(shell: Shell, exports: str = "thumbnail") -> None:
    """The sources file of the folder: one camera with these exports."""
    (shell.folder / "sources.yaml").write_text(SOURCES % exports)
    shell.export(IMAGE_ASSETS_SOURCES=str(shell.folder / "sources.yaml"))


def take(shell: Shell) -> None:
    """Take one picture as far as its exports."""
    describe(shell)
    with opened(shell) as catalog, DecodingPool(1, 1024, 10.0, 50_000_000, 100_000_000) as decoder:
        house = House(shell.folder, catalog, LocalStore(shell.folder / "data"), decoder)
        house.collect({"20250901100000_in_gate.jpg": picture(1)})
        house.admit()
        house.export(recipe=Recipe("thumbnail"))


@contextmanager
def opened(shell: Shell) -> Iterator[Catalog]:
    """The catalog of the folder."""
    with open_catalog(f"sqlite:///{shell.folder / 'data/catalog.db'}") as catalog:
        yield catalog


def files(shell: Shell, below: str) -> list[Path]:
    """The files below a folder of the store."""
    return sorted(f for f in (shell.folder / "data" / below).rglob("*") if f.is_file())
