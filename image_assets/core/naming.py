"""How paths, item keys and latest keys are spelled, and the way back; nowhere else spells them.

Names that leave this module are made of our own ids and dates: a name from outside never becomes
part of a path.
"""

import datetime as dt
import hashlib
import re
import unicodedata
from contextlib import suppress

from image_assets.core.model import DEFAULT_TENANT, ImageFormat, Partition

IMAGES = "images"
EXPORTS = "exports"
PUBLIC = "public"
QUARANTINE = "quarantine"
TEMPORARY = "tmp"
LATEST = "latest"
REPORTS = "reports"

DEFAULT_SOURCE = "camera"
DEFAULT_TERMINAL = "apm"  # the first terminal's folders carry no prefix, as they never have

_STAMP = "%Y%m%d%H%M%S"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CONFLICT = re.compile(r"(?:~[0-9a-f]{8})+$")
_SHOP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_ITEM_KEY = re.compile(r"(?P<stamp>\d{14})(?:-(?P<ordinal>\d+))?")


def item_key(captured_at: dt.datetime, ordinal: int = 1) -> str:
    """A camera frame's identity in its collection: `20250901100734`, `-2` for the second in a second."""
    stamp = captured_at.astimezone(dt.UTC).strftime(_STAMP)
    return stamp if ordinal == 1 else f"{stamp}-{ordinal}"


def captured_at(key: str) -> dt.datetime:
    """The capture time an item key stands for: the way back from `item_key`.

    Raises:
        ValueError: the key does not begin with a capture time.
    """
    match = _ITEM_KEY.fullmatch(key)
    if match is None:
        raise ValueError(f"{key!r} is not a capture time")
    return dt.datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=dt.UTC)


def is_shop(name: str) -> bool:
    """Whether a folder of an inbox can be a shop: its name is spelled in paths and partition keys."""
    return _SHOP.fullmatch(name) is not None and ".." not in name


def batch_number(now: dt.datetime, ordinal: int) -> str:
    """A batch within its shop, in the order of taking: `20261121-175822-001`."""
    return f"{now.astimezone(dt.UTC):%Y%m%d-%H%M%S}-{ordinal:03}"


def batch_key(partition: Partition) -> str:
    """A batch among all shops': `{shop}:{batch}`."""
    return f"{partition.collection}:{partition.key}"


def batch_of(source: str, key: str) -> Partition:
    """The partition of a batch: the way back from `batch_key`. A shop is a tenant of its own.

    Raises:
        ValueError: the key is no batch's.
    """
    shop, _, number = key.partition(":")
    if not is_shop(shop) or not number:
        raise ValueError(f"{key!r} is no batch: they are spelled shop:20261121-175822-001")
    return Partition(source, shop, number, tenant=shop)


def dropped_key(batch: str, file: str) -> str:
    """A dropped file's identity in its shop: `{batch}/{path}`, with a hash where that is no plain text."""
    plain = "".join(c if c.isprintable() else "?" for c in file)
    if plain == file and len(file) <= 200:
        return f"{batch}/{file}"
    digest = hashlib.sha256(file.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{batch}/{plain[-120:]}~{digest}"


def conflict_key(key: str, sha256: str) -> str:
    """The identity of other bytes that came under a known item key."""
    return f"{key}~{sha256[:8]}"


def undisputed_key(key: str) -> str:
    """The item key that a conflict's key came under; any other key itself."""
    return _CONFLICT.sub("", key)


def image_path(
    partition: Partition, key: str, format: ImageFormat, *, thumbnail: bool = False
) -> str:
    """The store path of a picture: `images/{date}/{stream}/{YYYYMMDDHHMMSS}_{stream}.{ext}`.

    That is the layout of the default camera source. Other terminals, sources and tenants have a
    prefix of their own before the date.
    """
    stream = partition.collection.rpartition("/")[2]
    rendition = "-thumbnail" if thumbnail else ""
    name = f"{segment(key)}_{segment(stream)}{rendition}.{format.extension}"
    return f"{image_folder(partition)}/{name}"


def image_folder(partition: Partition) -> str:
    """The folder of the store that holds a partition's pictures and nothing else."""
    terminal, _, stream = partition.collection.rpartition("/")
    home = terminal in ("", DEFAULT_TERMINAL) and partition.source == DEFAULT_SOURCE
    prefix = "" if home else f"{segment(partition.source)}/{segment(terminal)}/".replace("//", "/")
    if partition.tenant != DEFAULT_TENANT:
        prefix = f"{segment(partition.tenant)}/{prefix}"
    return f"{IMAGES}/{prefix}{segment(partition.key)}/{segment(stream)}"


def date_of(path: str) -> dt.date | None:
    """The UTC date of a picture's store path; None of a path without one."""
    for folder in path.split("/")[:-1]:
        if _DATE.fullmatch(folder):
            with suppress(ValueError):
                return dt.date.fromisoformat(folder)
    return None


def export_path(design: str, recipe: str, sha256: str, format: ImageFormat) -> str:
    """The store path of a design's export; the hash keeps renderings of two encoders apart."""
    return f"{EXPORTS}/{segment(recipe)}/{design[:2]}/{design}-{sha256[:8]}.{format.extension}"


def quarantine_path(sha256: str) -> str:
    """Where the bytes of a rejected picture wait for a person; never under an image's extension."""
    return f"{QUARANTINE}/{sha256[:2]}/{sha256}.rejected"


def report_path(name: str, extension: str) -> str:
    """Where a report is kept; its page, its JSON and its CSV have one name."""
    return f"{REPORTS}/{segment(name)}.{extension}"


def public_name(sha256: str, format: ImageFormat) -> str:
    """The name content has at a host that lets us choose: its own hash."""
    return f"{sha256}.{format.extension}"


def nas_folder(partition: Partition, folder: str = "") -> str:
    """A shop's folder on the NAS, below its base: `{shop}`, or `{shop}/{folder}`."""
    shop = partition.collection.rpartition("/")[2]
    prefix = "" if partition.tenant == DEFAULT_TENANT else f"{segment(partition.tenant)}/"
    return f"{prefix}{segment(shop)}/{segment(folder)}".rstrip("/")


def nas_name(name: str, sha256: str, extension: str) -> str:
    """A design's file name on the NAS: what people called it, and the hash of its bytes."""
    stem = segment(name.rpartition("/")[2].rpartition(".")[0] or name)[:50]
    return f"{stem}_{sha256[:8]}.{extension}"


def latest_key(collection: str, interval: str) -> str:
    """The key under which the newest picture of a collection is announced."""
    return f"{collection}:{interval}:latest"


def design_id(tenant: str, group: str, pixel_hash: str, version: str) -> str:
    """A design's id: derived from its anchor, so that a batch killed and re-run gives the same one."""
    identity = "\0".join((tenant, group, version, pixel_hash))
    return hashlib.sha256(identity.encode()).hexdigest()[:24]


def segment(name: str) -> str:
    """`name` as one harmless path segment of at most 100 characters; itself where it already is one.

    Anything else than ASCII letters, digits, `.`, `_`, `-` and `~` becomes `_`; a name that had to
    change carries a hash of the original, so that two names never share a segment.
    """
    if not name:
        return ""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9._~-]", "_", plain).lstrip(".")[:80]
    if safe == name:
        return name
    return f"{safe}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
