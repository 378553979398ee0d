"""Which pictures a source takes: sides, bytes and formats; what is none of them is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from image_assets.core.errors import UnreadableImageError
from image_assets.core.model import ACCEPTED, ImageFormat, Picture

TOO_SMALL, TOO_LONG, TOO_LARGE, OTHER_FORMAT = (
    "too_small",
    "side_too_long",
    "too_large",
    "format_not_taken",
)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Sides in pixels, both included; bytes of the file; formats by content."""

    min_side: int = 1
    max_side: int = 1_000_000
    max_bytes: int = 1 << 40
    formats: frozenset[ImageFormat] = frozenset(ACCEPTED)

    def check(self, picture: Picture, size: int) -> None:
        """Say nothing of a picture that is taken.

        Raises:
            UnreadableImageError: it is refused, with a reason that stays the same.
        """
        sides = picture.width, picture.height
        shown = f"{picture.width}x{picture.height}"
        rules: tuple[tuple[bool, str, Callable[[], str]], ...] = (
            (
                picture.format not in self.formats,
                OTHER_FORMAT,
                lambda: f"{picture.format}, and only {', '.join(sorted(self.formats))} are taken",
            ),
            (size > self.max_bytes, TOO_LARGE, lambda: f"{size:,} bytes of {self.max_bytes:,}"),
            (min(sides) < self.min_side, TOO_SMALL, lambda: f"{shown}: below {self.min_side} px"),
            (max(sides) > self.max_side, TOO_LONG, lambda: f"{shown}: above {self.max_side} px"),
        )
        for refused, reason, message in rules:
            if refused:
                raise UnreadableImageError(reason, message())


ANYTHING = Acceptance()
