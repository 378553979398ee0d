"""Jobs that schedules and sensors start: download, batch, latest, retention.

The whole journey of days is no job: a backfill over a source's assets gives each stage runs of its own.

A job is one object wherever it is used, hence the caches: Dagster takes two for a name clash.
"""

from collections.abc import Sequence
from functools import cache

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from image_assets.core.model import Publishes
from image_assets.sources import SourceSpec

Job = UnresolvedAssetJobDefinition


@cache
def download_job(spec: SourceSpec) -> Job:
    """List and fetch one source's pictures; automation takes them further."""
    return dg.define_asset_job(
        f"{spec.name}_download",
        selection=dg.AssetSelection.assets([spec.name, "images"]),
        description=f"Collect the pictures of {spec.name} for UTC dates and streams.",
    )


@cache
def batch_job(spec: SourceSpec) -> Job:
    """A batch of an inbox through the whole chain, in one run."""
    return dg.define_asset_job(
        f"{spec.name}_batch",
        selection=dg.AssetSelection.groups(spec.name),
        description=f"Take a batch of {spec.name} through images, designs, exports and uploads.",
    )


@cache
def request_job(spec: SourceSpec) -> Job:
    """A request for pictures through the whole chain, in one run."""
    return dg.define_asset_job(
        f"{spec.name}_request",
        selection=dg.AssetSelection.groups(spec.name),
        description=f"Draw what a request asks {spec.name} for, export and publish it.",
    )


@cache
def visualizations_job(spec: SourceSpec) -> Job:
    """A partition of visualisations taken in and published, with what that needs and no more.

    Automation makes their designs and thumbnails where nothing waits for them.
    """
    stages = ["images", *(f"uploaded_urls/{name}" for name in spec.destinations)]
    stages += ["designs", "thumbnails"] if spec.publishes is Publishes.BOTH else []
    return dg.define_asset_job(
        f"{spec.name}_publish",
        selection=dg.AssetSelection.assets(*([spec.name, *stage.split("/")] for stage in stages)),
        description=f"Take in what was drawn for {spec.name}, and publish it.",
    )


@cache
def local_files_job(spec: SourceSpec) -> Job:
    """The producer's folder, tidied."""
    return dg.define_asset_job(
        f"{spec.name}_local_files",
        selection=dg.AssetSelection.assets([spec.name, "local_files"]),
        description=f"Put away what {spec.name} provably published, and purge it later.",
    )


@cache
def latest_job(spec: SourceSpec) -> Job:
    """Move the latest keys of one source forward."""
    return dg.define_asset_job(
        f"{spec.name}_latest",
        selection=dg.AssetSelection.assets([spec.name, "latest"]),
        description=f"Point the latest keys of {spec.name} at the newest verified pictures.",
    )


links_job = dg.define_asset_job(
    "look_at_links",
    selection=dg.AssetSelection.groups("links"),
    description="Look again at what was published, as much of it as is due.",
)


retention_job = dg.define_asset_job(
    "clean_up",
    selection=dg.AssetSelection.assets("retention_plan", "retention"),
    description="Plan which derived files may go, then remove them.",
)


def _own_job(spec: SourceSpec) -> Job:
    if spec.generated:
        return request_job(spec)
    return download_job(spec) if spec.dated else batch_job(spec)


def jobs(specs: Sequence[SourceSpec]) -> list[Job]:
    """Every job."""
    built = [links_job, retention_job]
    for spec in specs:
        built += [visualizations_job(spec), local_files_job(spec)] if spec.drawn else []
        built.append(_own_job(spec))
        if spec.latest is not None:
            built.append(latest_job(spec))
    return built
