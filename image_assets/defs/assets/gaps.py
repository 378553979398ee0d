"""What a partition lacks, as the event shows it: a strip of 24 hours, a table, numbers that plot."""

import datetime as dt
from typing import Any

from image_assets.core import gap_strip
from image_assets.core.model import ImageFormat, Partition
from image_assets.defs import metadata
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.completeness import Assessed, Assessor


def assessed(
    resources: Any, spec: SourceSpec, settings: Settings, partition: Partition, now: dt.datetime
) -> Assessed:
    """The partition's day against the cadence that is given for its source, or learned."""
    assessor = Assessor(resources.catalog.completeness, spec.service, settings.grace)
    return assessor.day(partition, now=now)


def gaps(found: Assessed) -> dict[str, Any]:
    """The day's gaps; a day without any has no table."""
    day = found.completeness
    strip = gap_strip.draw(day, found.taken)
    shown = metadata.gap_figures(day) | {
        "condition": str(day),
        "cadence": cadence(found),
        "gap_strip": metadata.picture(strip, f"{found.partition}, UTC", ImageFormat.PNG),
    }
    return shown | ({"gap_table": metadata.gaps_table(day.gaps)} if day.gaps else {})


def cadence(found: Assessed) -> str:
    """What the day was held against, and how we came to it."""
    cadence = found.completeness.cadence
    if cadence.rates is None:
        return f"unknown: learned from 3 sealed days or more, and there are {cadence.days} near it"
    days = f" from {cadence.days} days" if cadence.days else ""
    return f"{cadence.expected(0, 24):g} pictures a day, {cadence.basis}{days}"
