"""What the sources file says of exports."""

import pytest

from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Fit, Recipe
from image_assets.sources import SourceSpec, load_sources

CAMERA = "{name: camera, kind: draydog, start: 2025-09-01, collections: [apm/in_gate], exports: %s}"


def source(tmp_path, exports: str) -> SourceSpec:
    file = tmp_path / "sources.yaml"
    file.write_text(f"sources:\n  - {CAMERA % exports}\n")
    [spec] = load_sources(file)
    return spec


def made(tmp_path, exports: str, general: Recipe | None = None) -> list[tuple[str, int, int, str]]:
    recipes = source(tmp_path, exports).recipes(general or Recipe("thumbnail"))
    return [(recipe.name, *recipe.size, recipe.fit) for recipe in recipes]


def test_a_source_that_names_none_makes_the_stock_one():
    spec = SourceSpec.model_validate(
        {"name": "camera", "kind": "draydog", "start": "2025-09-01", "collections": ["apm/in_gate"]}
    )

    assert spec.recipes(Recipe("thumbnail")) == (Recipe("thumbnail"),)


def test_presets_by_name_and_spelled_out(tmp_path):
    assert made(tmp_path, "[thumbnail, square, {preset: '9:16', fit: pad, name: story}]") == [
        ("thumbnail", 1280, 720, Fit.PAD),
        ("square", 1080, 1080, Fit.COVER),
        ("story", 720, 1280, Fit.PAD),
    ]


def test_several_widths_are_a_recipe_each_from_one_decoding(tmp_path):
    spec = source(tmp_path, "[{preset: landscape, widths: [320, 640], formats: [webp]}]")

    recipes = spec.recipes(Recipe("thumbnail"))

    assert [(r.name, r.size) for r in recipes] == [
        ("landscape-320w", (320, 180)),
        ("landscape-640w", (640, 360)),
    ]
    assert {r.formats for r in recipes} == {(ImageFormat.WEBP,)}
    assert len({r.decoding for r in recipes}) == 1


def test_unusual_qualities_are_in_every_name(tmp_path):
    general = Recipe("thumbnail-p9j70w80", jpeg_quality=70)

    assert [name for name, *_ in made(tmp_path, "[thumbnail, square]", general)] == [
        "thumbnail-p9j70w80",
        "square-p9j70w80",
    ]


@pytest.mark.parametrize(
    ("exports", "reason"),
    [
        ("[]", "at least 1 item"),
        ("[round]", "no preset 'round'"),
        ("[square, {preset: square, fit: pad}]", "two exports are called square"),
        ("[{preset: square, widths: [0]}]", "widths are different"),
        ("[{preset: square, formats: [bmp]}]", "exports are PNG"),
        ("[{preset: square, name: ../up}]", "String should match pattern"),
        ("[{preset: square, colour: red}]", "Extra inputs are not permitted"),
    ],
)
def test_exports_that_cannot_be_are_refused(tmp_path, exports, reason):
    with pytest.raises(PermanentError, match=reason):
        source(tmp_path, exports)


def test_what_is_announced_is_in_the_first_export(tmp_path):
    latest = "{store: local, destination: local, format: jpeg}"

    with pytest.raises(PermanentError, match="latest needs its format jpeg in the first export"):
        source(tmp_path, f"[{{preset: square, formats: [webp]}}], latest: {latest}")
