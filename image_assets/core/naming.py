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
PACE = "pace"  # when hosts were asked last, by whichever process
BASES = "uploads"  # pictures that came along with requests for others
MOCKUPS = "mockups"
ARRIVALS = "generated"  # drawn and paid for, not yet looked at

DEFAULT_SOURCE = "camera"
DEFAULT_TERMINAL = "apm"  # the first terminal's folders carry no prefix, as they never have

LATEST_PATTERN = "{collection}:{interval}:latest"
"""How latest keys are spelled where nothing else is set."""

_STAMP = "%Y%m%d%H%M%S"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CONFLICT = re.compile(r"(?:~[0-9a-f]{8})+$")
_SHOP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_REQUEST = re.compile(r"req_[0-9a-f]{8,64}")
_VARIATION = re.compile(r"\.var-(\d{1,3})$")
_EXPORT = re.compile(r"(?P<design>[0-9a-f]{24})-[0-9a-f]{8}(?:~[0-9a-f]{8})?\.[a-z0-9]{2,5}")
_HASH = re.compile(r"(?P<hash>[0-9a-f]{64})(?:\.[a-z0-9]{2,5})?")
_ITEM_KEY = re.compile(r"(?P<stamp>\d{14})(?:-(?P<ordinal>\d+))?")
_PLOT_KEY = re.compile(r"\d{14}-\d{14}-(?P<drawn>\d{20})")


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


def day_of_batch(number: str) -> dt.date | None:
    """The UTC day on which a batch was taken; None of a number that is not ours."""
    with suppress(ValueError):
        return dt.datetime.strptime(number[:15], "%Y%m%d-%H%M%S").date()  # noqa: DTZ007
    return None


def dropped_key(batch: str, file: str) -> str:
    """A dropped file's identity in its shop: `{batch}/{path}`, with a hash where that is no plain text."""
    plain = "".join(c if c.isprintable() else "?" for c in file)
    # A name that ends like a conflict's key is a name: it is no other bytes of another file's.
    if plain == file and len(file) <= 200 and not _CONFLICT.search(file):
        return f"{batch}/{file}"
    digest = hashlib.sha256(file.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{batch}/{plain[-120:]}~{digest}"


def variation_key(request: str, number: int) -> str:
    """A generated picture's identity in its collection: `req_5f0c….var-1`."""
    return f"{request}.var-{number}"


def variation_number(key: str) -> int | None:
    """Which variation of its request a picture is: the way back; None of one that is none."""
    match = _VARIATION.search(undisputed_key(key))
    return int(match[1]) if match is not None else None


def request_of(source: str, key: str) -> Partition:
    """The partition of a request for pictures by its Dagster key, `{tenant}:{request}`.

    Raises:
        ValueError: the key is no request's.
    """
    tenant, _, request = key.partition(":")
    if not is_shop(tenant) or _REQUEST.fullmatch(request) is None:
        raise ValueError(f"{key!r} is no request: they are spelled default:req_0123456789abcdef…")
    return Partition(source, tenant, request, tenant=tenant)


def base_path(tenant: str, sha256: str, format: ImageFormat) -> str:
    """The store path of a picture that came along with a request."""
    prefix = "" if tenant == DEFAULT_TENANT else f"{segment(tenant)}/"
    return f"{BASES}/{prefix}{sha256[:2]}/{sha256}.{format.extension}"


def arrival_path(partition: Partition, key: str) -> str:
    """Where the bytes of a generated picture wait until they were looked at; under no extension."""
    prefix = "" if partition.tenant == DEFAULT_TENANT else f"{segment(partition.tenant)}/"
    return f"{ARRIVALS}/{prefix}{segment(key)}"


def plots_collection(sensor: str, interval: str) -> str:
    """Which visualisations belong together: `{sensor}:{interval}`."""
    return f"{sensor}:{interval}"


def plot_key(begin: dt.datetime, end: dt.datetime, drawn_at: dt.datetime) -> str:
    """A visualisation's identity in its collection: the period it shows, and when it was drawn."""
    utc = (at.astimezone(dt.UTC) for at in (begin, end, drawn_at))
    return "{:%Y%m%d%H%M%S}-{:%Y%m%d%H%M%S}-{:%Y%m%d%H%M%S%f}".format(*utc)


def drawn_at(key: str) -> dt.datetime:
    """When a visualisation was drawn, aware UTC: a part of the way back from `plot_key`.

    Raises:
        ValueError: the key is no visualisation's.
    """
    match = _PLOT_KEY.fullmatch(key)
    if match is None:
        raise ValueError(f"{key!r} is no visualisation's key")
    return dt.datetime.strptime(match["drawn"], f"{_STAMP}%f").replace(tzinfo=dt.UTC)


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
    stream = _in_paths(partition.collection).rpartition("/")[2]
    rendition = "-thumbnail" if thumbnail else ""
    name = f"{segment(key)}_{segment(stream)}{rendition}.{format.extension}"
    return f"{image_folder(partition)}/{name}"


def image_folder(partition: Partition) -> str:
    """The folder of the store that holds a partition's pictures and nothing else."""
    terminal, _, stream = _in_paths(partition.collection).rpartition("/")
    home = terminal in ("", DEFAULT_TERMINAL) and partition.source == DEFAULT_SOURCE
    prefix = "" if home else f"{segment(partition.source)}/{segment(terminal)}/".replace("//", "/")
    if partition.tenant != DEFAULT_TENANT:
        prefix = f"{segment(partition.tenant)}/{prefix}"
    return f"{IMAGES}/{prefix}{segment(partition.key)}/{segment(stream)}"


def _in_paths(collection: str) -> str:
    """A collection as paths spell it: some disks take no colon."""
    return collection.replace(":", "-")


def date_of(path: str) -> dt.date | None:
    """The UTC date of a picture's store path; None of a path without one."""
    for folder in path.split("/")[:-1]:
        if _DATE.fullmatch(folder):
            with suppress(ValueError):
                return dt.date.fromisoformat(folder)
    return None


def export_path(design: str, recipe: str, name: str, format: ImageFormat) -> str:
    """The store path of a design's export; `name` is of its content and recipe (`content_name`)."""
    return f"{EXPORTS}/{segment(recipe)}/{design[:2]}/{design}-{name[:8]}.{format.extension}"


def mockup_path(design: str, template: str, sha256: str, format: ImageFormat) -> str:
    """The store path of a design on a template."""
    folder = f"{MOCKUPS}/{segment(template)}/{design[:2]}"
    return f"{folder}/{design}-{sha256[:8]}.{format.extension}"


def folder_export_path(name: str, recipe: str, own: str, format: ImageFormat) -> str:
    """The path of an export of a picture in a folder: beside its name, its recipe and what made it.

    Args:
        name: the picture's `/`-separated name below its folder.
        recipe: the recipe's name.
        own: the name that content and recipe give it (`core.recipes.content_name`).
        format: of the file.
    """
    *folders, file = name.split("/")
    stem = segment(file.rpartition(".")[0] or file)
    last = f"{stem}-{segment(recipe)}-{own[:12]}.{format.extension}"
    return "/".join((*(segment(folder) for folder in folders), last))


def beside(path: str, sha256: str) -> str:
    """Where bytes go whose path other bytes have: the same name with a part of their hash."""
    stem, _, extension = path.rpartition(".")
    return f"{stem}~{sha256[:8]}.{extension}"


def exported_name(name: str) -> tuple[str, str]:
    """Design and file name of an export that is named by its path, or by its file name alone.

    Raises:
        ValueError: it is neither.
    """
    file = name.rpartition("/")[2]
    match = _EXPORT.fullmatch(file)
    if match is None:
        raise ValueError(f"{name[:100]!r} is no export's name")
    return match["design"], file


def hash_in(name: str) -> str | None:
    """The SHA-256 that a name consists of, with an extension or without; None of any other name."""
    match = _HASH.fullmatch(name)
    return match["hash"] if match is not None else None


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
    """A shop's folder on the NAS, below its base: `{shop}`, or `{shop}/{folder}`.

    What is another tenant's, and no shop of its own, has that tenant's name before it.
    """
    shop = partition.collection.rpartition("/")[2]
    own = partition.tenant in (DEFAULT_TENANT, shop)
    prefix = "" if own else f"{segment(partition.tenant)}/"
    return f"{prefix}{segment(shop)}/{segment(folder)}".rstrip("/")


def nas_name(name: str, sha256: str, extension: str) -> str:
    """A design's file name on the NAS: what people called it, and the hash of its bytes."""
    stem = segment(name.rpartition("/")[2].rpartition(".")[0] or name)[:50]
    return f"{stem}_{sha256[:8]}.{extension}"


def latest_key(collection: str, interval: str, pattern: str = LATEST_PATTERN) -> str:
    """The key under which the newest picture of a collection is announced.

    Args:
        collection: `apm/in_gate`.
        interval: `daily`.
        pattern: with `{collection}`, `{stream}` (its last part) and `{interval}` in it.
    """
    stream = collection.rpartition("/")[2]
    parts = {"collection": collection, "stream": stream, "interval": interval}
    return re.sub(r"\{(\w+)\}", lambda match: parts[match[1]], pattern)


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
