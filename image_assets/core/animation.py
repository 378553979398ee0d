"""Animations: their pictures one after the other, and the two formats that keep them moving."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from image_assets.core.colour import flatten, upright
from image_assets.core.encoding import (
    WEBP_METHOD,
    at_most,
    fewer_colours,
    paletted,
    saved,
    webp_quality,
)
from image_assets.core.errors import PermanentError
from image_assets.core.fitting import padded, unpadded
from image_assets.core.model import ImageFormat
from image_assets.core.reading import frame_count, opened
from image_assets.core.recipes import Recipe

MOST_FRAMES = 500
MOST_PIXELS = 64_000_000
"""Of all exported pictures together: they are in memory while the file is made."""

_LEFT, _TAKEN_AWAY = 1, 2  # what becomes of a GIF's picture once its time is over

_LEAST_MILLISECONDS = 20  # browsers take less for nothing said, and show such pictures for 100
_DEFAULT_MILLISECONDS = 100


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of an animation, and how long it is shown."""

    image: Image.Image
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Animation:
    """Fitted pictures of one size and mode; `loops` times, 0 for ever."""

    frames: tuple[Frame, ...]
    loops: int = 0


def fitted_animation(
    file: Path, recipe: Recipe, *, max_pixels: int, max_bytes: int
) -> Animation | None:
    """The animation in `file`, fitted; None where it is a still picture.

    Raises:
        PermanentError: too many pictures, or too many pixels in all.
        UnreadableImageError, OSError: as of `core.reading.open_image`.
    """
    with opened(file, max_pixels=max_pixels, max_bytes=max_bytes) as (image, _):
        count, loops = frame_count(image), image.info.get("loop", 0)
    if count < 2:
        return None
    if count > MOST_FRAMES:
        raise PermanentError(f"an animation of {count} pictures; {MOST_FRAMES} are kept moving")
    frames = []
    for frame in _frames(file, max_pixels, max_bytes):
        frames.append(replace(frame, image=unpadded(frame.image, recipe)))
        _check_room(count, frames[0].image.size)
    return Animation(tuple(_alike(frames, recipe)), loops if isinstance(loops, int) else 0)


def encode(animation: Animation, format: ImageFormat, recipe: Recipe) -> bytes:
    """The animation as WebP or GIF.

    Raises:
        PermanentError: not in as few bytes as allowed.
    """
    if format is ImageFormat.GIF:
        clear = animation.frames[0].image.mode == "RGBA"
        return fewer_colours(
            recipe.max_bytes,
            lambda colours: _saved(
                [paletted(frame.image, colours) for frame in animation.frames],
                "GIF",
                animation,
                # What is transparent shows what was there before, unless that is taken away.
                disposal=_TAKEN_AWAY if clear else _LEFT,
            ),
            what="GIF",
        )
    images = [frame.image for frame in animation.frames]
    return at_most(
        recipe.max_bytes,
        recipe.webp_quality,
        lambda quality: _saved(
            images, "WEBP", animation, quality=webp_quality(quality), method=WEBP_METHOD
        ),
        what="WebP",
    )


def _saved(
    images: Sequence[Image.Image], format: str, animation: Animation, **options: object
) -> bytes:
    return saved(
        images[0],
        format,
        save_all=True,
        append_images=images[1:],
        duration=[frame.milliseconds for frame in animation.frames],
        loop=animation.loops,
        **options,
    )


def _frames(file: Path, max_pixels: int, max_bytes: int) -> Iterator[Frame]:
    """Every picture, upright and in sRGB."""
    with opened(file, max_pixels=max_pixels, max_bytes=max_bytes) as (image, _):
        for number in range(frame_count(image)):
            image.seek(number)
            image.load()
            yield Frame(upright(image.copy()), _shown_for(image.info.get("duration")))


def _shown_for(milliseconds: object) -> int:
    if not isinstance(milliseconds, int | float) or milliseconds < _LEAST_MILLISECONDS:
        return _DEFAULT_MILLISECONDS
    return round(milliseconds)


def _check_room(count: int, size: tuple[int, int]) -> None:
    pixels = count * size[0] * size[1]
    if pixels > MOST_PIXELS:
        raise PermanentError(
            f"an animation of {count} pictures of {size[0]} x {size[1]}; {MOST_PIXELS:,} pixels in "
            "all are kept moving: make it smaller, or export its first picture"
        )


def _alike(frames: Sequence[Frame], recipe: Recipe) -> Iterator[Frame]:
    """All with alpha as soon as one has it, and padded alike: else the padding would flicker."""
    clear = not recipe.opaque and any(frame.image.mode == "RGBA" for frame in frames)
    for frame in frames:
        image = frame.image.convert("RGBA") if clear else flatten(frame.image, recipe.ground)
        yield replace(frame, image=padded(image, recipe))
