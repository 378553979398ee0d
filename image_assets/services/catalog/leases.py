"""Named leases: who may do something alone, and until when."""

import datetime as dt

from sqlalchemy import Connection, delete

from image_assets.services.catalog.dialects import insert
from image_assets.services.catalog.schema import leases


def take(
    connection: Connection, name: str, owner: str, *, until: dt.datetime, now: dt.datetime
) -> bool:
    """Take or renew a lease; False while another owner's is running."""
    values = {"owner": owner, "until": until}
    taken = connection.execute(
        insert(connection, leases)
        .values(name=name, **values)
        .on_conflict_do_update(
            index_elements=["name"],
            set_=values,
            where=(leases.c.until <= now) | (leases.c.owner == owner),
        )
    )
    return taken.rowcount > 0


def give_back(connection: Connection, name: str, owner: str) -> None:
    """End a lease before its time."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.owner == owner))
