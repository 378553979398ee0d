"""Sets of exports on their way: rendered from one picture, waiting in a scratch folder, put to their places."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_assets.core import naming
from image_assets.core.model import Blob, ImageFormat, Rendered
from image_assets.core.recipes import Recipe, content_name
from image_assets.ports import Decoder, FileStore, NewExport, Origin, Place


@dataclass(frozen=True, slots=True)
class Made:
    """An export that was made, and the scratch file in which it waits."""

    export: NewExport
    file: Path


@dataclass(frozen=True, slots=True)
class Lack:
    """A file that could not be made, or the base that a set was made without; the recipe allows it."""

    recipe: Recipe
    what: str
    reason: str
    encoder: str

    @property
    def format(self) -> ImageFormat | None:
        """The format that is lacking; None where it is the base."""
        return ImageFormat(self.what) if self.what in set(ImageFormat) else None


@dataclass(frozen=True, slots=True)
class Sets:
    """What was made of one design, in the one order in which all writers record it."""

    made: tuple[Made, ...]
    lacks: tuple[Lack, ...]


@dataclass(frozen=True, slots=True)
class Renderer:
    """Makes sets, and brings their files to their places."""

    store: FileStore
    decoder: Decoder

    @contextmanager
    def made(
        self, design_id: str, origin: Origin, recipes: Sequence[Recipe], base: Origin | None = None
    ) -> Iterator[Sets]:
        """The sets of a design, from one request to the decoder; gone when the block ends."""
        over = base if any(recipe.composite for recipe in recipes) else None
        with ExitStack() as stack:
            file = stack.enter_context(self.store.local(origin.path))
            beneath = None if over is None else stack.enter_context(self.store.local(over.path))
            rendered = self.decoder.render_all(file, recipes, beneath)
        with self.store.scratch() as folder:
            pairs = list(zip(recipes, rendered, strict=True))
            made = [
                one
                for recipe, set_ in pairs
                for one in _written(folder, design_id, (origin, over), recipe, set_)
            ]
            # Of equal bytes one comes first everywhere: two writers wait for each other at most once.
            made.sort(key=lambda one: one.export.blob.sha256)
            yield Sets(tuple(made), tuple(lack for pair in pairs for lack in _lacks(*pair)))

    def put(self, made: Made, place: Place) -> None:
        """Bring a file to its place while its row is being recorded."""
        put_at(self.store, made.file, place)


def put_at(store: FileStore, file: Path, place: Place) -> None:
    """Bring a new file to its place while its row is being recorded.

    Other bytes there are nobody's: of a run that was cut off, or of a file that is going.
    """
    if store.put(file, place.path):
        return
    if store.sha256(place.path) != place.sha256:
        store.delete(place.path)
        store.put(file, place.path)


def _written(
    folder: Path,
    design_id: str,
    sources: tuple[Origin, Origin | None],
    recipe: Recipe,
    rendered: Rendered,
) -> Iterator[Made]:
    origin, base = sources
    base_sha256 = base.sha256 if base is not None and recipe.composite else None
    for format, content in rendered.files.items():
        name = content_name(recipe, format, origin.sha256, base_sha256)
        path = naming.export_path(design_id, recipe.name, name, format)
        sha256 = hashlib.sha256(content).hexdigest()
        size = rendered.width, rendered.height
        blob = Blob(sha256, path, len(content), format, *size)
        file = folder / path.replace("/", "_")
        file.write_bytes(content)
        yield Made(NewExport(recipe, blob, rendered.encoder, origin.sha256, base_sha256), file)


def _lacks(recipe: Recipe, rendered: Rendered) -> Iterator[Lack]:
    for what, reason in rendered.lacking.items():
        yield Lack(recipe, what, reason, rendered.encoder)
