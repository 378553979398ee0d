"""Who made a file: the libraries, by name and version, and which of them a format owes its bytes to."""

from image_assets.core.model import ImageFormat

ZLIB, ZLIB_NG, LIBDEFLATE = "zlib", "zlib-ng", "libdeflate for Python"
LIBJPEG, LIBWEBP, LIBAVIF = "libjpeg-turbo", "libwebp", "libavif"

_CODECS = {
    ImageFormat.PNG: {ZLIB, ZLIB_NG, LIBDEFLATE},
    ImageFormat.JPEG: {LIBJPEG},
    ImageFormat.WEBP: {LIBWEBP},
    ImageFormat.AVIF: {LIBAVIF},
}


def told(versions: dict[str, str]) -> str:
    """Libraries by name with their versions, in one line: `Pillow 12.1.0, libwebp 1.6.0`."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def makers(encoder: str, format: ImageFormat) -> frozenset[str]:
    """Those of `told` that have a part in files of this format: all but the codecs of others."""
    own = _CODECS.get(format, set())
    others = set().union(*_CODECS.values()) - own
    return frozenset(one for one in encoder.split(", ") if one.rpartition(" ")[0] not in others)
