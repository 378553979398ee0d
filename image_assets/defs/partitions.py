"""How a source is cut into partitions, and the way from Dagster's keys to ours and back."""

import dagster as dg

from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.core.model import Partition
from image_assets.sources import SourceSpec

DATE = "date"
STREAM = "stream"


def collections(spec: SourceSpec) -> dg.StaticPartitionsDefinition:
    """The source's collections: terminal/stream for cameras."""
    return dg.StaticPartitionsDefinition(list(spec.collections))


def partitions(spec: SourceSpec) -> dg.PartitionsDefinition[str]:
    """UTC date x stream for what is dated, one batch or request after the other for what is not."""
    if spec.generated:
        return requests(spec)
    return frame_days(spec) if spec.dated else batches(spec)


def frame_days(spec: SourceSpec) -> dg.MultiPartitionsDefinition:
    """UTC date x stream; a day exists once it has ended, one of visualisations once it has begun."""
    days = dg.DailyPartitionsDefinition(
        start_date=spec.start.isoformat(),
        end_date=spec.end.isoformat() if spec.end else None,
        timezone="UTC",
        end_offset=1 if spec.drawn and spec.end is None else 0,
    )
    return dg.MultiPartitionsDefinition({DATE: days, STREAM: collections(spec)})


def batches(spec: SourceSpec) -> dg.DynamicPartitionsDefinition:
    """The batches of an inbox, `{shop}:{batch}`; the sensor adds each when it is taken."""
    return dg.DynamicPartitionsDefinition(name=f"{spec.name}_batches")


def requests(spec: SourceSpec) -> dg.DynamicPartitionsDefinition:
    """The requests for pictures, `{tenant}:{request}`; the sensor adds each when it was made."""
    return dg.DynamicPartitionsDefinition(name=f"{spec.name}_requests")


def partition_of(spec: SourceSpec, key: str) -> Partition:
    """The partition a Dagster key stands for: `date|stream`, `shop:batch` or `tenant:request`.

    Raises:
        PermanentError: the key is no batch's or request's; people can add any to a list that grows.
    """
    if not spec.dated:
        read = naming.request_of if spec.generated else naming.batch_of
        try:
            return read(spec.name, str(key))
        except ValueError as error:
            raise PermanentError(f"{spec.name}: {error}") from error
    dimensions = frame_days(spec).get_partition_key_from_str(str(key)).keys_by_dimension
    return Partition(spec.name, dimensions[STREAM], dimensions[DATE])


def key_of(partition: Partition) -> str:
    """The Dagster key of a day's partition."""
    return dg.MultiPartitionKey({DATE: partition.key, STREAM: partition.collection})
