"""What people decide about designs. Ids never change: what is merged leads on, what leaves has its own.

A decision holds its scope as an admission does, is checked against every verdict at its end, and is
written down with what it changed (`decisions`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, or_, select, update

from image_assets.core.display import CHOSEN, Choice
from image_assets.core.errors import RejectedError
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.verdicts import Ruling, Verdict
from image_assets.ports import By, Decided, DecisionKind, Named
from image_assets.services.catalog import decisions as journal
from image_assets.services.catalog.decisions import Desk
from image_assets.services.catalog.dialects import lock
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.judged import disagreements, judgement
from image_assets.services.catalog.parting import (
    anchor_pixels,
    family,
    had_a_design,
    leave,
    leaver,
    ruling,
)
from image_assets.services.catalog.schema import decisions, designs, images


@dataclass(frozen=True, slots=True)
class SqlVerdicts:
    """Fulfils `ports.VerdictsCatalog`."""

    engine: Engine

    def same(self, tenant: str, into: Named, others: Sequence[Named], by: By) -> Decided:
        """All of them are one design, for ever: `into` rules, and the other ids lead to it."""
        with self._desk(tenant, [into, *others]) as desk:
            for other in others:
                _say(desk, Verdict.on(into.pixels, other.pixels, Ruling.SAME, by.person), by)
            target = ruling(desk, into.own)
            merged = {ruling(desk, other.own) for other in others} - {target}
            for design in sorted(merged):
                for one in family(desk, design):
                    desk.merge(one, target)
            kind = DecisionKind.SAME if len(others) == 1 else DecisionKind.MERGE
            said = f"{', '.join(_word(o) for o in others)} same as {_word(into)}"
            return _decided(desk, kind, said, by, [target])

    def leaving(self, tenant: str, one: Named, other: Named) -> Named | None:
        """Which of a pair has to leave their design and has not been one yet: it must be looked at.

        Raises:
            RejectedError: both are the anchor's picture.
        """
        _refuse_two_scopes([one, other])
        with reading(self.engine) as connection:
            desk = Desk(connection, tenant_id(connection, tenant), one.scope)
            if ruling(desk, one.own) != ruling(desk, other.own):
                return None
            said = judgement(connection, desk.tenant, desk.group)
            going = leaver(desk, said, one, other)
            return None if had_a_design(desk, going) else going

    def different(
        self, tenant: str, one: Named, other: Named, by: By, *, look: Fingerprint | None = None
    ) -> Decided:
        """They are never one design; if they are now, the one that is not the anchor leaves."""
        with self._desk(tenant, [one, other]) as desk:
            _say(desk, Verdict.on(one.pixels, other.pixels, Ruling.DIFFERENT, by.person), by)
            touched = [ruling(desk, one.own), ruling(desk, other.own)]
            if touched[0] == touched[1]:
                so_far = judgement(desk.connection, desk.tenant, desk.group)
                going = leaver(desk, so_far, one, other)
                touched.append(leave(desk, touched[0], going.pixels, by, look))
            said = f"{_word(one)} different from {_word(other)}"
            return _decided(desk, DecisionKind.DIFFERENT, said, by, touched)

    def split(
        self, tenant: str, pictures: Sequence[Named], by: By, *, look: Fingerprint | None = None
    ) -> Decided:
        """These pictures of one design become, together, one of their own."""
        with self._desk(tenant, pictures) as desk:
            rulings = {ruling(desk, picture.own) for picture in pictures}
            if len(rulings) != 1:
                raise RejectedError(f"they are of {len(rulings)} designs; split one at a time")
            (design,) = rulings
            anchor = anchor_pixels(desk, design)
            first, *rest = dict.fromkeys(picture.pixels for picture in pictures)
            if anchor in (first, *rest):
                raise RejectedError(
                    f"design {design} is what its first picture shows: that one stays;"
                    " split the others from it"
                )
            for pixels in rest:
                _say(desk, Verdict.on(first, pixels, Ruling.SAME, by.person), by)
            _say(desk, Verdict.on(anchor, first, Ruling.DIFFERENT, by.person), by)
            own = leave(desk, design, first, by, look)
            said = f"{', '.join(_word(p) for p in pictures)} out of {design}, as {own}"
            return _decided(desk, DecisionKind.SPLIT, said, by, [design, own])

    def display(self, tenant: str, picture: Named, by: By) -> Decided:
        """This picture shows its design, whatever the rule would choose."""
        if picture.image_id is None:
            raise RejectedError("name a picture (image:17): a design cannot show another one")
        if picture.path is None:
            raise RejectedError(f"{_word(picture)}: its bytes are not here, so it can show nothing")
        with self._desk(tenant, [picture]) as desk:
            design = ruling(desk, picture.own)
            desk.show(design, picture.image_id, CHOSEN + by.person)
            said = f"{_word(picture)} shows {design}"
            return _decided(desk, DecisionKind.DISPLAY, said, by, [design])

    def keep_best(self, tenant: str, design: str, choice: Choice) -> bool:
        """This picture shows the design by the rule; False when it is so, or a person chose."""
        with writing(self.engine) as connection:
            kept = func.coalesce(designs.c.display_reason, "")
            changed = connection.execute(
                update(designs)
                .where(
                    designs.c.id == design,
                    designs.c.tenant_id == tenant_id(connection, tenant),
                    or_(
                        designs.c.display_image_id != choice.image_id,
                        kept != choice.reason,
                    ),
                    ~kept.startswith(CHOSEN),
                )
                .values(display_image_id=choice.image_id, display_reason=choice.reason)
            )
            return changed.rowcount > 0

    def undo(self, tenant: str, decision_id: int, by: By) -> Decided:
        """Take a decision back: everything it changed is as it was."""
        with writing(self.engine) as connection:
            number = tenant_id(connection, tenant)
            row = journal.decision(connection, number, decision_id)
            lock(connection, "scope", str(number), row.scope)
            row = journal.decision(connection, number, decision_id)  # as it is under the lock
            desk = Desk(connection, number, row.scope)
            desk.take_back(decision_id, row.changes)
            touched = _touched(row.changes)
            _settle(desk, touched)
            connection.execute(
                update(decisions)
                .where(decisions.c.id == decision_id)
                .values(undone_by=by.person, undone_at=by.now)
            )
            return Decided(decision_id, tuple(sorted({ruling(desk, one) for one in touched})))

    @contextmanager
    def _desk(self, tenant: str, named: Sequence[Named]) -> Iterator[Desk]:
        group = _refuse_two_scopes(named)
        with writing(self.engine) as connection:
            number = tenant_id(connection, tenant)
            lock(connection, "scope", str(number), group)
            yield Desk(connection, number, group)


def _say(desk: Desk, verdict: Verdict, by: By) -> None:
    judgement(desk.connection, desk.tenant, desk.group).refuse_contradiction(verdict)
    desk.rule(verdict, by)


def _decided(desk: Desk, kind: DecisionKind, said: str, by: By, touched: Sequence[str]) -> Decided:
    _settle(desk, [*touched, *_touched(desk.changes)])
    rulings = dict.fromkeys(ruling(desk, design) for design in touched)
    return Decided(desk.record(kind, said, by), tuple(rulings))


def _settle(desk: Desk, touched: Sequence[str]) -> None:
    """Designs show pictures of their own, and keep every verdict.

    Raises:
        RejectedError: they do not keep one.
    """
    if broken := disagreements(desk.connection, desk.tenant, desk.group):
        raise RejectedError(
            f"that goes against what was said before: {'; '.join(map(str, broken))}."
            " Undo that first (image-assets designs decisions)"
        )
    for design in sorted(set(touched)):
        _show_own(desk, design)


def _show_own(desk: Desk, design: str) -> None:
    row = desk.connection.execute(
        select(designs.c.display_image_id, designs.c.anchor_image_id).where(designs.c.id == design)
    ).one()
    shown_by = desk.connection.scalar(
        select(images.c.design_id).where(images.c.id == row.display_image_id)
    )
    if shown_by not in family(desk, design):
        desk.connection.execute(
            update(designs)
            .where(designs.c.id == design)
            .values(display_image_id=row.anchor_image_id, display_reason=None)
        )


def _touched(changes: Sequence[dict[str, Any]]) -> list[str]:
    """The designs that changes speak of."""
    spoken: list[str | None] = []
    for change in changes:
        match change["field"]:
            case "merged_into":
                spoken += [change["subject"], change["before"], change["after"]]
            case "display":
                spoken.append(change["subject"])
            case "design":
                spoken += [change["before"], change["after"]]
    return sorted({design for design in spoken if design is not None})


def _refuse_two_scopes(named: Sequence[Named]) -> str:
    groups = {one.scope for one in named}
    if len(groups) != 1:
        raise RejectedError(f"they are of several sources ({', '.join(sorted(groups))})")
    return groups.pop()


def _word(named: Named) -> str:
    return named.own if named.image_id is None else f"image:{named.image_id}"
