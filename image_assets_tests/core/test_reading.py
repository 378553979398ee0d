import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from image_assets.core import reading
from image_assets.core.colour import upright
from image_assets.core.errors import UnreadableImageError
from image_assets.core.model import ImageFormat, Picture
from image_assets_tests import drawing


def opened(file: Path, *, max_pixels: int = 1_000_000, max_bytes: int = 1_000_000) -> Image.Image:
    return reading.open_image(file, max_pixels=max_pixels, max_bytes=max_bytes)


def written(folder: Path, content: bytes, name: str = "picture.bin") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def refusal(file: Path, **limits: int) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        opened(file, **limits)
    return caught.value.reason


def chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(header: bytes, *chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_the_content_says_the_format_whatever_the_name_says(tmp_path, format):
    file = written(tmp_path, drawing.picture(1, format=format), "lies.txt")

    found = reading.picture(opened(file))

    assert found == Picture(ImageFormat(format.lower()), 160, 90)


@pytest.mark.parametrize(
    "name", ["a'b\".jpg", "$(touch x).png", "-rf", "new\nline", "caf\u00e9 \u202e"]
)
def test_hostile_names_are_names(tmp_path, name):
    assert opened(written(tmp_path, drawing.picture(1), name)).size == (160, 90)


def test_an_empty_file_is_refused(tmp_path):
    assert refusal(written(tmp_path, b"")) == "empty"


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path):
    file = written(tmp_path, b"\0" * 101)

    assert refusal(file, max_bytes=100) == "too_large"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_too_many_pixels_are_refused(tmp_path, format):
    file = written(tmp_path, drawing.picture(1, format=format))

    assert refusal(file, max_pixels=160 * 90 - 1) == "too_many_pixels"
    assert opened(file, max_pixels=160 * 90).size == (160, 90)


BOMBS = {
    "png": png(struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0), chunk(b"IDAT", b"x")),
    "long png": png(struct.pack(">IIBBBBB", 70_000, 1, 8, 2, 0, 0, 0), chunk(b"IDAT", b"x")),
    "webp": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xfe\x3f\0" * 2,
    "lossless webp": b"RIFF\x16\0\0\0WEBPVP8L\x0a\0\0\0\x2f" + b"\xff\xff\xff\x0f" + b"\0" * 8,
    "lossy webp": b"RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + b"\0" * 8,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_from_its_header(tmp_path, bomb):
    assert refusal(written(tmp_path, BOMBS[bomb]), max_pixels=50_000_000) == "too_many_pixels"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_truncated_picture_is_refused(tmp_path, format):
    content = drawing.picture(1, format=format)

    assert refusal(written(tmp_path, content[: len(content) // 2])) in ("truncated", "corrupt")


def test_a_png_whose_checksum_is_wrong_is_refused_although_it_decodes(tmp_path):
    content = bytearray(drawing.picture(1, format="PNG"))
    place = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[place - 4 : place])
    content[place + 4 + length] ^= 1

    assert refusal(written(tmp_path, bytes(content))) == "corrupt"


def test_a_png_without_its_end_is_refused(tmp_path):
    content = drawing.picture(1, format="PNG")

    assert refusal(written(tmp_path, content[:-12])) == "truncated"


def test_bytes_after_the_picture_are_no_fault_of_its_pixels(tmp_path):
    content = drawing.picture(1, format="PNG") + b"PK\x03\x04 and more"

    assert opened(written(tmp_path, content)).size == (160, 90)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><body>404</body></html>", "not_an_image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "unsupported_format"),
        (b"\0\0\0\x20ftypavif" + b"\0" * 20, "unsupported_format"),
        (drawing.picture(1, format="TIFF"), "unsupported_format"),
        (drawing.picture(1, format="PPM"), "not_an_image"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "corrupt"),
        (b"\xff\xd8\xff" + b"\0" * 40, "corrupt"),
    ],
)
def test_other_content_is_refused_with_its_reason(tmp_path, content, reason):
    assert refusal(written(tmp_path, content)) == reason


def test_a_refusal_is_one_sentence_of_bounded_length(tmp_path):
    with pytest.raises(UnreadableImageError) as caught:
        opened(written(tmp_path, drawing.picture(1)[:500]))

    assert 5 < len(str(caught.value)) < 300
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_file_is_no_picture_s_fault(tmp_path):
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "absent.jpg")


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_counts(tmp_path, format):
    first, second = Image.new("RGB", (20, 10), "red"), Image.new("RGB", (20, 10), "blue")
    content = io.BytesIO()
    first.save(content, format, save_all=True, append_images=[second, first])

    image = opened(written(tmp_path, content.getvalue()))

    assert reading.picture(image).frames == 3
    red, green, blue = upright(image).getpixel((5, 5))
    assert red > 250
    assert max(green, blue) < 5


def test_exif_is_told_upright_and_harmless(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Acme\n\x07 Works " + "x" * 100
    exif[0x0110] = "T-1000"
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}
    exif.get_ifd(0x8769)[0x9003] = "2025:09:01 10:07:34"
    exif.get_ifd(0x8769)[0xA431] = "serial 12345"
    content = io.BytesIO()
    Image.new("RGB", (40, 20)).save(content, "JPEG", exif=exif)

    found = reading.picture(opened(written(tmp_path, content.getvalue())))

    assert (found.width, found.height) == (20, 40)
    assert found.exif == {
        "DateTimeOriginal": "2025:09:01 10:07:34",
        "Make": "Acme Works " + "x" * 53,
        "Model": "T-1000",
        "Orientation": "6",
    }


@pytest.mark.filterwarnings("ignore")
def test_broken_exif_leaves_the_picture_readable(tmp_path):
    content = io.BytesIO()
    Image.new("RGB", (40, 20)).save(content, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fgarbage")

    found = reading.picture(opened(written(tmp_path, content.getvalue())))

    assert (found.width, found.height, found.exif) == (40, 20, {})


def test_a_large_jpeg_may_be_decoded_smaller_but_not_below_what_is_asked(tmp_path):
    file = written(tmp_path, drawing.picture(1, (800, 600)))

    image = reading.open_image(
        file, max_pixels=10**6, max_bytes=10**6, enough=lambda size, bits: (200, 200)
    )

    assert image.size == (400, 300)


def test_a_pngs_transparent_colour_is_found_in_whatever_depth_it_is_written(tmp_path):
    row = b"\0" + bytes([0x0F])  # two pixels of four bits: 0 and 15
    four = png(
        struct.pack(">IIBBBBB", 2, 1, 4, 0, 0, 0, 0),
        chunk(b"tRNS", b"\0\x0f"),
        chunk(b"IDAT", zlib.compress(row)),
    )
    wide = b"\0" + b"\x12\x34" * 3 + b"\xff\xff" * 3
    sixteen = png(
        struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0),
        chunk(b"tRNS", b"\xff\xff" * 3),
        chunk(b"IDAT", zlib.compress(wide)),
    )

    for content in (four, sixteen):
        alpha = upright(opened(written(tmp_path, content))).getchannel("A")
        assert (alpha.getpixel((0, 0)), alpha.getpixel((1, 0))) == (255, 0)


def test_the_header_tells_how_many_pixels_it_announces(tmp_path):
    whole = drawing.picture(1, format="WEBP")

    assert reading.header_pixels(written(tmp_path, whole[:40])) == 160 * 90
    assert reading.header_pixels(written(tmp_path, b"nothing")) == 0


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}], ids=str)
@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_examining_finds_every_flaw_that_decoding_finds(tmp_path, mode, options):
    chance = random.Random(f"{mode} {options}")
    whole = io.BytesIO()
    Image.effect_noise((96, 64), 60).convert(mode).save(whole, "JPEG", **options)

    told = []
    for _ in range(100):
        spoilt = bytearray(whole.getvalue())
        place = chance.randrange(len(spoilt))
        spoilt[place : place + chance.choice([1, 9, 9999])] = chance.randbytes(1)
        file = written(tmp_path, bytes(spoilt))
        told.append([verdict(file, look) for look in (decoded, reading.examine)])

    assert [decoding for decoding, _ in told] == [examining for _, examining in told]
    assert len({str(decoding) for decoding, _ in told}) > 5


def decoded(file: Path, **bounds: int) -> Picture:
    return reading.picture(reading.open_image(file, **bounds))


def verdict(file: Path, look: Callable[..., Picture]) -> Picture | str:
    try:
        return look(file, max_pixels=10**6, max_bytes=10**6)
    except UnreadableImageError as error:
        return f"{error.reason}: {error}"
