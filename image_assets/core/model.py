"""The values that travel between the rooms of the house: frozen, and legal once they exist."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

DEFAULT_TENANT = "default"


class ImageFormat(StrEnum):
    """The formats of pictures: those we accept, by content, never by name, and AVIF, which we make."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    GIF = "gif"
    BMP = "bmp"
    AVIF = "avif"

    @property
    def extension(self) -> str:
        """The file extension, without the dot."""
        return "jpg" if self is ImageFormat.JPEG else self.value

    @property
    def mime(self) -> str:
        """The media type, as a Content-Type header gives it."""
        return f"image/{self.value}"


ACCEPTED = (
    ImageFormat.PNG,
    ImageFormat.JPEG,
    ImageFormat.WEBP,
    ImageFormat.GIF,
    ImageFormat.BMP,
)
"""What is taken from outside."""


class ImageState(StrEnum):
    """What became of a picture that a source listed."""

    STORED = "stored"
    REJECTED = "rejected"  # not acceptable; the bytes are in quarantine
    MISSING = "missing"  # listed, and not got yet
    GONE = "gone"  # absent at the source in two looks hours apart
    EXPIRED = "expired"  # removed here by retention, with proof


SETTLED = frozenset(
    {ImageState.STORED, ImageState.REJECTED, ImageState.GONE, ImageState.EXPIRED},
)
"""The states that cost no further request."""


class Variant(StrEnum):
    """Which rendition of a picture the source gave us."""

    FULL = "full"
    THUMBNAIL = "thumbnail"


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The images that are collected, and travel, together.

    `collection` is terminal/stream for cameras, the shop for an inbox, sensor:interval for plots.
    `key` is the UTC date (ISO) for cameras and plots, the batch's or the request's key elsewhere.
    """

    source: str
    collection: str
    key: str
    tenant: str = DEFAULT_TENANT

    def __post_init__(self) -> None:
        for name in ("source", "collection", "key", "tenant"):
            if not getattr(self, name):
                raise ValueError(f"a partition needs a {name}")

    def __str__(self) -> str:
        return f"{self.source} {self.collection} {self.key}"

    @property
    def day(self) -> dt.date:
        """The UTC date of a camera's or a plot's partition.

        Raises:
            ValueError: the key is not a date.
        """
        return dt.date.fromisoformat(self.key)


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture that a source says it has.

    `item_key` identifies it within its collection for ever (capture time, path in a batch …).
    `captured_at` is aware UTC. `address` is where the source finds it: a URL or a path. `told` is
    what is announced of it beside, in JSON's types.
    """

    item_key: str
    name: str
    captured_at: dt.datetime | None = None
    address: str | None = None
    size: int | None = None
    told: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.captured_at is not None and self.captured_at.utcoffset() is None:
            raise ValueError(f"{self.name}: capture times are aware UTC")


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something a listing named that cannot be an entry, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source says it has for one partition; `complete` when nothing can be added to it."""

    entries: tuple[Entry, ...]
    complete: bool
    misfits: tuple[Misfit, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """Bytes that arrived whole: their size, hex SHA-256, and which rendition they are."""

    sha256: str
    size: int
    variant: Variant = Variant.FULL
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that decoded fully. Width and height are upright, in pixels."""

    format: ImageFormat
    width: int
    height: int
    frames: int = 1
    exif: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes in the store, once per tenant."""

    sha256: str
    path: str
    size: int
    format: ImageFormat
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A set of exports of one picture: bytes by format, their size in pixels, and who made them.

    `lacking` says why a format or the base (`base`) is not in it, where the recipe allows that.
    """

    files: dict[ImageFormat, bytes]
    width: int
    height: int
    encoder: str
    lacking: dict[str, str] = field(default_factory=dict)


class Policy(StrEnum):
    """When two pictures are one design (`core/nearest.py` says it exactly)."""

    EXACT = "exact"
    NEAR = "near"
    SEED = "seed"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where designs are compared: a tenant and a policy group; nothing crosses it."""

    group: str
    policy: Policy
    tenant: str = DEFAULT_TENANT


class Publishes(StrEnum):
    """What a source sends to its destinations."""

    ORIGINALS = "originals"
    EXPORTS = "exports"
    BOTH = "both"


class UploadState(StrEnum):
    """Where the publication of one content at one destination stands."""

    INTENT = "intent"
    SENDING = "sending"
    RECEIPT = "receipt"
    VERIFIED = "verified"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    REMOVED = "removed"


class Level(StrEnum):
    """How much is proven of what a host holds (see `services.md` of each host for its reach)."""

    L0 = "L0"  # a receipt
    L1 = "L1"  # the URL answers 200 with the right type and length
    L2 = "L2"  # it decodes to the same picture
    L3 = "L3"  # its SHA-256 is equal
    L4 = "L4"  # the content identifier, computed here, is equal


@dataclass(frozen=True, slots=True)
class Content:
    """Something to publish: a blob under the name it should have at the host."""

    sha256: str
    path: str
    size: int
    format: ImageFormat
    name: str
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What a host that files things may be told of it: tenant, source, capture time …"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A host's word that it has the content."""

    url: str
    host_id: str | None = None
    cid: str | None = None
    rendering: str | None = None
    """What stands in for the content there (`core/optimising.py`); None: its own bytes do."""


class LatestState(StrEnum):
    """Whether the store is known to hold a latest value."""

    PENDING = "pending"
    PUBLISHED = "published"


class DeletionKind(StrEnum):
    """What retention removes."""

    TEMPORARY = "temporary"
    EXPORT = "export"
    ORIGINAL = "original"
