"""What people said of pixels, once these go by another hash: verdicts, and the way back from decisions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, or_, select, update

from image_assets.core.errors import RejectedError
from image_assets.core.verdicts import Ruling
from image_assets.services.catalog.decisions import Field
from image_assets.services.catalog.schema import decisions, verdicts

Change = dict[str, Any]
"""One change of a decision, as `decisions.Desk` writes it down."""

_REMEDY = (
    " undo what was said of one of them (image-assets designs decisions), then run"
    " image-assets refingerprint again"
)


@dataclass(frozen=True, slots=True)
class Joined:
    """A design whose pictures went to its twin: the design `joins`, with what leads to it, leads to `into`.

    That is the design itself, or, where somebody had merged it, the twin: then both are of that third
    one. `freed` is a twin that had been merged into the design.
    """

    design: str
    twin: str
    joins: str
    into: str
    freed: bool = False

    def in_place(self, design: str | None) -> str | None:
        """The design that stands where this one stood."""
        return self.into if design == self.joins else design


def joining(design: str, twin: str, own: str | None, theirs: str | None) -> Joined:
    """How a design joins its twin; `own` and `theirs` are what each of them was merged into."""
    if theirs == design:
        return Joined(design, twin, design, twin, freed=True)
    ruling = theirs or twin
    if own is None or own == ruling:
        return Joined(design, twin, design, ruling)
    return Joined(design, twin, ruling, own)


def renew_verdicts(
    connection: Connection, tenant: int, group: str, moved: Mapping[str, str]
) -> None:
    """What people said, they said of pictures: it is kept by what their pixels are called now.

    `moved` are new hashes by old ones. What was said twice by the new names stands once.

    Raises:
        RejectedError: by the new names two words contradict each other, or two pictures that differ
            by somebody's word have the same pixels; nothing may be written then.
    """
    renamed = False
    for old, new in moved.items():
        for row in connection.execute(select(verdicts).where(_on(tenant, group, old))).all():
            a, b = sorted(new if p == old else p for p in (row.pixel_a, row.pixel_b))
            _rename(connection, row, a, b)
            renamed = True
    if renamed:
        _renew_decisions(connection, tenant, group, moved)


def _on(tenant: int, group: str, pixels: str) -> ColumnElement[bool]:
    mine = (verdicts.c.tenant_id == tenant) & (verdicts.c.scope == group)
    return mine & or_(verdicts.c.pixel_a == pixels, verdicts.c.pixel_b == pixels)


def _rename(connection: Connection, row: Row[Any], a: str, b: str) -> None:
    this = verdicts.c.id == row.id
    if a == b:
        if row.verdict == Ruling.DIFFERENT:
            raise RejectedError(
                f"{row.person} said that two pictures differ which have the same pixels by now"
                f" ({a[:8]}):{_REMEDY}"
            )
        connection.execute(delete(verdicts).where(this))
        return
    there = connection.scalar(
        select(verdicts.c.verdict).where(
            verdicts.c.tenant_id == row.tenant_id,
            verdicts.c.scope == row.scope,
            verdicts.c.pixel_a == a,
            verdicts.c.pixel_b == b,
        )
    )
    if there is None:
        connection.execute(update(verdicts).where(this).values(pixel_a=a, pixel_b=b))
    elif there == row.verdict:
        connection.execute(delete(verdicts).where(this))
    else:
        raise RejectedError(
            f"{a[:8]} and {b[:8]} are the same by one word and different by another:{_REMEDY}"
        )


def _renew_decisions(
    connection: Connection, tenant: int, group: str, moved: Mapping[str, str]
) -> None:
    """Let the decisions that stand find their verdicts: undoing goes by the same names."""
    spoken: set[str] = set()
    _rewrite(connection, tenant, group, lambda changes: _renewed(changes, moved, spoken))


def follow(connection: Connection, tenant: int, group: str, joined: Joined) -> None:
    """Let the decisions that stand find the designs where they are, once one joined its twin."""
    _rewrite(
        connection,
        tenant,
        group,
        lambda changes: [c for change in changes for c in _followed(change, joined)],
    )


def _rewrite(
    connection: Connection,
    tenant: int,
    group: str,
    rewritten: Callable[[Sequence[Change]], list[Change]],
) -> None:
    standing = select(decisions.c.id, decisions.c.changes).where(
        decisions.c.tenant_id == tenant,
        decisions.c.scope == group,
        decisions.c.undone_at.is_(None),
    )
    for row in connection.execute(standing.order_by(decisions.c.id)).all():
        changes = rewritten(row.changes)
        if changes != row.changes:
            connection.execute(
                update(decisions).where(decisions.c.id == row.id).values(changes=changes)
            )


def _followed(change: Change, joined: Joined) -> list[Change]:
    """What undoing this change means now; nothing where pixels leave no choice."""
    values = {when: change[when] for when in ("before", "after")}
    if change["field"] == Field.DESIGN:
        moved = {w: joined.twin if d == joined.design else d for w, d in values.items()}
        return [change | moved]
    if change["field"] != Field.MERGED_INTO:
        return [change]
    if change["subject"] == joined.design:
        if joined.joins != joined.twin:
            return []
        return [change | {"subject": joined.twin}, change | {"before": joined.twin}]
    if joined.freed and change["subject"] == joined.twin:
        return []
    return [change | {when: joined.in_place(design) for when, design in values.items()}]


def _renewed(changes: Sequence[Change], moved: Mapping[str, str], spoken: set[str]) -> list[Change]:
    """The changes by the new names; a verdict that an earlier decision gave, or nobody needs, is left out.

    `spoken` are the pairs of the decisions so far, and grows.
    """
    kept = []
    for change in changes:
        if change["field"] != Field.VERDICT:
            kept.append(change)
            continue
        a, b = sorted(moved.get(pixels, pixels) for pixels in change["subject"].split())
        pair = f"{a} {b}"
        if a != b and pair not in spoken:
            spoken.add(pair)
            kept.append(change | {"subject": pair})
    return kept
