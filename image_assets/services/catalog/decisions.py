"""What one decision changes, written down with what was there before: undoing goes the way back."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from image_assets.core.errors import NotFoundError, RejectedError
from image_assets.core.verdicts import Verdict
from image_assets.ports import By, DecisionKind
from image_assets.services.catalog.schema import decisions, designs, images, verdicts


class Field(StrEnum):
    """What a decision can change: of a design, of a picture, and the verdict on a pair."""

    MERGED_INTO = "merged_into"
    DISPLAY = "display"
    DESIGN = "design"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Desk:
    """A scope that is open for one decision; nobody else decides or admits to it meanwhile."""

    connection: Connection
    tenant: int
    group: str
    changes: list[dict[str, Any]] = field(default_factory=list)

    def merge(self, design: str, into: str | None) -> None:
        """The design leads to another one, or to none."""
        self._set(Field.MERGED_INTO, design, into)

    def move(self, image_id: int, design: str) -> None:
        """The picture is of this design."""
        self._set(Field.DESIGN, str(image_id), design)

    def show(self, design: str, image_id: int, reason: str | None) -> None:
        """The picture shows the design."""
        self._set(Field.DISPLAY, design, [image_id, reason])

    def rule(self, verdict: Verdict, by: By) -> None:
        """The verdict stands; who said so first stays its author."""
        pair = f"{verdict.a} {verdict.b}"
        known = self._get(Field.VERDICT, pair)
        if known is None:
            self._set(Field.VERDICT, pair, [verdict.ruling, by.person, by.now.isoformat()])

    def record(self, kind: DecisionKind, said: str, by: By) -> int | None:
        """Write the decision down; None when it changed nothing."""
        if not self.changes:
            return None
        values = {
            "tenant_id": self.tenant,
            "scope": self.group,
            "kind": kind,
            "person": by.person,
            "said": said,
            "changes": self.changes,
            "decided_at": by.now,
        }
        made = insert(decisions).values(values).returning(decisions.c.id)
        return int(self.connection.execute(made).scalar_one())

    def take_back(self, decision_id: int, changes: Sequence[dict[str, Any]]) -> None:
        """Give everything the value it had before these changes of a decision.

        Raises:
            RejectedError: something was changed again since; says by what.
        """
        for change in reversed(changes):
            field, subject = Field(change["field"]), change["subject"]
            if self._get(field, subject) != change["after"]:
                raise RejectedError(self._changed_since(field, subject, decision_id))
            _ROWS[field].write(self, subject, change["before"])

    def _changed_since(self, field: Field, subject: str, decision_id: int) -> str:
        """What to do about a value that is not the one a decision gave."""
        said = f"the {field} of {subject[:24]} was changed again since"
        later = select(decisions.c.id, decisions.c.changes).where(
            decisions.c.tenant_id == self.tenant,
            decisions.c.scope == self.group,
            decisions.c.undone_at.is_(None),
            decisions.c.id > decision_id,
        )
        for row in self.connection.execute(later.order_by(decisions.c.id.desc())):
            if any((c["field"], c["subject"]) == (field, subject) for c in row.changes):
                return f"{said}, by decision {row.id}; undo that first (image-assets designs undo {row.id})"
        return (
            f"{said}, and by no decision: a picture was replaced, or a new fingerprint found the"
            " same pixels twice; say what holds now instead (image-assets designs same, different)"
        )

    def _set(self, field: Field, subject: str, after: Any) -> None:
        before = self._get(field, subject)
        if before != after:
            _ROWS[field].write(self, subject, after)
            change = {"field": field, "subject": subject, "before": before, "after": after}
            self.changes.append(change)

    def _get(self, field: Field, subject: str) -> Any:
        return _ROWS[field].read(self, subject)


def decision(connection: Connection, tenant: int, decision_id: int) -> Any:
    """The tenant's decision, which stands.

    Raises:
        NotFoundError: there is none. RejectedError: it was undone.
    """
    row = connection.execute(
        select(decisions).where(decisions.c.id == decision_id, decisions.c.tenant_id == tenant)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no decision {decision_id}; image-assets designs decisions lists them")
    if row.undone_at is not None:
        raise RejectedError(f"decision {decision_id} was undone by {row.undone_by}")
    return row


@dataclass(frozen=True, slots=True)
class _Row:
    """How a field is read and written, by its subject."""

    read: Callable[[Desk, str], Any]
    write: Callable[[Desk, str, Any], None]


def _this_design(desk: Desk, subject: str) -> ColumnElement[bool]:
    return (designs.c.id == subject) & (designs.c.tenant_id == desk.tenant)


def _this_image(desk: Desk, subject: str) -> ColumnElement[bool]:
    return (images.c.id == int(subject)) & (images.c.tenant_id == desk.tenant)


def _this_pair(desk: Desk, subject: str) -> ColumnElement[bool]:
    a, b = subject.split()
    mine = (verdicts.c.tenant_id == desk.tenant) & (verdicts.c.scope == desk.group)
    return mine & (verdicts.c.pixel_a == a) & (verdicts.c.pixel_b == b)


def _read_merged(desk: Desk, subject: str) -> Any:
    return desk.connection.scalar(
        select(designs.c.merged_into_id).where(_this_design(desk, subject))
    )


def _write_merged(desk: Desk, subject: str, value: Any) -> None:
    where = _this_design(desk, subject)
    desk.connection.execute(update(designs).where(where).values(merged_into_id=value))


def _read_display(desk: Desk, subject: str) -> Any:
    shown = select(designs.c.display_image_id, designs.c.display_reason)
    return list(desk.connection.execute(shown.where(_this_design(desk, subject))).one())


def _write_display(desk: Desk, subject: str, value: Any) -> None:
    values = {"display_image_id": value[0], "display_reason": value[1]}
    desk.connection.execute(update(designs).where(_this_design(desk, subject)).values(values))


def _read_design(desk: Desk, subject: str) -> Any:
    return desk.connection.scalar(select(images.c.design_id).where(_this_image(desk, subject)))


def _write_design(desk: Desk, subject: str, value: Any) -> None:
    where = _this_image(desk, subject)
    desk.connection.execute(update(images).where(where).values(design_id=value))


def _read_verdict(desk: Desk, subject: str) -> Any:
    said = select(verdicts.c.verdict, verdicts.c.person, verdicts.c.decided_at)
    row = desk.connection.execute(said.where(_this_pair(desk, subject))).one_or_none()
    return None if row is None else [row.verdict, row.person, row.decided_at.isoformat()]


def _write_verdict(desk: Desk, subject: str, value: Any) -> None:
    if value is None:
        desk.connection.execute(delete(verdicts).where(_this_pair(desk, subject)))
        return
    a, b = subject.split()
    ruling, person, decided_at = value
    desk.connection.execute(
        insert(verdicts).values(
            tenant_id=desk.tenant,
            scope=desk.group,
            pixel_a=a,
            pixel_b=b,
            verdict=ruling,
            person=person,
            decided_at=dt.datetime.fromisoformat(decided_at),
        )
    )


_ROWS = {
    Field.MERGED_INTO: _Row(_read_merged, _write_merged),
    Field.DISPLAY: _Row(_read_display, _write_display),
    Field.DESIGN: _Row(_read_design, _write_design),
    Field.VERDICT: _Row(_read_verdict, _write_verdict),
}
