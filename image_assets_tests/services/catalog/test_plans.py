"""Partition look-ups go by indices: no statement of theirs reads a whole table."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from image_assets.core.looks import LookTerms
from image_assets.core.model import ImageFormat, Publishes
from image_assets.services.catalog import Catalog
from image_assets_tests.services.catalog.samples import (
    DAY,
    LEASE,
    NOW,
    RECIPE,
    SCOPE,
    fingerprint,
    journey,
    publishable,
    register,
    store,
)

LARGE = "images|blobs|designs|exports|uploads|attempts|latest|deletions"
Statement = tuple[str, Any]


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[Statement]]:
    """Every statement that runs meanwhile."""
    seen: list[Statement] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")) and not many:
            seen.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


def whole_tables_read(catalog: Catalog, statement: Statement) -> list[str]:
    """The large tables that the database would read from end to end."""
    with catalog.engine.connect() as connection:
        if catalog.engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement[0]}", statement[1])
            return [row[3] for row in plan if re.match(rf"SCAN ({LARGE})\b", row[3])]
        # Small tables are read whole because that is cheaper; forbidden, only the need remains.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(f"EXPLAIN {statement[0]}", statement[1])
        return [row[0] for row in plan if re.search(rf"Seq Scan on ({LARGE})\b", row[0])]


def admit(catalog: Catalog) -> None:
    store(catalog, 60, "new")
    [picture] = catalog.designs.undesigned(DAY, SCOPE)
    with catalog.designs.admission(SCOPE) as desk:
        desk.exact("0" * 64, "1")
        desk.create(picture.image_id, fingerprint("x"), sha256=picture.sha256, now=NOW)


CALLS: dict[str, Callable[[Catalog], object]] = {
    "known": lambda c: c.images.known(DAY),
    "image counts": lambda c: c.images.counts(DAY),
    "paths": lambda c: c.images.paths(DAY),
    "add_stored": lambda c: store(c, 50, "bytes 1"),
    "undesigned": lambda c: c.designs.undesigned(DAY, SCOPE),
    "admission": admit,
    "design counts": lambda c: c.designs.counts(DAY),
    "flaws": lambda c: c.designs.flaws(DAY),
    "unexported": lambda c: c.thumbnails.unexported(DAY, [RECIPE]),
    "exports_count": lambda c: c.thumbnails.exports_count(DAY, RECIPE),
    "exported": lambda c: c.rebuilding.exported(publishable(c)[0].path),
    "exported by hash": lambda c: c.rebuilding.exported(publishable(c)[0].sha256, "default"),
    "unpublished": lambda c: c.rebuilding.unpublished(DAY, "pinata", RECIPE),
    "renewable": lambda c: c.rebuilding.renewable(DAY, [RECIPE]),
    "publishable": lambda c: c.uploads.publishable(DAY, Publishes.BOTH, RECIPE),
    "register": lambda c: c.uploads.register("pinata", "default", publishable(c), now=NOW),
    "begin": lambda c: c.uploads.begin(register(c)[0].id, "us", lease_until=LEASE, now=NOW),
    "upload counts": lambda c: c.uploads.counts(DAY, "pinata"),
    "published": lambda c: c.uploads.published(DAY, "pinata"),
    "newest_verified": lambda c: c.latest.newest_verified(
        DAY.source,
        DAY.collection,
        "pinata",
        RECIPE.name,
        ImageFormat.JPEG,
        until=NOW,
        tenant="default",
    ),
    "current": lambda c: c.latest.current("default", "k"),
    "tombstone": lambda c: c.retention.tombstone(1, now=NOW),
    "links due": lambda c: c.links.due("pinata", LookTerms(), now=NOW),
    "suspects": lambda c: c.links.suspects("pinata"),
    "homes": lambda c: c.republishing.homes(publishable(c)[0].sha256, "default"),
    "held": lambda c: c.republishing.held("pinata", "default", [publishable(c)[0].sha256]),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_look_up_reads_a_whole_table(catalog: Catalog, call: str) -> None:
    for minute in range(4):
        store(catalog, minute, f"bytes {minute % 3}")
    journey(catalog)

    with statements(catalog.engine) as seen:
        CALLS[call](catalog)

    assert seen
    assert [line for statement in seen for line in whole_tables_read(catalog, statement)] == []
