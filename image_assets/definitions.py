"""What Dagster loads: assets, checks, jobs, schedules, sensors and resources of every source."""

import dagster as dg

from image_assets import logs, settings
from image_assets.defs.build import build_definitions

__all__ = ["build_definitions", "defs"]


def _load() -> dg.Definitions:
    loaded = settings.load()
    if loaded.log_format == "json":  # text lines reach Dagster's own log already
        logs.configure(loaded.log_level, loaded.log_format, loaded.secrets)
    return build_definitions(loaded)


defs = _load()
