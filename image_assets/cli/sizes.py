"""Sizes of files as people say them."""

import re

from image_assets.core.errors import PermanentError

_SIZE = re.compile(r"(\d+(?:\.\d+)?) *([kKmM]i?)?[bB]?", flags=re.ASCII)
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "ki": 1024, "mi": 1024**2}


def in_bytes(text: str | None, option: str) -> int | None:
    """`100KB`, `1.5 MB`, `512KiB` or a plain number of bytes; None of nothing.

    Raises:
        PermanentError: it is no size; names the option.
    """
    if text is None:
        return None
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise PermanentError(f"{option} {text}: say it as 100KB or 1.5MB")
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()])
