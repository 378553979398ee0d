"""What other Python programs call, and the command line too: the stages over ranges of partitions."""

import datetime as dt
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from image_assets import compose, uploading
from image_assets.core.errors import PermanentError
from image_assets.core.model import Partition
from image_assets.settings import Settings, load
from image_assets.sources import SourceSpec
from image_assets.stages.due import Choice
from image_assets.stages.folder_uploads import Told as UploadTold
from image_assets.stages.images import AT_ONCE, Collector, Terms
from image_assets.stages.ranges import Told, collect_each
from image_assets.stages.report import Report
from image_assets.uploading import UploadOrder, UploadResult

__all__ = ["UploadOrder", "download", "ensure_url", "upload"]


def download(
    dates: Iterable[dt.date],
    *,
    streams: Sequence[str] = (),
    source: str = "camera",
    max_images_per_date: int | None = None,
    newest_first: bool | None = None,
    settings: Settings | None = None,
    told: Told | None = None,
) -> Mapping[Partition, Report]:
    """Bring home what a camera source has for these UTC dates, and say what became of each.

    Args:
        dates: UTC dates, in any order; a date given twice is one.
        streams: `in_gate` or `apm/in_gate`; all of the source's when empty.
        source: which source of the sources file.
        max_images_per_date: most pictures of one stream and date; the setting's when None.
        newest_first: from the newest back; the setting's when None.
        settings: those of the environment and of `.env` here when None.
        told: called after each picture.

    Raises:
        PermanentError: a stream or a date that the source cannot have; nothing was asked for.
        MissingSettingError: the source needs a setting that is not there.
    """
    settings = settings or load(Path(".env"))
    partitions = partitions_of(settings.source(source), dates, streams)
    choice = choice_of(settings, max_images_per_date, newest_first)
    with collecting(settings, source, choice) as collector:
        return dict(collect_each(collector, partitions, told=told))


def upload(
    order: UploadOrder | None = None,
    *,
    settings: Settings | None = None,
    on_progress: UploadTold | None = None,
) -> UploadResult:
    """Publish the next pictures of a folder, as `image-assets upload` does, and say what became of each.

    Args:
        order: what is wanted; the settings' folder, host and count when None.
        settings: those of the environment and of `.env` here when None.
        on_progress: called after each picture with the host, what is done there so far, of how many.

    Raises:
        PermanentError: the order cannot be, or no such folder; nothing was sent.
        MissingSettingError: a host needs a setting that is not there.
    """
    settings = settings or load(Path(".env"))
    return uploading.upload(settings, order or UploadOrder(), on_progress=on_progress)


def ensure_url(
    path: str | os.PathLike[str], host: str | None = None, *, settings: Settings | None = None
) -> str:
    """The URL of a picture: a URL stays as it is, a file is published, once for ever.

    Threads and processes may ask for one picture at the same time: one sends, the others wait for it.

    Args:
        path: a URL, or a file of this machine.
        host: where it is published; UPLOAD_HOST when None.
        settings: those of the environment and of `.env` here when None.

    Raises:
        RejectedError: it is no picture, or the host refuses it.
        InDoubtError: nobody knows whether the host has it.
        TransientError: the host did not answer, or does not show it yet; ask again.
    """
    return uploading.ensure_url(path, host, settings or load(Path(".env")))


def partitions_of(
    spec: SourceSpec, dates: Iterable[dt.date], streams: Sequence[str]
) -> list[Partition]:
    """Dates x streams, the dates in order.

    Raises:
        PermanentError: the source has no such stream, or cannot have the date.
    """
    collections = spec.chosen(streams)
    days = sorted(set(dates))
    for day in days:
        check_day(spec, day)
    return [
        Partition(spec.name, collection, day.isoformat())
        for day in days
        for collection in collections
    ]


def choice_of(settings: Settings, limit: int | None, newest_first: bool | None) -> Choice:
    """What was asked for, and the settings for what was left open."""
    return Choice(
        settings.download_max_images_per_date if limit is None else limit,
        settings.download_newest_first if newest_first is None else newest_first,
    )


@contextmanager
def collecting(settings: Settings, source: str, choice: Choice) -> Iterator[Collector]:
    """A source's collector with everything it needs, closed with the block."""
    terms = _terms(settings, settings.source(source), choice)
    site = compose.source(settings, source)
    store = compose.store(settings)
    with compose.catalog(settings) as catalog, compose.decoder(settings) as decoder:
        yield Collector(site, catalog.images, store, decoder, terms)


def _terms(settings: Settings, spec: SourceSpec, choice: Choice) -> Terms:
    if spec.drawn:
        return Terms(settings.image_assets_workers, *AT_ONCE, choice)
    if spec.dated:
        return Terms(settings.image_assets_workers, settings.grace, settings.gone_after, choice)
    return Terms(settings.image_assets_workers, *AT_ONCE, choice, settings.acceptance)


def check_day(spec: SourceSpec, day: dt.date) -> None:
    """That a source can have a UTC date.

    Raises:
        PermanentError: it cannot: the date is to come, or the source has not begun or has ended.
    """
    today = dt.datetime.now(dt.UTC).date()
    if not spec.dated:
        raise PermanentError(f"source {spec.name} has no days; image-assets batches shows it")
    if day > today:
        raise PermanentError(f"{day} has not come yet; it is {today} (UTC)")
    if not spec.covers(day):
        end = f" and ends before {spec.end}" if spec.end else ""
        raise PermanentError(f"{day}: source {spec.name} begins on {spec.start}{end}")
