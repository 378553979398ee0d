"""Pictures from files we did not make: opened by content, bounded from the header, decoded in full."""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from image_assets.core.errors import UnreadableImageError
from image_assets.core.model import ImageFormat, Picture

Size = tuple[int, int]
Enough = Callable[[Size, float], Size]
"""From a picture's upright size and the bits that its file has for a pixel to the least size that it
may be decoded at."""

_FORMATS = {
    "PNG": ImageFormat.PNG,
    "JPEG": ImageFormat.JPEG,
    "MPO": ImageFormat.JPEG,  # a JPEG with more pictures behind the first
    "WEBP": ImageFormat.WEBP,
    "GIF": ImageFormat.GIF,
    "BMP": ImageFormat.BMP,
}
# Pillow must be told: asked for any format it would hand PostScript to Ghostscript.
_ACCEPTED = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_OURS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")
_OTHERS = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"8BPS": "PSD",
    b"\0\0\1\0": "ICO",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"%!PS": "PostScript",
    b"%PDF": "PDF",
    b"DDS ": "DDS",
    b"BLP": "BLP",
    b"\x01\xda": "SGI",
    b"qoif": "QOI",
    b"\xff\x0a": "JPEG XL",
    b"\x76\x2f\x31\x01": "OpenEXR",
}
# What Pillow's plugins were seen to raise on 6,764 hostile files, beside its own errors.
DECODING_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    SyntaxError,
    OverflowError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_CUT_SHORT = ("truncated", "not enough image data", "unexpected end", "bytes not processed")

_LONGEST_SIDE = 65_535  # what JPEG and GIF can say; Pillow keeps a pointer for every row

_ORIENTATION = 0x0112
_EXIF_TEXT = {"Make": 0x010F, "Model": 0x0110}
_EXIF_IFD = 0x8769
_DATE_TIME_ORIGINAL = 0x9003
_EXIF_LENGTH = 64


def open_image(
    file: Path,
    *,
    max_pixels: int,
    max_bytes: int,
    enough: Enough | None = None,
) -> Image.Image:
    """The picture in `file` (of an animation its first frame), every pixel decoded.

    A PNG's checksums are verified too, which decoding alone does not. `enough` allows a JPEG to
    be decoded at 1/2, 1/4 or 1/8, not smaller than what it says: only for pictures that
    shrink anyway.

    Raises:
        UnreadableImageError: `empty`, `too_large`, `too_many_pixels`, `not_an_image`,
            `unsupported_format`, `truncated` or `corrupt`.
        OSError: the file itself cannot be read.
    """
    with opened(file, max_pixels=max_pixels, max_bytes=max_bytes) as (image, head):
        if enough is not None:
            image.draft(None, decoded_size(image, enough, file))
        # Asked now, while the file is open: a GIF has to be walked through for it.
        frame_count(image)
        image.load()
    _mend_transparency(image, head)
    return image


def examine(file: Path, *, max_pixels: int, max_bytes: int) -> Picture:
    """What is in `file`, seen to be whole: the verdicts of `open_image`, without its pixels.

    Every bit of a JPEG is read and decoded, but only the mean of each 8 x 8 block of its gray is
    computed: the arithmetic that is left out cannot fail, and is half of the time.

    Raises:
        UnreadableImageError, OSError: as of `open_image`.
    """
    with opened(file, max_pixels=max_pixels, max_bytes=max_bytes) as (image, _):
        size = image.size
        image.draft("L", (1, 1))
        frame_count(image)
        image.load()
    return picture(image, size)


def decoded_size(image: Image.Image, enough: Enough, file: Path) -> Size:
    """The least size to decode at, as the picture lies in its file."""
    turned = orientation(image) >= 5
    bits = file.stat().st_size * 8 / (image.width * image.height)
    width, height = enough(image.size[::-1] if turned else image.size, bits)
    return (height, width) if turned else (width, height)


@contextmanager
def opened(file: Path, *, max_pixels: int, max_bytes: int) -> Iterator[tuple[Image.Image, bytes]]:
    """The picture in `file`, bounded and verified but not decoded, and the first bytes of the file.

    What Pillow raises while the block decodes it comes out as our errors.

    Raises:
        UnreadableImageError, OSError: as of `open_image`.
    """
    with file.open("rb") as stream:
        head = _checked_head(stream, max_pixels, max_bytes)
        try:
            if head.startswith(b"\x89PNG"):
                with Image.open(stream, formats=("PNG",)) as png:
                    _check_pixels(png.size, max_pixels)
                    png.verify()
            image = Image.open(stream, formats=_ACCEPTED)
            _check_pixels(image.size, max_pixels)
            yield image, head
        except _BOMBS as error:
            raise UnreadableImageError("too_many_pixels", str(error)) from error
        except DECODING_ERRORS as error:
            raise _refusal(error, head) from error


def header_pixels(file: Path) -> int:
    """How many pixels the header of `file` announces, whether they are there or not; 0 if unclear."""
    with file.open("rb") as stream:
        size = _webp_size(stream.read(32))
        try:
            if size is None:
                with Image.open(stream, formats=_ACCEPTED) as image:
                    size = image.size
        except (*DECODING_ERRORS, *_BOMBS):
            return 0
    return size[0] * size[1]


def picture(image: Image.Image, size: Size | None = None) -> Picture:
    """What an opened image is: its format, its upright size, and a few harmless EXIF fields.

    `size` is that of the file, where the image was decoded at less.
    """
    width, height = size or image.size
    if orientation(image) >= 5:
        width, height = height, width
    return Picture(
        _FORMATS[image.format or ""], width, height, frame_count(image), exif_fields(image)
    )


def frame_count(image: Image.Image) -> int:
    """The frames of an animation, 1 of a still picture."""
    return int(getattr(image, "n_frames", 1))


def orientation(image: Image.Image) -> int:
    """The EXIF orientation 1..8; 1 where EXIF is absent, unreadable or says anything else."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except DECODING_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def exif_fields(image: Image.Image) -> dict[str, str]:
    """DateTimeOriginal, Make, Model and Orientation as short printable text, where they are given.

    Nothing else is taken: positions, serial numbers and owners' names stay in the original.
    """
    try:
        exif = image.getexif()
        raw: dict[str, object] = {name: exif.get(tag) for name, tag in _EXIF_TEXT.items()}
        raw["DateTimeOriginal"] = exif.get_ifd(_EXIF_IFD).get(_DATE_TIME_ORIGINAL)
    except DECODING_ERRORS:
        return {}
    fields = {name: text for name, value in raw.items() if (text := _printable(value))}
    if (turn := orientation(image)) != 1:
        fields["Orientation"] = str(turn)
    return fields


def _printable(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[: 4 * _EXIF_LENGTH] if c.isprintable()).strip()[:_EXIF_LENGTH]


def _checked_head(stream: BinaryIO, max_pixels: int, max_bytes: int) -> bytes:
    """The first bytes of a file that is neither empty nor too large by size or by header."""
    size = os.fstat(stream.fileno()).st_size
    if size == 0:
        raise UnreadableImageError("empty", "the file is empty")
    if size > max_bytes:
        raise UnreadableImageError("too_large", f"{size:,} bytes; at most {max_bytes:,} are taken")
    head = stream.read(32)
    if (webp := _webp_size(head)) is not None:
        # libwebp allocates the whole canvas as soon as Pillow opens the file.
        _check_pixels(webp, max_pixels)
    return head


def _check_pixels(size: Size, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or max(size) > _LONGEST_SIDE:
        message = f"{width} x {height}; at most {max_pixels:,} pixels, {_LONGEST_SIDE:,} a side"
        raise UnreadableImageError("too_many_pixels", message)
    if width < 1 or height < 1:
        raise UnreadableImageError("corrupt", f"{width} x {height} pixels")


def _webp_size(head: bytes) -> Size | None:
    """Canvas size of a WebP from its first 30 bytes (RFC 9649); None for anything else."""
    if len(head) < 30 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _refusal(error: Exception, head: bytes) -> UnreadableImageError:
    """Pillow's error in our words; the disk's errors, which carry a number, are not about pictures."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    text = str(error)
    if isinstance(error, UnidentifiedImageError):
        return _not_ours(head)
    cut = isinstance(error, EOFError) or any(sign in text.lower() for sign in _CUT_SHORT)
    reason = "truncated" if cut else "corrupt"
    return UnreadableImageError(reason, f"{reason}: {type(error).__name__}: {text[:200]}")


def _not_ours(head: bytes) -> UnreadableImageError:
    if head.startswith(_OURS) or head[8:12] == b"WEBP":
        return UnreadableImageError("corrupt", "the header is damaged")
    name = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), None)
    if head[4:8] == b"ftyp":
        name = "AVIF, HEIF or a video"
    if name is None:
        return UnreadableImageError("not_an_image", "not a PNG, JPEG, WebP, GIF or BMP")
    message = f"{name}; PNG, JPEG, WebP, GIF and BMP are taken"
    return UnreadableImageError("unsupported_format", message)


def _mend_transparency(image: Image.Image, head: bytes) -> None:
    """Bring a PNG's transparent colour to the 8 bits that Pillow brought the pixels to.

    Pillow leaves it in the depth of the file: gray of 2 or 4 bits would never match, and of 16-bit
    RGB it would compare the low byte with the pixel's high byte.
    """
    key = image.info.get("transparency")
    if image.format != "PNG" or key is None:
        return
    depth = head[24]
    if image.mode == "L" and depth in (2, 4) and isinstance(key, int):
        image.info["transparency"] = key * 255 // (2**depth - 1)
    elif image.mode == "RGB" and depth == 16:
        image.info["transparency"] = tuple(value >> 8 for value in key)
