"""Pictures of which others, or we ourselves, know whether they are one design."""

import csv
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from image_assets.core import fingerprint
from image_assets.core.colour import flatten, upright
from image_assets.core.errors import UnreadableImageError
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.reading import open_image

DATA = Path(__file__).parents[2] / "shared" / "data"
_LIMITS = {"max_pixels": 10**8, "max_bytes": 10**8}
_MADE_SIDE = 800


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures: `strict`, `moderate`, `hard` where they are one design, else `different`.

    `source` is where both come from, or both of their sources.
    """

    a: Fingerprint
    b: Fingerprint
    level: str
    source: str
    names: tuple[str, str]


def published() -> Iterator[Pair]:
    """Every pair of `neardup/`, as it is labelled there."""
    folder = DATA / "neardup"
    clusters = {row["file"]: row["cluster"] for row in _rows(folder / "ground_truth.csv")}
    levels = {
        frozenset((row["file_a"], row["file_b"])): row["level"]
        for row in _rows(folder / "pairs.csv")
    }
    looks = _looks({name: folder / name for name in clusters})
    for a, b in itertools.combinations(looks, 2):
        level = levels.get(frozenset((a, b)))
        if level is None and clusters[a] == clusters[b]:
            continue  # one picture in two versions that nobody judged
        yield Pair(looks[a], looks[b], level or "different", _source(a, b), (a, b))


def distinct(group: str) -> Iterator[Pair]:
    """Every pair of a group of `designs/`: all of them are designs of their own."""
    folder = DATA / "designs"
    rows = [row for row in _rows(folder / "designs.csv") if row["group"] == group]
    looks = _looks({row["file"]: folder / row["file"] for row in rows})
    for a, b in itertools.combinations(looks, 2):
        yield Pair(looks[a], looks[b], "different", group, (a, b))


def made() -> Iterator[Pair]:
    """Clip art and photos of `designs/` and `photos/`, each beside what we made of it.

    They are in no label of others: resized by several filters, re-encoded, with a palette.
    """
    files = [*sorted((DATA / "designs").rglob("*.png")), *sorted((DATA / "photos").rglob("*.png"))]
    for file in files:
        image = upright(open_image(file, **_LIMITS))
        image.thumbnail((_MADE_SIDE, _MADE_SIDE))
        ours = fingerprint.of(image)
        kind = "clip art" if "designs" in file.parts else "photos"
        for name, version in _versions(image).items():
            look = fingerprint.of(version)
            yield Pair(ours, look, "strict", f"{kind}, made here", (file.name, name))


def flat() -> Iterator[Pair]:
    """Gradients, saved at several qualities: nothing to know them by but pixels."""
    for name, image in (
        ("linear", Image.linear_gradient("L").convert("RGB")),
        ("radial", Image.radial_gradient("L").convert("RGB")),
        ("haze", Image.radial_gradient("L").point(lambda v: 90 + v // 4).convert("RGB")),
    ):
        looks = {q: fingerprint.of(_saved(image, "JPEG", quality=q)) for q in (20, 50, 80, 99)}
        for a, b in itertools.combinations(looks, 2):
            if looks[a].pixel_hash != looks[b].pixel_hash:
                yield Pair(looks[a], looks[b], "flat", name, (f"{name} q{a}", f"{name} q{b}"))


def _versions(image: Image.Image) -> Mapping[str, Image.Image]:
    width, height = image.size
    half, third = (
        (max(48, width // 2), max(48, height // 2)),
        (max(48, width // 3), max(48, height // 3)),
    )
    smaller = image.resize(half, Image.Resampling.LANCZOS)
    found = {
        "half": smaller,
        "a third": image.resize(third, Image.Resampling.BICUBIC),
        "0.7, nearest": image.resize(
            (max(48, width * 7 // 10), max(48, height * 7 // 10)), Image.Resampling.NEAREST
        ),
        "WebP 50": _saved(image, "WEBP", quality=50),
        "palette": _saved(image.quantize(256, method=Image.Quantize.FASTOCTREE), "PNG"),
    }
    if image.mode == "RGB":
        found["JPEG 40"] = _saved(image, "JPEG", quality=40)
        found["half, JPEG 75"] = _saved(flatten(smaller, (255, 255, 255)), "JPEG", quality=75)
    return found


def _saved(image: Image.Image, form: str, **options: int) -> Image.Image:
    written = BytesIO()
    image.save(written, form, **options)
    return upright(Image.open(written))


def _looks(files: Mapping[str, Path]) -> dict[str, Fingerprint]:
    looks = {}
    for name, file in files.items():
        try:
            looks[name] = fingerprint.of(upright(open_image(file, **_LIMITS)))
        except UnreadableImageError:
            continue  # TIFF and PPM are none of ours
    return looks


def _source(a: str, b: str) -> str:
    sources = {Path(name).parts[0] if name[0] != "." else "kodak" for name in (a, b)}
    return sources.pop() if len(sources) == 1 else "across sources"


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))
