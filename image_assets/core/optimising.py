"""Renderings that stand in, at a host, for content that it does not take as it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat, Picture
from image_assets.core.recipes import LEAST_BYTES, LONGEST_SIDE, Fit, Recipe
from image_assets.core.taking import Takes

_OPAQUE = (ImageFormat.JPEG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.PNG, ImageFormat.GIF)
_CLEAR = (ImageFormat.WEBP, ImageFormat.PNG, ImageFormat.AVIF, ImageFormat.GIF)
_MOVING = (ImageFormat.WEBP, ImageFormat.GIF)
_SCALES = (1.0, 0.7, 0.5, 0.35, 0.25)
_SPELLED = re.compile(
    r"(?P<format>[a-z]+) (?P<width>\d+)x(?P<height>\d+) quality (?P<quality>\d+)"
    r"(?: within (?P<max_bytes>\d+) bytes)?(?P<moving>, moving)?: (?P<sha256>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What renderings for a host may be at most: pixels, and quality where a format has one."""

    width: int = LONGEST_SIDE
    height: int = LONGEST_SIDE
    quality: int = 90


@dataclass(frozen=True, slots=True)
class Rendering:
    """All that decides a rendering: spelled in the ledger, it can be made again."""

    format: ImageFormat
    width: int
    height: int
    quality: int
    max_bytes: int | None = None
    moving: bool = False

    @property
    def recipe(self) -> Recipe:
        """The recipe it is made by; `max_bytes` is the host's limit."""
        return Recipe(
            "optimised",
            self.width,
            self.height,
            Fit.CONTAIN,
            formats=(self.format,),
            jpeg_quality=self.quality,
            webp_quality=self.quality,
            avif_quality=self.quality,
            animated=self.moving,
            max_bytes=None if self.max_bytes is None else max(self.max_bytes, LEAST_BYTES),
        )

    def spelled(self, sha256: str) -> str:
        """As the ledger has it, with the hash of the bytes that were made."""
        within = "" if self.max_bytes is None else f" within {self.max_bytes} bytes"
        moving = ", moving" if self.moving else ""
        size = f"{self.width}x{self.height}"
        return f"{self.format} {size} quality {self.quality}{within}{moving}: {sha256}"

    @classmethod
    def read(cls, spelled: str) -> "tuple[Rendering, str]":
        """The rendering, and the hash of its bytes: the way back from `spelled`.

        Raises:
            ValueError: it spells none.
        """
        match = _SPELLED.fullmatch(spelled)
        if match is None:
            raise ValueError(f"{spelled[:100]!r} spells no rendering")
        rendering = cls(
            ImageFormat(match["format"]),
            int(match["width"]),
            int(match["height"]),
            int(match["quality"]),
            None if match["max_bytes"] is None else int(match["max_bytes"]),
            match["moving"] is not None,
        )
        return rendering, match["sha256"]


def renderings(
    picture: Picture, takes: Takes, bounds: Bounds, *, opaque: bool
) -> Iterator[Rendering]:
    """What to try for a picture, the best first: the format that keeps most, then ever smaller.

    Raises:
        PermanentError: the host takes no format that could show it.
    """
    format = _format(takes, opaque=opaque, moving=picture.frames > 1)
    fit = min(1.0, bounds.width / picture.width, bounds.height / picture.height)
    for scale in _SCALES:
        yield Rendering(
            format,
            max(1, round(picture.width * fit * scale)),
            max(1, round(picture.height * fit * scale)),
            bounds.quality,
            takes.limits[format],
            picture.frames > 1,
        )


def _format(takes: Takes, *, opaque: bool, moving: bool) -> ImageFormat:
    order = _MOVING if moving else _OPAQUE if opaque else _CLEAR
    for format in order:
        if format in takes.limits:
            return format
    what = "moves" if moving else "is transparent" if not opaque else "is a still picture"
    raise PermanentError(
        f"it {what}, and of {', '.join(takes.limits).upper() or 'nothing'} none can show that"
    )
