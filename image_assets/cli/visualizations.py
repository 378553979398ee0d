"""`image-assets visualizations`: what was drawn is published, announced and put away, without Dagster."""

import datetime as dt
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from image_assets import compose
from image_assets.announcing import announcement
from image_assets.cli.spans import check_range
from image_assets.cli.surroundings import UTC_DATE, clear_errors, console, result, settings
from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.model import Partition
from image_assets.ports import Closing, ImageHost, LatestStore, Plots
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.images import AT_ONCE, Collector, Terms
from image_assets.stages.latest import Announcer
from image_assets.stages.ranges import collect_each, now
from image_assets.stages.report import Report
from image_assets.stages.uploads import Publisher
from image_assets.stages.visualizations import HandOver
from image_assets.visualizing import hand_over

_EPILOG = (
    "Examples: [bold]image-assets visualizations[/bold] · "
    "[bold]image-assets visualizations --from 2025-01-01 --to 2025-01-31[/bold] · "
    "[bold]image-assets visualizations --file data/visualization/2025-01-15_daily.png[/bold]"
)


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; nothing named means everything that lies there."""

    source: str
    first: dt.date | None = None
    last: dt.date | None = None
    collections: Sequence[str] = ()
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder of visualisations, and everything that they go through."""

    spec: SourceSpec
    settings: Settings
    plots: Plots
    catalog: compose.Catalog
    store: compose.Store
    decoder: compose.DecodingPool
    hosts: dict[str, ImageHost]
    latest: LatestStore | None
    owner: str

    @property
    def hand_over(self) -> HandOver:
        """What puts files away."""
        return hand_over(self.spec, self.settings, self.plots, self.catalog, now)

    def publish(self, partitions: Sequence[Partition]) -> Iterator[tuple[str, Report]]:
        """Take the partitions in, publish and announce them, then tidy the folder; each with its report."""
        terms = Terms(self.settings.image_assets_workers, *AT_ONCE)
        collector = Collector(self.plots, self.catalog.images, self.store, self.decoder, terms)
        for partition, report in collect_each(collector, partitions):
            yield str(partition), sum((self._upload(partition, n) for n in self.hosts), report)
        for collection in sorted({partition.collection for partition in partitions}):
            if self.latest is not None:
                what = announcement(self.spec, self.settings, collection)
                announcer = Announcer(
                    self.latest, self.catalog.latest, self.owner, now, self.settings.skew
                )
                yield what.key, announcer.announce(what)
        yield "local files", self.hand_over.tidy()

    def _upload(self, partition: Partition, destination: str) -> Report:
        rooms = (self.hosts[destination], self.catalog.uploads, self.store)
        workers = self.settings.uploads_at_once(self.spec)
        publisher = Publisher(destination, *rooms, self.owner, now, workers)
        recipe = self.settings.recipes(self.spec)[0]
        return publisher.publish(partition, self.spec.publishes, recipe)


def add_to(app: typer.Typer) -> None:
    """Make this a command of the application."""
    app.command(epilog=_EPILOG)(visualizations)


def visualizations(
    first: Annotated[
        dt.datetime | None, typer.Option("--from", formats=UTC_DATE, help="First UTC day.")
    ] = None,
    last: Annotated[
        dt.datetime | None, typer.Option("--to", formats=UTC_DATE, help="Last UTC day.")
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option(help="temperature:daily; repeat; all when left out.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="One picture, and what is of its kind and day.")
    ] = None,
    source: Annotated[
        str, typer.Option(help="Which source of the sources file.")
    ] = "visualization",
) -> None:
    """Publish what was drawn and is not published yet, announce it, and put its files away.

    Off without credentials, which it says; with some of them it names those that lack. What cannot be
    taken is told, and keeps nothing else waiting. Exit code 1 when anything failed.
    """
    days = (first.date() if first else None, last.date() if last else None)
    order = Order(source, *days, collection or (), file)
    with clear_errors():
        raise typer.Exit(run(settings(), order))


def run(settings: Settings, order: Order) -> int:
    """Publish what was asked for; 1 when anything failed."""
    spec = settings.source(order.source)
    if not spec.drawn:
        raise PermanentError(f"source {spec.name} has no visualisations; its kind is {spec.kind}")
    check_range(order.first, order.last)
    spec.chosen(order.collections)
    if (off := settings.off(spec)) is not None:
        console.print(Text(off))
        return 0
    total = Report()
    with _desk(settings, spec) as desk:
        for name, report in desk.publish(_chosen(desk, order)):
            if report.counts or report.failed:
                told = ", ".join(f"{count} {note}" for note, count in report.counts.items())
                result.print(Text(f"{name}: {told or 'nothing done'}"))
            total += report
        for trouble in desk.plots.troubles():
            console.print(Text(trouble), style="yellow")
    for failure in total.failures:
        console.print(Text(f"{failure.item}: {failure.reason}"), style="red")
    return 1 if total.failed else 0


def _chosen(desk: Desk, order: Order) -> list[Partition]:
    """The partitions of what lies there and was asked for; with a file those that are not done alone."""
    left = desk.hand_over.unpublished()
    if order.file is not None:
        left = {p: e for p, e in left.items() if any(_is(desk, order.file, x.name) for x in e)}
        if not left and not order.file.is_file():
            raise NotFoundError(f"{order.file}: there is no such file")
    return [
        partition
        for partition in left
        if (order.first is None or partition.day >= order.first)
        and (order.last is None or partition.day <= order.last)
        and (not order.collections or partition.collection in order.collections)
    ]


def _is(desk: Desk, file: Path, name: str) -> bool:
    root = desk.spec.root or desk.settings.data_dir / desk.spec.name
    return (root / name).absolute() == file.absolute()


@contextmanager
def _desk(settings: Settings, spec: SourceSpec) -> Iterator[Desk]:
    latest = spec.latest
    with ExitStack() as stack:
        hosts: dict[str, ImageHost] = {n: compose.host(settings, n) for n in spec.destinations}
        store = compose.latest_store(settings, latest.store) if latest is not None else None
        for service in (*hosts.values(), store):
            if isinstance(service, Closing):
                stack.callback(service.close)
        yield Desk(
            spec,
            settings,
            compose.plots(settings, spec),
            stack.enter_context(compose.catalog(settings)),
            compose.store(settings),
            stack.enter_context(compose.decoder(settings)),
            hosts,
            store,
            f"{socket.gethostname()} {os.getpid()}",
        )
