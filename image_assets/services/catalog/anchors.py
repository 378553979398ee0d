"""The row of a design: what its anchor looked like when it began."""

import datetime as dt

from sqlalchemy import Connection, insert

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Scope
from image_assets.core.naming import design_id
from image_assets.services.catalog.filing import file_designs
from image_assets.services.catalog.schema import designs


def add_design(
    connection: Connection,
    tenant: int,
    scope: Scope,
    image_id: int,
    look: Fingerprint,
    *,
    now: dt.datetime,
) -> str:
    """A new design of this picture (`insert_design`), filed for the search; its id."""
    made = insert_design(connection, tenant, scope, image_id, look, now=now)
    file_designs(connection, tenant, scope.group, [(made, look)])
    return made


def insert_design(
    connection: Connection,
    tenant: int,
    scope: Scope,
    image_id: int,
    look: Fingerprint,
    *,
    now: dt.datetime,
) -> str:
    """A new design with this picture as anchor and display image; its id, derived from its pixels.

    Whoever inserts has to file it (`filing`) before the transaction ends.
    """
    made = design_id(scope.tenant, scope.group, look.pixel_hash, look.version)
    connection.execute(
        insert(designs),
        {
            "id": made,
            "tenant_id": tenant,
            "scope": scope.group,
            "version": look.version,
            "pixel_hash": look.pixel_hash,
            "fingerprint": look.to_bytes(),
            "phash": look.phash_white,
            "dhash": look.dhash_white,
            "score": look.score,
            "anchor_image_id": image_id,
            "display_image_id": image_id,
            "created_at": now,
        },
    )
    return made
