"""What image files consist of, read from their structure alone: no image library has a part in it.

Each reader gives the names of a file's parts in their order, and `trailing` for bytes after its end.
"""

import struct
from collections.abc import Callable, Iterator

TRAILING = "trailing"


def png(content: bytes) -> list[str]:
    """Chunk types (PNG specification, section 5)."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    names, place = [], 8
    while place < len(content) and "IEND" not in names:
        (length,) = struct.unpack_from(">I", content, place)
        names.append(content[place + 4 : place + 8].decode("latin-1"))
        place += length + 12
    return names + [TRAILING] * (place != len(content))


def jpeg(content: bytes) -> list[str]:
    """Marker segments (ITU T.81, annex B) as hexadecimal, `APP0 JFIF` with its identifier."""
    assert content[:2] == b"\xff\xd8"
    names, place = [], 2
    while content[place] == 0xFF and content[place + 1] != 0xD9:
        marker = content[place + 1]
        (length,) = struct.unpack_from(">H", content, place + 2)
        segment = content[place + 4 : place + 2 + length]
        names.append(_segment(marker, segment))
        place += 2 + length
        if marker == 0xDA:
            place = _after_scan(content, place)
    assert content[place : place + 2] == b"\xff\xd9"
    return names + [TRAILING] * (place + 2 != len(content))


def webp(content: bytes) -> list[str]:
    """Chunk types of the RIFF container (RFC 9649), those within animation frames too."""
    assert content[:4] == b"RIFF"
    assert content[8:12] == b"WEBP"
    (size,) = struct.unpack_from("<I", content, 4)
    names = list(_riff(content, 12, size + 8))
    return names + [TRAILING] * (size + 8 != len(content))


def gif(content: bytes) -> list[str]:
    """Blocks (GIF89a): `image`, and extensions by label, application extensions by name."""
    assert content[:6] in (b"GIF87a", b"GIF89a")
    names, place = [], 13 + _colours(content[10])
    while content[place] != 0x3B:
        if content[place] == 0x2C:
            names.append("image")
            place = _after_blocks(content, place + 11 + _colours(content[place + 9]))
            continue
        label = content[place + 1]
        own = content[place + 3 : place + 3 + content[place + 2]]
        names.append(own.decode("latin-1") if label == 0xFF else f"{label:02x}")
        place = _after_blocks(content, place + 2)
    return names + [TRAILING] * (place + 1 != len(content))


def avif(content: bytes) -> list[str]:
    """Boxes (ISO 14496-12) with those inside `meta`, items by type and colours by kind."""
    return list(_boxes(content, 0, len(content)))


READERS: dict[str, Callable[[bytes], list[str]]] = {
    "png": png,
    "jpeg": jpeg,
    "webp": webp,
    "gif": gif,
    "avif": avif,
}
"""By format."""

PIXELS_ONLY: dict[str, set[str]] = {
    "png": {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"},
    "jpeg": {"APP0 JFIF", "db", "c0", "c2", "c4", "da"},
    "webp": {"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF"},
    "gif": {"image", "f9", "NETSCAPE2.0"},
    "avif": {
        *("ftyp", "meta", "mdat", "hdlr", "pitm", "iloc", "iinf", "infe av01", "iref", "iprp"),
        *("ipco", "ispe", "pixi", "av1C", "colr nclx", "auxC", "ipma"),
    },
}
"""The parts that pixels need, by format: everything else tells of something else."""


def _segment(marker: int, segment: bytes) -> str:
    if marker == 0xE0:
        # No thumbnail: its width and height are the last two of 14 bytes.
        plain = segment.startswith(b"JFIF\0") and segment[12:] == b"\0\0"
        return "APP0 JFIF" if plain else "APP0"
    return f"{marker:02x}"


def _after_scan(content: bytes, place: int) -> int:
    """Where the next marker is: in entropy-coded data 0xFF is followed by 0, or by a restart."""
    while content[place] != 0xFF or content[place + 1] == 0 or 0xD0 <= content[place + 1] <= 0xD7:
        place += 1
    return place


def _riff(content: bytes, place: int, end: int) -> Iterator[str]:
    while place < end:
        name = content[place : place + 4].decode("latin-1")
        (length,) = struct.unpack_from("<I", content, place + 4)
        yield name
        if name == "ANMF":
            yield from _riff(content, place + 8 + 16, place + 8 + length)
        place += 8 + length + length % 2


def _colours(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(content: bytes, place: int) -> int:
    while content[place]:
        place += 1 + content[place]
    return place + 1


# Bytes before the boxes inside a box: version and flags, and a count.
_NESTED = {"meta": 4, "iprp": 0, "ipco": 0, "iinf": 6, "moov": 0}


def _boxes(content: bytes, place: int, end: int) -> Iterator[str]:
    while place < end:
        (length,) = struct.unpack_from(">I", content, place)
        name = content[place + 4 : place + 8].decode("latin-1")
        body = place + 8
        if name == "colr":
            name += " " + content[body : body + 4].decode("latin-1")
        if name == "infe":
            name += " " + content[body + 8 : body + 12].decode("latin-1")
        yield name
        if name in _NESTED:
            yield from _boxes(content, body + _NESTED[name], place + length)
        place += length or end - place
