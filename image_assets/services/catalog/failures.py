"""What a database's failures mean to our reader: wait, or change something. A mistake of ours stays one."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NoSpaceError,
    PermanentError,
    TransientError,
)

_FILE = "IMAGE_ASSETS_DATA_DIR (or the file that IMAGE_ASSETS_DATABASE_URL names)"


@contextmanager
def readable_address() -> Iterator[None]:
    """A database URL that cannot be read is a setting to mend.

    Raises:
        PermanentError: it is none; its text, which may hold a password, is not repeated.
    """
    try:
        yield
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise PermanentError("catalog: IMAGE_ASSETS_DATABASE_URL is not a database URL") from None


@contextmanager
def our_errors() -> Iterator[None]:
    """A database that does not answer is our reader's business; a broken rule of ours is a bug.

    Raises:
        TransientError: it is busy, full or away.
        PermanentError: it is not there, no database, or not ours to write.
        AuthenticationError: it refuses the credential.
    """
    try:
        yield
    except DBAPIError as error:
        translated = _translated(error)
        if translated is None:
            raise
        raise translated from None
    except PoolTimeoutError:
        raise TransientError("catalog: no connection became free") from None


def sqlite_code(error: sqlite3.Error) -> str:
    """SQLite's primary code without its prefix (`BUSY`, `NOTADB` …); empty where it gave none."""
    name: str = getattr(error, "sqlite_errorname", "")
    return name.removeprefix("SQLITE_").partition("_")[0]


def _translated(error: DBAPIError) -> ImageAssetsError | None:
    # The driver's text may hold the URL with its password: it is looked at, never passed on.
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    lost = isinstance(error, InterfaceError) or error.connection_invalidated
    if lost or isinstance(error, OperationalError):
        return _of_postgres(type(error.orig).__name__, str(error.orig))
    return None


def _of_sqlite(error: sqlite3.Error) -> ImageAssetsError | None:
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    match sqlite_code(error):
        case "NOTADB" | "CORRUPT":
            return PermanentError(
                f"catalog: its file is no SQLite database or is damaged ({name}); check {_FILE},"
                " or put a backup in its place"
            )
        case "CANTOPEN" | "READONLY" | "PERM":
            return PermanentError(
                f"catalog: its file cannot be opened or written ({name}); check the path and the"
                f" rights of {_FILE}"
            )
        case "FULL":
            return NoSpaceError(f"catalog: no space is left ({name}); free some for {_FILE}")
        case "ERROR":  # wrong SQL
            return None
    if isinstance(error, sqlite3.OperationalError):
        return TransientError(
            f"catalog: the database did not answer ({name}); it is tried again; if it stays so,"
            f" see who else writes to {_FILE}"
        )
    return None


def _of_postgres(kind: str, told: str) -> ImageAssetsError:
    if "authentication failed" in told or "no password supplied" in told:
        return AuthenticationError(
            "catalog: the database refuses the credential; check IMAGE_ASSETS_DATABASE_URL"
        )
    if kind == "OperationalError" and "does not exist" in told:
        return PermanentError(
            "catalog: the database does not exist, or its user; check IMAGE_ASSETS_DATABASE_URL"
        )
    return TransientError(
        f"catalog: the database did not answer ({kind}); it is tried again; if it stays so, see"
        " whether the server of IMAGE_ASSETS_DATABASE_URL runs and has room"
    )
