"""What was published, looked at again: an asset for each destination, and its two checks."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from image_assets.core import fidelity
from image_assets.core.looks import Finding
from image_assets.core.notices import shortened
from image_assets.defs.assets.options import OWNERS, clock
from image_assets.defs.expectations import partition_checks
from image_assets.defs.failures import as_event, failures_for_dagster, raise_failed
from image_assets.defs.partitions import key_of
from image_assets.defs.resources import host_key
from image_assets.ports import LinkCounts, Suspect
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.links import Checked, LinkChecker
from image_assets.stages.verification import Witness

GROUP = "links"

_SHOWN = 50
_HOMES = 3


def destinations(specs: Sequence[SourceSpec]) -> list[str]:
    """Every destination of the sources file, once."""
    return sorted({str(destination) for spec in specs for destination in spec.destinations})


def links_key(destination: str) -> dg.AssetKey:
    """The asset of a destination's links."""
    return dg.AssetKey([GROUP, destination])


def links_asset(
    specs: Sequence[SourceSpec], settings: Settings, destination: str
) -> dg.AssetsDefinition:
    """The asset of one destination: what is due there is looked at."""
    retry_after = settings.image_assets_retry_seconds

    @dg.asset(
        key=links_key(destination),
        deps=[
            dg.AssetKey([spec.name, "uploaded_urls", destination])
            for spec in specs
            if destination in spec.destinations
        ],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"python", destination},
        required_resource_keys={"catalog", "store", host_key(destination)},
        pool=destination,  # the rate limiter in it is true across runs
    )
    def links(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every published picture that is due, looked at where everybody reads it.

        The longest not looked at come first, so many of them a run. What two looks, hours apart, find
        gone or changed fails in the ledger: the next run of its uploads publishes it again. A host
        that does not answer says nothing of its pictures.
        """
        with failures_for_dagster(context, retry_after=retry_after):
            checked = _checker(context, settings, destination).check()
        catalog = context.resources.catalog
        counts = catalog.links.counts(destination, settings.look_terms, now=clock())
        suspects = catalog.links.suspects(destination, most=_SHOWN)
        profile = fidelity.profile(catalog.fidelity.habits(destination))
        context.log.info("%s: %s", destination, dict(checked.report.counts))
        if checked.lost:
            _show_at_home(context, specs, settings, destination, suspects)
        if checked.stopped:
            context.log.warning("%s", checked.stopped)
        raise_failed(context, checked.report, retry_after=retry_after)
        return dg.MaterializeResult(metadata=_figures(checked, counts, suspects, profile))

    return links


def link_checks(destination: str) -> list[dg.AssetChecksDefinition]:
    """Whether what was published is there, and whether the host does with pictures what it did."""
    return [_all_there(destination), _unchanged(destination)]


def _checker(
    context: dg.AssetExecutionContext, settings: Settings, destination: str
) -> LinkChecker:
    resources = context.resources
    catalog = resources.catalog
    return LinkChecker(
        destination,
        getattr(resources, host_key(destination)),
        catalog.links,
        catalog.uploads,
        Witness(destination, catalog.fidelity, catalog.notices, clock),
        catalog.notices,
        resources.store,
        clock,
        settings.look_terms,
    )


def _show_at_home(
    context: dg.AssetExecutionContext,
    specs: Sequence[SourceSpec],
    settings: Settings,
    destination: str,
    suspects: Sequence[Suspect],
) -> None:
    """Evaluate the check `published` of the partitions that lost something: it fails there now."""
    stage = f"uploaded_urls/{destination}"
    lost = {home for suspect in suspects if suspect.settled for home in suspect.partitions}
    for spec in specs:
        if destination not in spec.destinations:
            continue
        [published] = [c for c in partition_checks(spec, settings)[stage] if c.name == "published"]
        for partition in sorted(home for home in lost if home.source == spec.name):
            found = published.evaluate(context.resources, partition)
            asset = dg.AssetKey([spec.name, *stage.split("/")])
            context.log_event(as_event(asset, str(key_of(partition)), found))


def _figures(
    checked: Checked, counts: LinkCounts, suspects: Sequence[Suspect], profile: dict[str, str]
) -> dict[str, Any]:
    looked = checked.report.counts
    numbers: dict[str, Any] = {str(finding): looked.get(finding, 0) for finding in Finding}
    numbers |= {
        "looked_at": sum(looked.values()),
        "given_up": checked.lost,
        "published": counts.verified,
        "never_looked_at": counts.never,
        "due": counts.due,
        "seconds": round(checked.report.seconds, 3),
        "treats": dg.MetadataValue.json(profile),
    }
    if suspects:
        numbers["not_well"] = _table(suspects)
        numbers["partitions"] = dg.MetadataValue.json(_partitions(suspects))
    if checked.stopped:
        numbers["stopped"] = checked.stopped
    return numbers


def _all_there(destination: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=links_key(destination),
        name="links_alive",
        description=f"What was published at {destination} was there when it was last looked at.",
        blocking=False,
        required_resource_keys={"catalog"},
    )
    def evaluate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        found = context.resources.catalog.links.suspects(destination, most=_SHOWN)
        # Who did not answer once is no loss yet; who says that it is gone, is one soon.
        accused = [suspect for suspect in found if suspect.since is not None]
        described = {"not_well": _table(found)} if found else {}
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR if accused else dg.AssetCheckSeverity.WARN,
            metadata={
                "accused": len(accused),
                "unreachable": len(found) - len(accused),
                "partitions": dg.MetadataValue.json(_partitions(accused)),
                **described,
            },
            description=_told(destination, found, accused),
        )

    return evaluate


def _unchanged(destination: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=links_key(destination),
        name="fidelity_unchanged",
        description=f"{destination} does with pictures what it did before.",
        blocking=False,
        required_resource_keys={"catalog"},
    )
    def evaluate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        habits = context.resources.catalog.fidelity.habits(destination)
        changes = [habit for habit in habits if habit.alarms]
        harm = any(habit.treatment.harms for habit in changes)
        said = "; ".join(f"{destination} {habit.said}" for habit in changes)
        return dg.AssetCheckResult(
            passed=not changes,
            severity=dg.AssetCheckSeverity.ERROR if harm else dg.AssetCheckSeverity.WARN,
            metadata={"treats": dg.MetadataValue.json(fidelity.profile(habits))},
            description=f"{said}. Take note of it: image-assets links accept {destination}"
            if changes
            else None,
        )

    return evaluate


def _told(destination: str, found: Sequence[Suspect], accused: Sequence[Suspect]) -> str | None:
    if not found:
        return None
    if not accused:
        return f"{destination} did not answer for {len(found)} pictures; that proves nothing"
    lost = sum(suspect.settled for suspect in accused)
    first = accused[0]
    return (
        f"{len(accused)} published pictures are gone or changed, {lost} of them for good, for"
        f" instance {first.upload.content.name}: {first.reason}"
    )


def _partitions(suspects: Sequence[Suspect]) -> list[str]:
    """The partitions whose uploads publish it again, once two looks agree."""
    return sorted({str(partition) for suspect in suspects for partition in suspect.partitions})


def _table(suspects: Sequence[Suspect]) -> dg.MetadataValue[Any]:
    names = ("picture", "found", "settled", "belongs_to", "reason")
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "picture": suspect.upload.content.name,
                    "found": suspect.finding.value,
                    "settled": suspect.settled,
                    "belongs_to": ", ".join(map(str, suspect.partitions[:_HOMES])),
                    "reason": shortened(suspect.reason or ""),
                }
            )
            for suspect in suspects
        ],
        dg.TableSchema([dg.TableColumn(n, "bool" if n == "settled" else "string") for n in names]),
    )
