"""How pictures leave a design: with everything that is the same, and under an id that was theirs."""

from collections.abc import Sequence

from sqlalchemy import or_, select, update

from image_assets.core.errors import NotFoundError, RejectedError, TransientError
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Policy, Scope
from image_assets.core.verdicts import Judgement
from image_assets.ports import By, Named
from image_assets.services.catalog.anchors import add_design
from image_assets.services.catalog.decisions import Desk
from image_assets.services.catalog.judged import judgement
from image_assets.services.catalog.schema import designs, images, tenants
from image_assets.services.catalog.selections import RULING


def leave(desk: Desk, design: str, pixels: str, by: By, look: Fingerprint | None) -> str:
    """Take these pixels, and all that are the same as they, out of the design; gives their own.

    Raises:
        TransientError: they had no design yet, and `look` is not theirs.
    """
    going = sorted(judgement(desk.connection, desk.tenant, desk.group).same_as(pixels))
    members = family(desk, design)
    pictures = _pictures(desk, members, going)
    leaving = _anchored(desk, members, going)
    own = leaving.get(pixels)
    if own is None:
        own = leaving[pixels] = _new_design(desk, design, pixels, pictures, by, look)
    for one in dict.fromkeys(leaving.values()):
        desk.merge(one, None if one == own else own)
    for image_id, held_by in pictures:
        if held_by not in leaving.values():
            desk.move(image_id, own)
    return own


def leaver(desk: Desk, said: Judgement, one: Named, other: Named) -> Named:
    """Of two pictures of one design, the one that is not on its anchor's side.

    Raises:
        RejectedError: both are.
    """
    anchor = anchor_pixels(desk, ruling(desk, one.own))
    for named in (other, one):
        if anchor not in said.same_as(named.pixels):
            return named
    raise RejectedError("both are the picture that the design began with; they cannot part")


def had_a_design(desk: Desk, named: Named) -> bool:
    """Whether the picture's pixels are the anchor of a design that was merged into the one it has."""
    members = family(desk, ruling(desk, named.own))
    return named.pixels in _anchored(desk, members, [named.pixels])


def family(desk: Desk, design: str) -> list[str]:
    """A ruling design and every one that was merged into it."""
    merged = desk.connection.scalars(
        select(designs.c.id).where(designs.c.merged_into_id == design).order_by(designs.c.id)
    )
    return [design, *merged]


def ruling(desk: Desk, design: str) -> str:
    """The design that answers for this one.

    Raises:
        NotFoundError: the tenant has no such design.
    """
    ours = (designs.c.id == design) & (designs.c.tenant_id == desk.tenant)
    found = desk.connection.scalar(select(RULING).where(ours))
    if found is None:
        raise NotFoundError(f"no design {design} in this scope; it is somebody else's or gone")
    return str(found)


def anchor_pixels(desk: Desk, design: str) -> str:
    """The pixels that a design began with."""
    own = select(designs.c.pixel_hash).where(designs.c.id == design)
    return str(desk.connection.execute(own).scalar_one())


def _anchored(desk: Desk, members: Sequence[str], pixels: Sequence[str]) -> dict[str, str]:
    """Of these designs, those whose anchors have these pixels; of several the newest version."""
    rows = desk.connection.execute(
        select(designs.c.pixel_hash, designs.c.id)
        .where(designs.c.id.in_(members), designs.c.pixel_hash.in_(pixels))
        .order_by(designs.c.version)
    )
    return {pixel: design for pixel, design in rows}


def _new_design(
    desk: Desk,
    former: str,
    pixels: str,
    pictures: Sequence[tuple[int, str]],
    by: By,
    look: Fingerprint | None,
) -> str:
    """A design for pixels that were only aliases, born into the one they are about to leave."""
    if look is None or look.pixel_hash != pixels:
        raise TransientError(
            f"{pixels[:8]} has to be looked at before it can be a design of its own; run again"
        )
    anchor = desk.connection.execute(
        select(images.c.id)
        .where(images.c.id.in_([image for image, _ in pictures]), images.c.pixel_hash == pixels)
        .order_by(images.c.id)
        .limit(1)
    ).scalar_one()
    named = select(tenants.c.name).where(tenants.c.id == desk.tenant)
    tenant = desk.connection.execute(named).scalar_one()
    scope = Scope(desk.group, Policy.EXACT, tenant)
    made = add_design(desk.connection, desk.tenant, scope, anchor, look, now=by.now)
    desk.connection.execute(
        update(designs).where(designs.c.id == made).values(merged_into_id=former)
    )
    return made


def _pictures(desk: Desk, members: Sequence[str], pixels: Sequence[str]) -> list[tuple[int, str]]:
    """Pictures of these designs with these pixels, those that repeat their bytes among them."""
    mine = images.c.design_id.in_(members)
    looked_at = select(images.c.sha256).where(mine, images.c.pixel_hash.in_(pixels))
    repeats = images.c.pixel_hash.is_(None) & images.c.sha256.in_(looked_at)
    rows = desk.connection.execute(
        select(images.c.id, images.c.design_id)
        .where(mine, or_(images.c.pixel_hash.in_(pixels), repeats))
        .order_by(images.c.id)
    )
    return [(image, design) for image, design in rows]
