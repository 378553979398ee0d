"""One function assembles everything that Dagster loads."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from image_assets.defs.assets.links import destinations, link_checks, links_asset
from image_assets.defs.assets.retention import retention_assets
from image_assets.defs.assets.source import source_assets
from image_assets.defs.checks import asset_checks
from image_assets.defs.jobs import jobs
from image_assets.defs.resources import resources as resources_of
from image_assets.defs.schedules import schedules
from image_assets.defs.sensors import sensors
from image_assets.settings import Settings


def build_definitions(
    settings: Settings, resources: Mapping[str, Any] | None = None
) -> dg.Definitions:
    """Everything, for these settings and these services (else those that the settings describe).

    The graph depends on the sources file alone: it loads with an empty environment.
    """
    specs = settings.sources
    on = settings.image_assets_automation == "on"
    chains = [asset for spec in specs for asset in source_assets(spec, settings)]
    hosts = destinations(specs)
    links = [links_asset(specs, settings, host) for host in hosts]
    return dg.Definitions(
        assets=[*chains, *links, *retention_assets(settings)],
        asset_checks=[*asset_checks(specs, settings), *(c for h in hosts for c in link_checks(h))],
        jobs=jobs(specs),
        schedules=schedules(specs, on=on),
        sensors=sensors(specs, settings),
        resources=dict(resources) if resources is not None else resources_of(settings),
        executor=dg.in_process_executor,
    )
