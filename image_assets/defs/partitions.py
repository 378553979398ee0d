"""How a source is cut into partitions, and the way from Dagster's keys to ours and back."""

import dagster as dg

from image_assets.core.model import Partition
from image_assets.sources import SourceSpec

DATE = "date"
STREAM = "stream"


def collections(spec: SourceSpec) -> dg.StaticPartitionsDefinition:
    """The source's collections: terminal/stream for cameras."""
    return dg.StaticPartitionsDefinition(list(spec.collections))


def frame_days(spec: SourceSpec) -> dg.MultiPartitionsDefinition:
    """UTC date x stream; a day exists once it has ended."""
    days = dg.DailyPartitionsDefinition(
        start_date=spec.start.isoformat(),
        end_date=spec.end.isoformat() if spec.end else None,
        timezone="UTC",
    )
    return dg.MultiPartitionsDefinition({DATE: days, STREAM: collections(spec)})


def partition_of(spec: SourceSpec, key: str) -> Partition:
    """The partition a Dagster key `date|stream` stands for."""
    dimensions = frame_days(spec).get_partition_key_from_str(str(key)).keys_by_dimension
    return Partition(spec.name, dimensions[STREAM], dimensions[DATE])


def key_of(partition: Partition) -> str:
    """The Dagster key of a partition."""
    return dg.MultiPartitionKey({DATE: partition.key, STREAM: partition.collection})
