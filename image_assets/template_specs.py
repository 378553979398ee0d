"""The templates of mockups: one folder each, with a `template.yaml` that says where designs lie."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.naming import is_shop
from image_assets.core.recipes import Blend, Fit
from image_assets.core.templates import MOST_AREAS, Area, Template

FILE = "template.yaml"

_Point = tuple[float, float]
_File = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}$")]
"""A plain name: what a template shows lies in its own folder."""


class AreaSpec(BaseModel):
    """An area, as `core.templates.Area` has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corners: tuple[_Point, _Point, _Point, _Point]
    fit: Fit = Fit.CONTAIN
    aspect: float | None = None
    blend: Blend = Blend.NORMAL
    opacity: float = 1.0


class TemplateSpec(BaseModel):
    """What a `template.yaml` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: _File
    areas: Annotated[tuple[AreaSpec, ...], Field(min_length=1, max_length=MOST_AREAS)]
    shade: _File | None = None


def template(root: Path, name: str) -> Template:
    """The template of that name.

    Raises:
        NotFoundError: there is none; the message names those that there are.
        PermanentError: its file cannot be read, or says what no template is.
    """
    if not is_shop(name) or not (root / name / FILE).is_file():
        known = ", ".join(names(root)) or f"none: put a folder with a {FILE} there"
        raise NotFoundError(f"no template {name!r} in {root}; there are {known}")
    return _loaded(root / name)


def templates(root: Path, only: Iterable[str] = ()) -> tuple[Template, ...]:
    """These templates, in this order; all by name where none is named.

    Raises:
        NotFoundError, PermanentError: as of `template`.
    """
    return tuple(template(root, name) for name in (tuple(only) or names(root)))


def names(root: Path) -> tuple[str, ...]:
    """The names of the templates below a folder."""
    return tuple(sorted(f.parent.name for f in root.glob(f"*/{FILE}") if is_shop(f.parent.name)))


def _loaded(folder: Path) -> Template:
    file = folder / FILE
    try:
        spec = TemplateSpec.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise PermanentError(f"{file}: {error}") from error
    areas = []
    for number, area in enumerate(spec.areas, 1):
        try:
            areas.append(Area(**dict(area)))
        except ValueError as error:
            raise PermanentError(f"{file}: area {number}: {error}") from error
    for picture in filter(None, (spec.image, spec.shade)):
        if not (folder / picture).is_file():
            raise PermanentError(f"{file}: there is no {picture} beside it")
    shade = str(folder / spec.shade) if spec.shade else None
    return Template(folder.name, str(folder / spec.image), tuple(areas), shade)
