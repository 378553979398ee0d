"""Jobs that schedules and sensors start: download, batch, latest, retention.

The whole journey of days is no job: a backfill over a source's assets gives each stage runs of its own.

A job is one object wherever it is used, hence the caches: Dagster takes two for a name clash.
"""

from collections.abc import Sequence
from functools import cache

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

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
def latest_job(spec: SourceSpec) -> Job:
    """Move the latest keys of one source forward."""
    return dg.define_asset_job(
        f"{spec.name}_latest",
        selection=dg.AssetSelection.assets([spec.name, "latest"]),
        description=f"Point the latest keys of {spec.name} at the newest verified pictures.",
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
    built = [retention_job]
    for spec in specs:
        built.append(_own_job(spec))
        if spec.latest is not None:
            built.append(latest_job(spec))
    return built
