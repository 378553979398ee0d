"""What people said of a scope, which designs have which pixels, and whether both agree."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, exists, select

from image_assets.core.verdicts import Judgement, Ruling, Verdict
from image_assets.ports import Judged
from image_assets.services.catalog.dialects import portions
from image_assets.services.catalog.schema import designs, images, verdicts
from image_assets.services.catalog.selections import RULING


def judgement(connection: Connection, tenant: int, group: str) -> Judgement:
    """All that people said of a scope."""
    return Judgement(_said(connection, tenant, group))


def is_spoken_of(connection: Connection, tenant: int, group: str) -> bool:
    """Whether people said anything of a scope."""
    return bool(connection.scalar(select(exists().where(_of(tenant, group)))))


def judged(connection: Connection, tenant: int, group: str, pixels: str, version: str) -> Judged:
    """What people said of these pixels, in terms of designs as they are now.

    Of a verdict that speaks of pictures without a design nothing follows yet.
    """
    mentioned = (verdicts.c.pixel_a == pixels) | (verdicts.c.pixel_b == pixels)
    if not connection.scalar(select(exists().where(_of(tenant, group), mentioned))):
        return Judged()  # nearly always: nothing follows for what nobody spoke of
    said = judgement(connection, tenant, group)
    same, apart = said.same_as(pixels), said.different_from(pixels)
    alike = designs_of_pixels(connection, tenant, group, sorted(same), version)
    never = designs_of_pixels(connection, tenant, group, sorted(apart))
    return Judged(min(alike.values(), default=None), frozenset(never.values()))


def designs_of_pixels(
    connection: Connection,
    tenant: int,
    group: str,
    pixels: Sequence[str],
    version: str | None = None,
) -> dict[str, str]:
    """The ruling designs, of one version or of any, that have these pixels or began with them."""
    found: dict[str, str] = {}
    ours = (designs.c.tenant_id == tenant) & (designs.c.scope == group)
    if version is not None:
        ours &= designs.c.version == version
    for portion in portions(sorted(set(pixels))):
        anchored = (
            select(designs.c.pixel_hash, RULING)
            .where(ours, designs.c.pixel_hash.in_(portion))
            .order_by(designs.c.version)
        )
        pictured = (
            select(images.c.pixel_hash, RULING)
            .join_from(images, designs, designs.c.id == images.c.design_id)
            .where(images.c.tenant_id == tenant, images.c.pixel_hash.in_(portion), ours)
            .order_by(designs.c.version)
        )
        for rows in (anchored, pictured):  # pictures are the truth of today
            found.update((pixel, design) for pixel, design in connection.execute(rows))
    return found


def disagreements(connection: Connection, tenant: int, group: str) -> Sequence[Verdict]:
    """Verdicts that the designs do not keep; none when all is well."""
    said = _said(connection, tenant, group)
    known = designs_of_pixels(connection, tenant, group, [p for v in said for p in (v.a, v.b)])
    return tuple(
        v
        for v in said
        if v.a in known
        and v.b in known
        and (known[v.a] == known[v.b]) is not (v.ruling is Ruling.SAME)
    )


def _said(connection: Connection, tenant: int, group: str) -> list[Verdict]:
    rows = connection.execute(select(verdicts).where(_of(tenant, group)))
    return [Verdict(r.pixel_a, r.pixel_b, Ruling(r.verdict), r.person) for r in rows]


def _of(tenant: int, group: str) -> ColumnElement[bool]:
    return (verdicts.c.tenant_id == tenant) & (verdicts.c.scope == group)
