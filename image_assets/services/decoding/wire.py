"""What parent and worker say to each other: a JSON header and bytes, each with its length first.

Never pickle: a worker that reads hostile pictures may have been taken over by one, and all that it
can send is text and bytes, which the parent checks.
"""

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from image_assets.core.model import ImageFormat, Picture, Rendered
from image_assets.core.recipes import Blend, Composite, Fit, Recipe
from image_assets.core.render import BASE
from image_assets.core.templates import Area

Header = dict[str, Any]
Read = Callable[[int], bytes]
"""Gives exactly so many bytes, or raises."""

_LENGTH = struct.Struct(">I")
_MAX_HEADER = 1 << 24
_MAX_PAYLOAD = 1 << 28
_EXIF_FIELDS = 8


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a worker may take: megabytes of address space, CPU seconds, pixels and bytes a picture."""

    memory_mb: int
    seconds: float
    max_pixels: int
    max_bytes: int


def packed(header: Header, *payloads: bytes) -> bytes:
    """A message."""
    text = json.dumps(header | {"payloads": [len(payload) for payload in payloads]}).encode("ascii")
    return b"".join((_LENGTH.pack(len(text)), text, *payloads))


def unpacked(read: Read) -> tuple[Header, list[bytes]]:
    """The next message that `read` gives.

    Raises:
        ValueError: it is not a message, or a monstrous one.
    """
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > _MAX_HEADER:
        raise ValueError(f"a header of {length} bytes")
    try:
        header = json.loads(read(length))
    except RecursionError as error:
        raise ValueError("a header of monstrous depth") from error
    sizes = header.get("payloads") if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(isinstance(s, int) and s >= 0 for s in sizes):
        raise ValueError("a message without its payloads' sizes")
    if sum(sizes) > _MAX_PAYLOAD:
        raise ValueError(f"payloads of {sum(sizes)} bytes")
    return header, [read(size) for size in sizes]


def recipe_to_header(recipe: Recipe) -> Header:
    """A recipe as JSON takes it."""
    return asdict(recipe)


def recipe_from_header(header: Header) -> Recipe:
    """The way back."""
    composite, decoded_for = header["composite"], header["decoded_for"]
    fields = header | {
        "fit": Fit(header["fit"]),
        "ground": tuple(header["ground"]),
        "formats": tuple(ImageFormat(name) for name in header["formats"]),
        "composite": composite and Composite(composite["share"], Blend(composite["blend"])),
        "decoded_for": decoded_for and tuple(decoded_for),
    }
    return Recipe(**fields)


def area_to_header(area: Area) -> Header:
    """An area of a template as JSON takes it."""
    return asdict(area)


def area_from_header(header: Header) -> Area:
    """The way back."""
    (a, b, c, d) = ((float(x), float(y)) for x, y in header["corners"])
    kinds = {"fit": Fit(header["fit"]), "blend": Blend(header["blend"])}
    return Area(**header | kinds | {"corners": (a, b, c, d)})


def rendered_to_header(rendered: Rendered) -> Header:
    """What is known of a set of exports beside its bytes, as JSON takes it."""
    return {
        "formats": list(rendered.files),
        "width": rendered.width,
        "height": rendered.height,
        "encoder": rendered.encoder,
        "lacking": rendered.lacking,
    }


def rendered_from_header(header: Header, recipe: Recipe, files: list[bytes]) -> Rendered:
    """The way back, from a worker that may say anything.

    Raises:
        KeyError, TypeError, ValueError: it says something that no set of this recipe is.
    """
    width, height = int(header["width"]), int(header["height"])
    formats = [ImageFormat(name) for name in header["formats"]]
    lacking = {str(name)[:16]: str(why)[:500] for name, why in dict(header["lacking"]).items()}
    told = {name for name in lacking if name != BASE}
    whole = sorted([*formats, *told]) == sorted(set(recipe.formats))
    if min(width, height) < 1 or not formats or not whole or not _allowed(lacking, recipe):
        raise ValueError("no export is like that")
    by_format = dict(zip(formats, files, strict=True))
    return Rendered(by_format, width, height, str(header["encoder"])[:300], lacking)


def _allowed(lacking: Mapping[str, str], recipe: Recipe) -> bool:
    """Whether the recipe does without what is lacking."""
    partial = recipe.allow_partial_set or not set(lacking) - {BASE}
    return partial and (recipe.allow_without_base or BASE not in lacking)


def picture_to_header(picture: Picture) -> Header:
    """A picture's facts as JSON takes them."""
    return asdict(picture)


def picture_from_header(header: Header) -> Picture:
    """The way back, from a worker that may say anything.

    Raises:
        KeyError, TypeError, ValueError: it says something that no picture is.
    """
    width, height, frames = (int(header[name]) for name in ("width", "height", "frames"))
    exif = {str(name): str(text)[:64] for name, text in dict(header["exif"]).items()}
    if min(width, height, frames) < 1 or len(exif) > _EXIF_FIELDS:
        raise ValueError("no picture is like that")
    return Picture(ImageFormat(header["format"]), width, height, frames, exif)
