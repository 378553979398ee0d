"""`image-assets download`: the images stage over a range of days, with a progress bar."""

import datetime as dt
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from image_assets import compose
from image_assets.core.errors import ImageAssetsError, PermanentError
from image_assets.core.model import Partition
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.images import Collector, Terms
from image_assets.stages.report import Cause, ItemFailure, Report


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    """Every day of a range, both ends included.

    Raises:
        PermanentError: the range is reversed.
    """
    if last < first:
        raise PermanentError(f"the range ends ({last}) before it begins ({first})")
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def chosen(spec: SourceSpec, streams: Sequence[str]) -> list[str]:
    """The collections that the operator named, by their whole name or by their stream.

    Raises:
        PermanentError: a name fits none.
    """
    if not streams:
        return list(spec.collections)
    found = [c for c in spec.collections if c in streams or c.rpartition("/")[2] in streams]
    known = {*spec.collections, *(c.rpartition("/")[2] for c in spec.collections)}
    unknown = [stream for stream in streams if stream not in known]
    if unknown:
        raise PermanentError(
            f"source {spec.name} has no stream {unknown[0]!r}; it has {', '.join(spec.collections)}"
        )
    return found


def check_days(spec: SourceSpec, wanted: Sequence[dt.date], *, today: dt.date) -> None:
    """See that the source can have the days.

    Raises:
        PermanentError: one lies before the source's beginning, after its end or in the future.
    """
    for day in wanted:
        if day > today:
            raise PermanentError(f"{day} has not come yet; it is {today} (UTC)")
        if not spec.covers(day):
            end = f" and ends before {spec.end}" if spec.end else ""
            raise PermanentError(f"{day}: source {spec.name} begins on {spec.start}{end}")


def run(
    settings: Settings,
    source: str,
    wanted: Sequence[dt.date],
    streams: Sequence[str],
    console: Console,
) -> int:
    """Collect every day of every stream; 1 when anything failed. One failure stops no other."""
    spec = settings.source(source)
    check_days(spec, wanted, today=dt.datetime.now(dt.UTC).date())
    partitions = [
        Partition(source, collection, day.isoformat())
        for day in wanted
        for collection in chosen(spec, streams)
    ]
    catalog = compose.catalog(settings)
    with compose.decoder(settings) as decoder:
        collector = Collector(
            compose.source(settings, source),
            catalog.images,
            compose.store(settings),
            decoder,
            Terms(settings.image_assets_workers, settings.grace, settings.gone_after),
        )
        reports = list(_collect(collector, partitions, console))
    catalog.dispose()
    return _tell(sum(reports, Report()), console)


def _collect(
    collector: Collector, partitions: Sequence[Partition], console: Console
) -> Iterable[Report]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        for partition in partitions:
            bar = bars.add_task(f"{partition.key} {partition.collection}", total=None)
            try:
                yield collector.collect(
                    partition,
                    now=dt.datetime.now(dt.UTC),
                    progress=lambda report, total, bar=bar: bars.update(  # type: ignore[misc]
                        bar, completed=report.done + report.failed, total=total
                    ),
                )
            except ImageAssetsError as error:
                console.print("[red]failed:[/red]", Text(f"{partition}: {error}"))
                yield Report(
                    causes={Cause.of(error): 1},
                    failures=(ItemFailure(str(partition), Cause.of(error), str(error)),),
                )
            bars.update(bar, total=1, completed=1)


def _tell(report: Report, console: Console) -> int:
    counts = ", ".join(f"{count} {note}" for note, count in sorted(report.counts.items()))
    console.print(
        Text(f"{counts or 'nothing'}; {report.bytes / 1e6:.1f} MB; {report.failed} failed")
    )
    for failure in report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
    return 1 if report.failed else 0
