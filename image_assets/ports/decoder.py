"""Who looks at pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Picture, Rendered
from image_assets.core.recipes import Recipe
from image_assets.core.templates import Template


class Decoder(Protocol):
    """Decodes in processes that can be killed: a picture can fail, never the caller.

    Every method raises `UnreadableImageError` with a reason for a picture that is refused, and
    `TransientError` where the worker died for a reason that is not the picture's.
    """

    def inspect(self, file: Path) -> Picture:
        """Decode every pixel of `file` and say what it is; the name's extension counts nothing."""
        ...

    def fingerprint(self, file: Path) -> Fingerprint:
        """The current version's fingerprint of `file`."""
        ...

    def render(self, file: Path, recipe: Recipe, base: Path | None = None) -> Rendered:
        """`file` in every format of the recipe, over `base` where it is a composite.

        Raises:
            PermanentError: a format or the base fails, and the recipe does not do without it.
        """
        ...

    def render_all(
        self, file: Path, recipes: Sequence[Recipe], base: Path | None = None
    ) -> Sequence[Rendered]:
        """A set for each recipe, in their order: all of them, or an error.

        The picture is decoded once where the recipes are made for that (`core.presets.responsive`).
        """
        ...

    def mockup(self, design: Path, template: Template, recipe: Recipe) -> Rendered:
        """`design` on the template, in the size and formats of the recipe.

        Raises:
            PermanentError: an area is not on the template's picture, or its shade of another size.
        """
        ...

    def contact_sheet(
        self, files: Sequence[Path], *, columns: int, width: int, limit: int
    ) -> bytes:
        """Small pictures of `files` side by side as one JPEG.

        It is at most `width` pixels wide and `limit` bytes long: quality gives way, then size.
        """
        ...
