"""The page of an export: every picture's files side by side, whole without a network."""

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import quote

import jinja2

from image_assets.core.model import ImageFormat
from image_assets.core.organizing import shown
from image_assets.ports import FileStore
from image_assets.stages.exporting import ExportedFile, ExportedPicture

MOST_BYTES = 64_000_000
"""Of pictures in the page itself: browsers grow slow beyond. What comes after is linked only."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A file as the page shows it; `source` holds its bytes, unless there are too many."""

    recipe: str
    format: ImageFormat
    size: int
    share: float
    link: str
    source: str | None


def render(pictures: Sequence[ExportedPicture], store: FileStore) -> bytes:
    """The page as the content of a file, UTF-8; the same exports give the same bytes.

    Raises:
        NotFoundError: an export is gone meanwhile.
    """
    left = MOST_BYTES
    rows = []
    for picture in pictures:
        files = []
        for file in picture.files:
            left -= file.size
            files.append(_shown(picture, file, store if left >= 0 else None))
        rows.append((shown(picture.name), picture.size, files))
    page = _templates().get_template("exports.html.j2")
    return page.render(
        rows=rows,
        totals=_totals(pictures),
        source_bytes=sum(picture.size for picture in pictures),
        linked=left < 0,
    ).encode(errors="backslashreplace")


def _shown(picture: ExportedPicture, file: ExportedFile, store: FileStore | None) -> _Shown:
    source = None
    if store is not None:
        with store.local(file.key) as local:
            content = base64.b64encode(local.read_bytes()).decode("ascii")
        source = f"data:{file.format.mime};base64,{content}"
    largest = max(other.size for other in picture.files)
    return _Shown(
        f"{file.recipe.name}, {file.recipe.width} x {file.recipe.height} {file.recipe.fit}",
        file.format,
        file.size,
        file.size / largest,
        quote(PurePosixPath(file.key).as_posix()),
        source,
    )


def _totals(pictures: Sequence[ExportedPicture]) -> list[tuple[str, int, int]]:
    """Files and bytes of each recipe and format, in the order in which they first come."""
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for picture in pictures:
        for file in picture.files:
            name = f"{file.recipe.name} {file.format}"
            files[name] += 1
            sizes[name] += file.size
    return [(name, count, sizes[name]) for name, count in files.items()]


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.PackageLoader("image_assets.stages", "pages")
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
