import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_assets.core import animation
from image_assets.core.animation import fitted_animation
from image_assets.core.errors import PermanentError, UnreadableImageError
from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Fit, Recipe
from image_assets_tests.drawing import moving, scene

WEBP, GIF = ImageFormat.WEBP, ImageFormat.GIF
BOUNDS = {"max_pixels": 50_000_000, "max_bytes": 100_000_000}


def written(file: Path, frames: list[Image.Image], format: str, **options: object) -> Path:
    first, *others = frames
    lossless = {"lossless": True} if format == "WEBP" else {}
    first.save(file, format, save_all=True, append_images=others, **lossless, **options)
    return file


def kept(file: Path, format: ImageFormat, recipe: Recipe) -> Image.Image:
    found = fitted_animation(file, recipe, **BOUNDS)
    assert found is not None
    return Image.open(io.BytesIO(animation.encode(found, format, recipe)))


@pytest.mark.parametrize("source", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("format", [WEBP, GIF])
def test_an_animation_keeps_its_pictures_times_and_loops(tmp_path, source, format):
    times = [40, 80, 120, 500]
    file = written(tmp_path / "moving", moving(), source, duration=times, loop=3)

    found = kept(file, format, Recipe("r", 24, 16, animated=True))

    assert (found.size, found.n_frames, found.info["loop"]) == ((24, 16), 4, 3)
    seen = []
    for number in range(4):
        found.seek(number)
        found.load()
        seen.append(found.info["duration"])
    assert seen == times


@pytest.mark.parametrize("format", [WEBP, GIF])
def test_what_moves_is_where_it_was(tmp_path, format):
    file = written(tmp_path / "moving", moving(), "WEBP", duration=100)

    found = kept(file, format, Recipe("r", 48, 32, animated=True))

    for number, frame in enumerate(moving()):
        found.seek(number)
        ours = np.asarray(found.convert("RGB"), dtype=int)
        assert np.abs(ours - np.asarray(frame.convert("RGB"))).mean() < 4


@pytest.mark.parametrize("format", [WEBP, GIF])
def test_nothing_stays_behind_a_picture_that_is_transparent(tmp_path, format):
    file = written(tmp_path / "moving", moving(clear=True), "WEBP", duration=100)

    found = kept(file, format, Recipe("r", 60, 32, fit=Fit.PAD, animated=True))

    for number in range(4):
        found.seek(number)
        alpha = np.asarray(found.convert("RGBA").getchannel("A")) > 128
        assert 100 <= alpha.sum() <= 190


def test_an_opaque_animation_is_padded_on_the_ground(tmp_path):
    file = written(tmp_path / "moving", moving(), "WEBP", duration=100)

    found = kept(file, WEBP, Recipe("r", 96, 32, ground=(0, 0, 255), animated=True))

    assert np.abs(np.subtract(found.convert("RGB").getpixel((4, 16)), (0, 0, 255))).max() < 12


def test_a_limit_of_bytes_holds_for_animations(tmp_path):
    frames = [scene((160, 90)).rotate(10 * number) for number in range(5)]
    file = written(tmp_path / "moving", frames, "WEBP", duration=100)

    for format in (WEBP, GIF):
        recipe = Recipe("r", 160, 90, animated=True, max_bytes=30_000)
        assert kept(file, format, recipe).n_frames == 5


def test_a_still_picture_is_no_animation(tmp_path):
    scene().save(tmp_path / "still", "WEBP")

    assert fitted_animation(tmp_path / "still", Recipe("r", animated=True), **BOUNDS) is None


def test_too_many_pictures_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(animation, "MOST_FRAMES", 3)
    file = written(tmp_path / "moving", moving(), "GIF", duration=100)

    with pytest.raises(PermanentError, match="an animation of 4 pictures; 3 are kept moving"):
        fitted_animation(file, Recipe("r", animated=True), **BOUNDS)


def test_too_many_pixels_in_all_are_refused_at_the_first_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(animation, "MOST_PIXELS", 4 * 24 * 16 - 1)
    file = written(tmp_path / "moving", moving(), "GIF", duration=100)

    with pytest.raises(PermanentError, match="4 pictures of 24 x 16; 1,535 pixels"):
        fitted_animation(file, Recipe("r", 24, 16, animated=True), **BOUNDS)


def test_an_animation_that_breaks_off_is_refused(tmp_path):
    file = written(tmp_path / "moving", moving(20, (300, 200)), "WEBP", duration=100)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])

    with pytest.raises(UnreadableImageError):
        fitted_animation(file, Recipe("r", animated=True), **BOUNDS)
