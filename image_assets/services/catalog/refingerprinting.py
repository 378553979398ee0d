"""Designs of another version, and the transaction that gives one its new fingerprint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, exists, func, or_, select, update

from image_assets.core.errors import RejectedError
from image_assets.core.fingerprint import Fingerprint
from image_assets.ports import Backlog, Outdated, Renewal
from image_assets.services.catalog.dialects import lock
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.filing import file_designs
from image_assets.services.catalog.judged import disagreements
from image_assets.services.catalog.renaming import follow, joining, renew_verdicts
from image_assets.services.catalog.schema import blobs, designs, images, tenants
from image_assets.services.catalog.selections import STORED
from image_assets.services.catalog.spaces import bands, codes, spaces

_PICTURED = exists().where(images.c.design_id == designs.c.id)


@dataclass(frozen=True, slots=True)
class SqlRefingerprinting:
    """Fulfils `ports.RefingerprintCatalog`."""

    engine: Engine

    def backlog(self, version: str) -> Backlog:
        """How many designs with pictures, of all tenants, are not of `version`."""
        here = exists().where(images.c.id == designs.c.anchor_image_id, STORED)
        with reading(self.engine) as connection:
            row = connection.execute(
                select(func.count().filter(here), func.count().filter(~here)).where(
                    designs.c.version != version, _PICTURED
                )
            ).one()
        return Backlog(*row)

    def outdated(
        self, version: str, *, tenant: str | None, after: str, most: int
    ) -> Sequence[Outdated]:
        """Designs with pictures whose version is not `version`, by id, from the one after `after`."""
        wanted = (designs.c.version != version) & (designs.c.id > after) & _PICTURED
        if tenant is not None:
            wanted &= tenants.c.name == tenant
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(designs.c.id, designs.c.version, designs.c.anchor_image_id, tenants.c.name)
                .join_from(designs, tenants, tenants.c.id == designs.c.tenant_id)
                .where(wanted)
                .order_by(designs.c.id)
                .limit(most)
            ).all()
            return tuple(
                Outdated(
                    row.name,
                    row.id,
                    row.version,
                    _sha256(connection, row.anchor_image_id),
                    _pictures(connection, row.id),
                )
                for row in rows
            )

    def renew(self, design: Outdated, look: Fingerprint, pixels: Mapping[str, str]) -> Renewal:
        """Give a design its new fingerprint, and its pictures the hashes of their pixels."""
        with writing(self.engine) as connection:
            tenant = tenant_id(connection, design.tenant)
            group = connection.scalar(
                select(designs.c.scope).where(designs.c.id == design.design_id)
            )
            if group is None:
                return Renewal.CHANGED
            lock(connection, "scope", str(tenant), group)
            if not _is_as_it_was(connection, design):
                return Renewal.CHANGED
            _close_space(connection, design.design_id)
            renew_verdicts(connection, tenant, group, _moved(connection, design, pixels))
            _renew_pictures(connection, design.design_id, pixels)
            twin = _twin(connection, tenant, group, look)
            if twin is not None:
                _join(connection, tenant, group, design.design_id, twin)
                return Renewal.JOINED
            connection.execute(
                update(designs)
                .where(designs.c.id == design.design_id)
                .values(
                    version=look.version,
                    pixel_hash=look.pixel_hash,
                    fingerprint=look.to_bytes(),
                    phash=look.phash_white,
                    dhash=look.dhash_white,
                    score=look.score,
                )
            )
            file_designs(connection, tenant, group, [(design.design_id, look)])
        return Renewal.RENEWED


def _sha256(connection: Connection, image_id: int) -> str | None:
    return connection.scalar(select(images.c.sha256).where(images.c.id == image_id, STORED))


def _pictures(connection: Connection, design: str) -> tuple[tuple[str, str], ...]:
    rows = connection.execute(
        select(blobs.c.sha256, blobs.c.path)
        .join_from(images, blobs, blobs.c.id == images.c.blob_id)
        .where(images.c.design_id == design, STORED)
        .distinct()
        .order_by(blobs.c.sha256)
    )
    return tuple((sha256, path) for sha256, path in rows)


def _is_as_it_was(connection: Connection, design: Outdated) -> bool:
    row = connection.execute(
        select(designs.c.version, designs.c.anchor_image_id).where(designs.c.id == design.design_id)
    ).one()
    same = row.version == design.version
    return same and _sha256(connection, row.anchor_image_id) == design.anchor


def _close_space(connection: Connection, design: str) -> None:
    """Forget the space in which the design is filed: it holds all of a version, or is not there."""
    space = connection.scalar(select(codes.c.space_id).where(codes.c.design_id == design))
    if space is not None:
        connection.execute(delete(bands).where(bands.c.space_id == space))
        connection.execute(delete(codes).where(codes.c.space_id == space))
        connection.execute(delete(spaces).where(spaces.c.id == space))


def _moved(
    connection: Connection, design: Outdated, pixels: Mapping[str, str]
) -> Mapping[str, str]:
    """New exact hashes by old ones, where they differ."""
    rows = connection.execute(
        select(images.c.sha256, images.c.pixel_hash).where(
            images.c.design_id == design.design_id, images.c.pixel_hash.is_not(None)
        )
    )
    new = {old: pixels[sha256] for sha256, old in rows if sha256 in pixels}
    return {old: found for old, found in new.items() if old != found}


def _renew_pictures(connection: Connection, design: str, pixels: Mapping[str, str]) -> None:
    for sha256, found in pixels.items():
        connection.execute(
            update(images)
            .where(
                images.c.design_id == design,
                images.c.sha256 == sha256,
                images.c.pixel_hash.is_not(None),
            )
            .values(pixel_hash=found)
        )


def _twin(connection: Connection, tenant: int, group: str, look: Fingerprint) -> str | None:
    """A design of the new version with exactly these pixels: it began, or was renewed, before."""
    return connection.scalar(
        select(designs.c.id).where(
            designs.c.tenant_id == tenant,
            designs.c.scope == group,
            designs.c.version == look.version,
            designs.c.pixel_hash == look.pixel_hash,
        )
    )


def _join(connection: Connection, tenant: int, group: str, design: str, twin: str) -> None:
    """The pictures of `design` are its twin's; the id leads on, and what people merged stays so.

    Raises:
        RejectedError: that goes against what people said.
    """
    connection.execute(update(images).where(images.c.design_id == design).values(design_id=twin))
    joined = joining(design, twin, _leads_to(connection, design), _leads_to(connection, twin))
    if joined.freed:
        connection.execute(update(designs).where(designs.c.id == twin).values(merged_into_id=None))
    led = or_(designs.c.id == joined.joins, designs.c.merged_into_id == joined.joins)
    connection.execute(
        update(designs).where(led, designs.c.id != joined.into).values(merged_into_id=joined.into)
    )
    follow(connection, tenant, group, joined)
    if broken := disagreements(connection, tenant, group):
        raise RejectedError(
            f"{design} has the pixels of {twin} by now, against what was said:"
            f" {'; '.join(map(str, broken))}. Undo that first (image-assets designs decisions)"
        )


def _leads_to(connection: Connection, design: str) -> str | None:
    return connection.scalar(select(designs.c.merged_into_id).where(designs.c.id == design))
