"""What the sources file says of exports: which presets a source makes of each design."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from image_assets.core import presets
from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Fit, Recipe

STOCK = "thumbnail"
"""The export that every source makes where it names none: 1280 x 720, the whole picture."""


class ExportSpec(BaseModel):
    """A preset, perhaps in several widths, cut or formats of its own.

    `name` is spelled in paths and in the catalog; the preset's where none is given. A preset other
    than `thumbnail` fills its size (`cover`) where no `fit` is given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str = STOCK
    widths: Annotated[tuple[int, ...], Field(max_length=12)] = ()
    fit: Fit | None = None
    formats: tuple[ImageFormat, ...] = ()
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")] | None = None

    def recipes(self, general: Recipe) -> tuple[Recipe, ...]:
        """The recipes, with the qualities of the general one; its name says where they are not usual.

        Raises:
            ValueError: there is no such preset, or a width is out of bounds.
        """
        if self.preset == STOCK:
            made = replace(general, fit=self.fit or general.fit)
        else:
            made = presets.preset(self.preset, general, self.fit or Fit.COVER)
        unusual = general.name.removeprefix(STOCK)
        name = (self.name or (STOCK if self.preset == STOCK else made.name)) + unusual
        made = replace(made, name=name, formats=self.formats or made.formats)
        return presets.responsive(made, self.widths) if self.widths else (made,)


def _spelled_out(value: Any) -> Any:
    return {"preset": value} if isinstance(value, str) else value


Exports = tuple[Annotated[ExportSpec, BeforeValidator(_spelled_out)], ...]
"""Presets by name (`[thumbnail, square]`), or spelled out (`{preset: landscape, widths: [640, 1280]}`)."""


def recipes_of(exports: Exports, general: Recipe) -> tuple[Recipe, ...]:
    """All recipes of these exports; the first is what is announced as latest.

    Raises:
        ValueError: two have one name, or one cannot be.
    """
    made = tuple(recipe for export in exports for recipe in export.recipes(general))
    names = [recipe.name for recipe in made]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"two exports are called {', '.join(twice)}; give one a `name`")
    return made
