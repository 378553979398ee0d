"""Nothing but pixels leaves: files taken apart by hand, after the whole way through a worker."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from image_assets.core.model import ImageFormat
from image_assets.core.recipes import EXPORTED, Recipe
from image_assets.services.decoding import DecodingPool
from image_assets_tests import containers
from image_assets_tests.containers import PIXELS_ONLY, READERS
from image_assets_tests.drawing import encoded, moving, scene

CANARY = "canary 51.5007 N"


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecodingPool]:
    with DecodingPool(1, 600, 20.0, 50_000_000, 100_000_000) as pool:
        yield pool


def exif() -> Image.Exif:
    """Who, with what, and where."""
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x8298] = CANARY, CANARY, CANARY
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 2.5), 29: CANARY})
    return exif


def told(format: str) -> bytes:
    """A picture that carries everything its format can carry."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options: dict[str, object] = {"exif": exif(), "icc_profile": profile}
    if format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Author", CANARY)
        text.add_itxt("XML:com.adobe.xmp", f"<x>{CANARY}</x>")
        options |= {"pnginfo": text, "dpi": (300, 300)}
    if format == "JPEG":
        options |= {"comment": CANARY, "xmp": f"<x>{CANARY}</x>".encode(), "dpi": (300, 300)}
    if format == "WEBP":
        options |= {"xmp": f"<x>{CANARY}</x>".encode()}
    if format == "GIF":
        options = {"comment": CANARY}
    file = io.BytesIO()
    scene().save(file, format, **options)
    return file.getvalue() + CANARY.encode()  # and behind its end


@pytest.mark.parametrize("source", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("set", 160, 90, formats=EXPORTED),
        Recipe("same size", 320, 180, formats=EXPORTED),
        Recipe("little", 160, 90, formats=EXPORTED, max_bytes=6000, jpeg_progressive=True),
    ],
    ids=lambda recipe: recipe.name,
)
def test_only_pixels_leave(decoder, tmp_path, source, recipe):
    (tmp_path / "told").write_bytes(told(source))

    files = decoder.render(tmp_path / "told", recipe).files

    assert set(files) == set(EXPORTED)
    for format, content in files.items():
        assert set(READERS[format](content)) <= PIXELS_ONLY[format]
        assert b"canary" not in content


@pytest.mark.parametrize("format", [ImageFormat.WEBP, ImageFormat.GIF])
def test_only_pixels_leave_of_an_animation(decoder, tmp_path, format):
    first, *others = moving()
    file = io.BytesIO()
    first.save(file, "WEBP", save_all=True, append_images=others, exif=exif(), xmp=CANARY, loop=0)
    (tmp_path / "moving").write_bytes(file.getvalue())
    recipe = Recipe("moving", 24, 16, formats=(format,), animated=True)

    content = decoder.render(tmp_path / "moving", recipe).files[format]

    parts = READERS[format](content)
    assert set(parts) <= PIXELS_ONLY[format]
    assert max(parts.count(part) for part in ("image", "ANMF")) == 4


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_reader_sees_what_a_picture_tells(format):
    parts = READERS[format.lower()](told(format))

    assert set(parts) - PIXELS_ONLY[format.lower()] >= {containers.TRAILING}
    plain = READERS[format.lower()](encoded(scene(), format))
    assert len(set(parts) - set(plain)) >= 2


def test_the_reader_sees_what_an_avif_tells():
    file = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    scene().save(file, "AVIF", exif=exif(), xmp=CANARY, icc_profile=profile)

    told = set(containers.avif(file.getvalue())) - PIXELS_ONLY["avif"]

    assert {"infe Exif", "infe mime"} <= told
    assert told & {"colr prof", "colr rICC"}
