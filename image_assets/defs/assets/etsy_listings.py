"""An inbox's listings at Etsy, by batch: a draft for each design, with its images."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from image_assets.core.model import Partition
from image_assets.defs import metadata
from image_assets.defs.assets.batches import Follower, batch_seconds, following
from image_assets.defs.assets.options import clock, frames_asset, owner
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.etsy_specs import EtsySpec
from image_assets.ports import ListingRow
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.listings import Lister
from image_assets.stages.report import Cause, Report, nothing

NOTES = ("drafted", "found", "completed", "another run's", "waits for the day", "no shop at Etsy")

_COLUMNS = ("design", "state", "listing", "title", "reason")


def etsy_listings_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The asset of a source whose shops are at Etsy."""
    etsy = spec.etsy
    assert etsy is not None  # whoever builds it looked

    @frames_asset(
        spec,
        "etsy_listings",
        deps=["thumbnails", *(["mockups"] if spec.mockups else [])],
        needs={"catalog", "store", "etsy"},
        kinds={"python", "etsy"},
        pool="etsy",
    )
    def etsy_listings(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """A draft in the shop for every design, made once, with its mockups and its export as images.

        Drafts are never made active. Where the day's requests are spent the rest waits.
        """
        resources = context.resources

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            shop_id = etsy.numbers.get(partition.collection)
            if shop_id is None:
                report = nothing("no shop at Etsy")
                return Work(report, metadata.figures(report, NOTES))
            lister = _lister(context, spec, settings, etsy, shop_id)
            with following(context, spec, settings, partition, "etsy_listings") as follower:
                report, told = _listed(context, lister, partition, follower)
            rows = resources.catalog.listings.rows(partition, shop_id)
            has = _shown(rows) | told | batch_seconds(context)
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, "etsy_listings", resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return etsy_listings


def _lister(
    context: dg.AssetExecutionContext,
    spec: SourceSpec,
    settings: Settings,
    etsy: EtsySpec,
    shop_id: int,
) -> Lister:
    resources = context.resources
    return Lister(
        shop_id,
        settings.listing_template(etsy),
        resources.catalog.listings,
        resources.etsy,
        resources.store,
        owner(context),
        clock,
        spec.mockups,
        settings.recipes(spec)[0].name,
        settings.etsy_settle,
        settings.etsy_workers,
    )


def _listed(
    context: dg.AssetExecutionContext, lister: Lister, partition: Partition, follower: Follower
) -> tuple[Report, dict[str, Any]]:
    """The work and what is told of it; what only a spent day keeps back is no failure, and waits."""
    report = lister.list_all(partition, progress=follower.progress)
    told = follower.ended(report)
    if set(report.causes) == {Cause.QUOTA}:
        reason = report.failures[0].reason
        context.log.warning("%s: %d designs wait: %s", partition, report.failed, reason)
        told |= {"waits": reason}
        waits = nothing("waits for the day", report.failed)
        report = Report(report.counts, {}, report.bytes, report.seconds, (), report.busy) + waits
    context.log.info("%s: %s", partition, dict(report.counts))
    return report, told


def _shown(rows: Sequence[ListingRow]) -> dict[str, Any]:
    """The listings as a table, with their addresses."""
    records = [
        dg.TableRecord(
            dict(
                zip(
                    _COLUMNS,
                    (row.design_id, row.state.value, row.url or "", row.title, row.reason or ""),
                    strict=True,
                )
            )
        )
        for row in rows[:50]
    ]
    schema = dg.TableSchema([dg.TableColumn(name) for name in _COLUMNS])
    return {
        "listings": dg.MetadataValue.table(records, schema),
        "drafts": sum(row.listing_id is not None for row in rows),
    }
