"""Which of a design's pictures shows it: the best one, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from image_assets.core.model import ImageFormat, Variant
from image_assets.core.recipes import Fit, Recipe

FRAME = Recipe("sharpness", 1024, 1024, Fit.PAD, formats=(ImageFormat.PNG,), png_compression=1)
"""Where sharpness is measured: every picture at one size, so that enlarging one gains nothing."""

CHOSEN = "chosen by "
"""How a reason begins where a person chose: the rule leaves that alone."""

_BLURRED = 0.5
"""Below this share of the sharpest picture's sharpness, more pixels show nothing more."""

_FAITHFUL = {
    ImageFormat.PNG: 3,
    ImageFormat.BMP: 3,
    ImageFormat.WEBP: 2,  # lossy or not: its name does not tell
    ImageFormat.JPEG: 1,
    ImageFormat.GIF: 0,  # 256 colours
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of a design's stored pictures. `sharpness` is comparable among those measured, or unknown."""

    image_id: int
    item_key: str
    path: str
    format: ImageFormat
    width: int
    height: int
    size: int
    variant: Variant = Variant.FULL
    sharpness: float | None = None

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Choice:
    """The picture that shows a design, and why it does."""

    image_id: int
    reason: str


def contested(candidates: Sequence[Candidate]) -> bool:
    """Whether sharpness could decide: it takes two pictures of different sizes."""
    return len({candidate.pixels for candidate in candidates}) > 1


def best(candidates: Sequence[Candidate]) -> Choice:
    """The one with most pixels that is not a blurred enlargement; then the most faithful format.

    Full renditions come before a site's thumbnails, of equals the larger file, then the first by
    item key. The reason names the first of these that decided.

    Raises:
        ValueError: there is nothing to choose from.
    """
    if not candidates:
        raise ValueError("a design without pictures shows nothing")
    ranked = sorted(candidates, key=lambda c: (_merits(c, candidates), _first(c)), reverse=True)
    winner, *others = ranked
    if not others:
        return Choice(winner.image_id, "the only picture")
    return Choice(winner.image_id, _reason(winner, others[0], candidates))


def sharpness(rendered: bytes) -> float:
    """The mean square of the Laplacian of a picture rendered by `FRAME`: how much fine detail it has."""
    with Image.open(BytesIO(rendered)) as image:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        gray = np.asarray(opaque.convert("L"), dtype=np.float32)
    middle = gray[1:-1, 1:-1] * 4
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return float(np.mean((middle - around) ** 2))


def _merits(one: Candidate, candidates: Sequence[Candidate]) -> tuple[bool, bool, int, int, int]:
    return (
        one.variant is Variant.FULL,
        not _blurred(one, candidates),
        one.pixels,
        _FAITHFUL[one.format],
        one.size,
    )


def _first(one: Candidate) -> tuple[tuple[int, ...], int]:
    """Higher for what comes first, by item key."""
    return tuple(-ord(letter) for letter in one.item_key), -one.image_id


def _blurred(one: Candidate, candidates: Sequence[Candidate]) -> bool:
    known = [c.sharpness for c in candidates if c.sharpness is not None]
    return one.sharpness is not None and one.sharpness < _BLURRED * max(known)


def _reason(winner: Candidate, second: Candidate, candidates: Sequence[Candidate]) -> str:
    ours, theirs = _merits(winner, candidates), _merits(second, candidates)
    reasons = (
        "full size; the other is a thumbnail",
        f"sharper than {second.width}x{second.height}, which shows less detail",
        f"{winner.width}x{winner.height}; the next has {second.width}x{second.height}",
        f"{winner.format} keeps more than {second.format}",
        f"{winner.size} bytes; the next has {second.size}",
    )
    larger = winner.pixels > second.pixels
    for reason, own, other in zip(reasons, ours, theirs, strict=True):
        if own != other and not (larger and reason is reasons[1]):
            return reason
    return "the first of equal pictures"
