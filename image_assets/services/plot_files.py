"""Files of visualisations: pictures, the sidecars beside them, and moving just what was looked at."""

import datetime as dt
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from image_assets.core import plots
from image_assets.core.errors import RejectedError
from image_assets.core.plots import Plot
from image_assets.services.durable import disk_errors
from image_assets.services.folder_scan import open_plainly

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
_MOST_SIDECAR = 1 << 16  # bytes
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def is_picture(name: str) -> bool:
    """Whether a file of this name is looked at."""
    return not name.startswith(".") and Path(name).suffix.lower() in _PICTURES


def why_not(path: Path, picture: os.stat_result) -> str | None:
    """Why a picture's file cannot be taken; None of one that can."""
    if not stat.S_ISREG(picture.st_mode):
        return "a link, or no plain file; never opened"
    return None if os.access(path, os.R_OK) else "not readable; check its owner and rights"


def sidecar_of(path: Path) -> Path | None:
    """The picture's sidecar: of its whole name, else of its name without the extension."""
    beside = (path.with_name(f"{path.name}.json"), path.with_suffix(".json"))
    return next((sidecar for sidecar in beside if sidecar.is_file()), None)


def described(sidecar: Path) -> Plot:
    """What a sidecar says.

    Raises:
        ValueError: it cannot be read, or describes nothing.
    """
    try:
        with os.fdopen(open_plainly(sidecar), "rb") as opened:
            content = opened.read(_MOST_SIDECAR + 1)
    except OSError as error:
        raise ValueError(f"its sidecar {sidecar.name} cannot be read: {error.strerror}") from error
    if len(content) > _MOST_SIDECAR:
        raise ValueError(f"its sidecar {sidecar.name} is larger than {_MOST_SIDECAR:,} bytes")
    try:
        return plots.read(content)
    except ValueError as error:
        raise ValueError(f"its sidecar {sidecar.name} describes none: {error}") from error


def changed_at(found: os.stat_result) -> dt.datetime:
    """When a file was written last, to the microsecond."""
    return EPOCH + dt.timedelta(microseconds=found.st_mtime_ns // 1000)


def move(file: Path, known: os.stat_result, to: Path) -> bool:
    """Move the file that was looked at; another one that took its place meanwhile goes back there."""
    file.rename(to)
    if _identity(to.lstat()) == _identity(known):
        return True
    with suppress(FileExistsError):  # drawn once more: that one counts
        os.link(to, file, follow_symlinks=False)
    to.unlink()
    return False


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size


def digest(path: Path) -> str:
    """Hex SHA-256 of a plain file."""
    with disk_errors(path), os.fdopen(open_plainly(path), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise RejectedError(f"{path}: no plain file")
        return hashlib.file_digest(opened, "sha256").hexdigest()
