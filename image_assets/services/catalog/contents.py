"""What a partition has to publish: its pictures' own bytes and its designs' exports."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Row, Select, and_, select, union_all

from image_assets.core.model import Content, ImageFormat, ImageState, Partition, Publishes
from image_assets.core.naming import public_name
from image_assets.core.recipes import Recipe
from image_assets.services.catalog.making import renditions
from image_assets.services.catalog.schema import blobs, designs, exports, images
from image_assets.services.catalog.selections import RULING, STORED, of_partition


def live(
    connection: Connection,
    tenant: int,
    partition: Partition,
    publishes: Publishes,
    recipe: Recipe,
) -> Sequence[Content]:
    """Distinct contents whose bytes are here, by item key, then format; originals before exports."""
    kinds = {
        Publishes.ORIGINALS: [_originals(tenant, partition)],
        Publishes.EXPORTS: [_exports(tenant, partition, recipe)],
        Publishes.BOTH: [_originals(tenant, partition), _exports(tenant, partition, recipe)],
    }[publishes]
    rows = [
        (row.item_key, rank, row.format, row)
        for rank, kind in enumerate(kinds)
        for row in connection.execute(kind)
    ]
    rows.sort(key=lambda entry: entry[:3])
    contents: dict[str, Content] = {}
    for *_, row in rows:
        format = ImageFormat(row.format)
        name = public_name(row.sha256, format)
        content = Content(row.sha256, row.path, row.size, format, name, _labels(partition, row))
        contents.setdefault(row.sha256, content)
    return tuple(contents.values())


def had(tenant: int, partition: Partition) -> "CompoundSelect[str, str]":
    """Hashes of all the partition has or had to publish, with item keys; whatever was expired since."""
    originals = select(images.c.sha256, images.c.item_key).where(
        of_partition(tenant, partition),
        images.c.state.in_([ImageState.STORED, ImageState.EXPIRED]),
    )
    made = (
        select(exports.c.sha256, images.c.item_key)
        .select_from(
            images.join(designs, designs.c.id == images.c.design_id).join(
                exports, exports.c.design_id == RULING
            )
        )
        .where(of_partition(tenant, partition))
    )
    # A design that was merged keeps what it had published under its own id.
    before = (
        select(exports.c.sha256, images.c.item_key)
        .select_from(
            images.join(designs, designs.c.id == images.c.design_id).join(
                exports, exports.c.design_id == designs.c.id
            )
        )
        .where(of_partition(tenant, partition), designs.c.merged_into_id.is_not(None))
    )
    # An export that was rebuilt keeps what it had published as well.
    rebuilt = (
        select(renditions.c.sha256, images.c.item_key)
        .select_from(
            images.join(designs, designs.c.id == images.c.design_id).join(
                renditions, renditions.c.design_id == RULING
            )
        )
        .where(of_partition(tenant, partition))
    )
    return union_all(originals, made, before, rebuilt)


def _labels(partition: Partition, row: Row[Any]) -> dict[str, str]:
    """What a host that files things is told: where the first picture with these bytes came from."""
    taken = {} if row.captured_at is None else {"captured_at": row.captured_at.isoformat()}
    return {
        "tenant": partition.tenant,
        "source": partition.source,
        "collection": partition.collection,
        "partition": partition.key,
        "item": row.item_key,
        **taken,
    }


_COLUMNS = (
    images.c.item_key,
    images.c.captured_at,
    blobs.c.format,
    blobs.c.sha256,
    blobs.c.path,
    blobs.c.size,
)


def _originals(tenant: int, partition: Partition) -> "Select[str, Any, str, str, str, int]":
    return (
        select(*_COLUMNS)
        .select_from(images.join(blobs, blobs.c.id == images.c.blob_id))
        .where(of_partition(tenant, partition), STORED)
    )


def _exports(
    tenant: int, partition: Partition, recipe: Recipe
) -> "Select[str, Any, str, str, str, int]":
    wanted = and_(
        exports.c.design_id == RULING,
        exports.c.recipe == recipe.name,
        exports.c.format.in_(recipe.formats),
    )
    return (
        select(*_COLUMNS)
        .select_from(
            images.join(designs, designs.c.id == images.c.design_id)
            .join(exports, wanted)
            .join(blobs, blobs.c.id == exports.c.blob_id)
        )
        .where(of_partition(tenant, partition), STORED)
    )
