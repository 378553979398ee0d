"""Which files of a folder are wanted: by extension, name, bytes and time of change."""

import datetime as dt
from dataclasses import dataclass
from fnmatch import fnmatchcase

EXTENSIONS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
"""Those of original 0; what a file really is, its bytes say."""

NO_PICTURE = "not named as a picture"


@dataclass(frozen=True, slots=True)
class FileFilter:
    """What is asked of a file; patterns are of a shell, and fit its name or its path below the folder.

    Bytes are at least `min_size` and at most `max_size`; `since` is aware UTC.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_size: int | None = None
    max_size: int | None = None
    since: dt.datetime | None = None

    def lacks(self, name: str, size: int, modified_ns: int) -> str | None:
        """Why a file is not wanted; None when it is. `modified_ns` is since 1970."""
        if not name.lower().endswith(EXTENSIONS):
            return NO_PICTURE
        if self.include and not _fits(name, self.include):
            return "not of the wanted names"
        if self.exclude and _fits(name, self.exclude):
            return "not of the wanted names"
        if (self.min_size or 0) > size or (self.max_size is not None and size > self.max_size):
            return "not of the wanted size"
        if self.since is not None and modified_ns < self.since.timestamp() * 1e9:
            return "older than wanted"
        return None


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern fits; case counts as little as in extensions."""
    spelled = name.lower()
    last = spelled.rpartition("/")[2]
    return any(
        fnmatchcase(part, pattern.lower()) for pattern in patterns for part in (spelled, last)
    )
