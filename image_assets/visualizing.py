"""From sources and settings to who looks after a folder of visualisations."""

from functools import partial
from typing import Protocol

from image_assets.announcing import announcement
from image_assets.ports import LatestCatalog, Plots, PlotsCatalog
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.report import Clock
from image_assets.stages.visualizations import HandOver


class Rooms(Protocol):
    """What is needed of a catalog."""

    @property
    def visualizations(self) -> PlotsCatalog: ...

    @property
    def latest(self) -> LatestCatalog: ...


def hand_over(
    spec: SourceSpec, settings: Settings, plots: Plots, catalog: Rooms, clock: Clock
) -> HandOver:
    """What tells which files of a source's folder are published, and puts them away."""
    return HandOver(
        plots,
        catalog.visualizations,
        catalog.latest,
        spec.destinations,
        partial(_key, spec, settings),
        clock,
        settings.originals,
    )


def _key(spec: SourceSpec, settings: Settings, collection: str) -> str | None:
    """The key that announces a collection, if any does."""
    return announcement(spec, settings, collection).key if spec.latest is not None else None
