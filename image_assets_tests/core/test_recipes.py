from dataclasses import fields, replace

import pytest

from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Blend, Composite, Fit, Recipe, content_name

JPEG, PNG, WEBP, GIF = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.GIF
RECIPE = Recipe("thumbnail", formats=(PNG, JPEG, WEBP, ImageFormat.AVIF))
MATTERS = {
    "width": 640,
    "height": 360,
    "fit": Fit.COVER,
    "ground": (0, 0, 0),
    "formats": (PNG,),
    "png_compression": 6,
    "jpeg_quality": 84,
    "webp_quality": 79,
    "avif_quality": 64,
    "jpeg_progressive": True,
    "opaque": True,
    "animated": True,
    "max_bytes": 100_000,
    "composite": Composite(),
    "decoded_for": (1920, 1080),
}
DOES_NOT = {"name": "other", "allow_partial_set": True, "allow_without_base": True}


@pytest.mark.parametrize(("name", "value"), MATTERS.items())
def test_what_changes_the_bytes_changes_the_digest(name, value):
    assert replace(RECIPE, **{name: value}).digest != RECIPE.digest


@pytest.mark.parametrize(("name", "value"), DOES_NOT.items())
def test_what_does_not_change_the_bytes_leaves_the_digest(name, value):
    assert replace(RECIPE, **{name: value}).digest == RECIPE.digest


def test_every_field_of_a_recipe_is_judged():
    assert {field.name for field in fields(Recipe)} == {*MATTERS, *DOES_NOT}


def test_digests_are_what_they_were_when_exports_were_named_by_them():
    """They stand in paths: a change here makes every export of every library a stranger."""
    assert Recipe("thumbnail").digest == "de274546d5ee06a1"
    assert Recipe("thumbnail").digest_of(JPEG) == "ea9e0a9be4629a28"


def test_the_order_of_formats_is_nothing():
    assert replace(RECIPE, formats=RECIPE.formats[::-1]).digest == RECIPE.digest


@pytest.mark.parametrize("blend", [{"share": 0.4}, {"blend": Blend.SCREEN}])
def test_how_a_base_is_mixed_in_changes_the_digest(blend):
    composite = replace(RECIPE, composite=Composite())

    assert replace(RECIPE, composite=Composite(**blend)).digest != composite.digest


def test_a_files_digest_is_of_its_own_format():
    other = replace(RECIPE, formats=(JPEG,), webp_quality=1, animated=True)

    assert other.digest_of(JPEG) == RECIPE.digest_of(JPEG)
    assert other.digest_of(WEBP) != RECIPE.digest_of(WEBP)


def test_to_be_decoded_for_itself_is_no_difference():
    assert replace(RECIPE, decoded_for=RECIPE.size).digest == RECIPE.digest


def test_content_base_and_recipe_name_an_export():
    names = {
        content_name(recipe, format, content, base)
        for recipe in (RECIPE, replace(RECIPE, ground=(1, 1, 1)))
        for format in (PNG, JPEG)
        for content in ("a" * 64, "b" * 64)
        for base in (None, "c" * 64)
    }

    assert len(names) == 16
    assert {len(name) for name in names} == {32}


@pytest.mark.parametrize(
    "wrong",
    [
        {"formats": ()},
        {"formats": (ImageFormat.BMP,)},
        {"formats": (PNG, PNG)},
        {"width": 0},
        {"height": 20_000},
        {"max_bytes": 10},
        {"jpeg_quality": 0},
        {"png_compression": 10},
    ],
)
def test_a_recipe_that_cannot_be_is_not_built(wrong):
    with pytest.raises(ValueError, match="recipe r"):
        Recipe("r", **wrong)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_between_nothing_and_everything(share):
    with pytest.raises(ValueError, match="0 to 1"):
        Composite(share)
