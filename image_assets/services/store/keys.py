"""Which keys a store takes: relative, plain, and the same on every kind of store."""

from image_assets.core.errors import RejectedError

MOST_BYTES = 1024  # of a whole key: what S3 takes
_MOST_SEGMENT = 255  # bytes of one name: what file systems take


def segments(key: str) -> tuple[str, ...]:
    """The names of `key`, one after the other.

    Raises:
        RejectedError: it could lead out of the store, or not every store could hold it.
    """
    names = tuple(key.split("/"))
    reason = next((reason for name in names if (reason := _refusal(name))), None)
    if reason is None and len(key.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        reason = f"more than {MOST_BYTES} bytes"
    if reason is not None:
        raise RejectedError(f"{key[:100]!r} is no key of a store: {reason}")
    return names


def _refusal(name: str) -> str | None:
    if name in ("", ".", ".."):
        return f"a name in it is {name!r}"
    if "\\" in name or not name.isprintable():
        return "a name in it holds a backslash or a control character"
    if len(name.encode()) > _MOST_SEGMENT:
        return f"a name in it has more than {_MOST_SEGMENT} bytes"
    return None
