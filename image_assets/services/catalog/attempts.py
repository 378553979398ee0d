"""The attempts at an upload, numbered."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, func, select

from image_assets.core.errors import RejectedError
from image_assets.ports import Attempt
from image_assets.services.catalog.schema import attempts

_COUNT = select(func.count()).where(attempts.c.upload_id == bindparam("upload"))
_INSERT = attempts.insert()


def add(connection: Connection, upload_id: int, tried: Sequence[Attempt]) -> int:
    """Add these: the number of the last one."""
    before = int(connection.scalar(_COUNT, {"upload": upload_id}) or 0)
    connection.execute(
        _INSERT,
        [
            {
                "upload_id": upload_id,
                "number": number,
                "started_at": attempt.started_at,
                "seconds": attempt.seconds,
                "outcome": attempt.outcome,
                "error": attempt.error,
            }
            for number, attempt in enumerate(tried, before + 1)
        ],
    )
    return before + len(tried)


def told_before(connection: Connection, upload_id: int, attempt: Attempt) -> int:
    """The number of an attempt that was told by a commit whose answer got lost.

    Raises:
        RejectedError: nobody told it, and the row is another's.
    """
    number = connection.scalar(
        select(attempts.c.number).where(
            attempts.c.upload_id == upload_id,
            attempts.c.started_at == attempt.started_at,
            attempts.c.outcome == attempt.outcome,
            attempts.c.seconds == attempt.seconds,
        )
    )
    if number is None:
        raise RejectedError(
            f"upload {upload_id}: another run took it over while this one had it"
            f" ({attempt.outcome} is not recorded); look for a second copy at the host"
        )
    return int(number)
