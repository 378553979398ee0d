"""A day as a strip of 24 hours: a tick for each picture, a bar for each gap in its cause's colour.

The colours are Okabe and Ito's, which people with any of the usual colour blindnesses tell apart
(https://jfly.uni-koeln.de/color/); each cause has a pattern of its own as well.
"""

import datetime as dt
from collections.abc import Iterable
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from image_assets.core.colour import RGB, WHITE
from image_assets.core.completeness import Completeness
from image_assets.core.gaps import Gap, GapCause

HELD: RGB = (0, 114, 178)  # blue
COLOURS: dict[GapCause, RGB] = {
    GapCause.SILENT: (240, 228, 66),  # yellow
    GapCause.FAILED: (213, 94, 0),  # vermillion
    GapCause.GONE: (204, 121, 167),  # reddish purple
    GapCause.REJECTED: (86, 180, 233),  # sky blue
    GapCause.UNLISTED: (0, 0, 0),
    GapCause.LIMITED: (0, 158, 115),  # bluish green
}
INK: RGB = (34, 34, 34)
TRACK: RGB = (236, 236, 236)  # hours of service without a tick
LEGEND = 12
"""Height in pixels of the line of names below the hours."""

_WHOLE_HEIGHT = frozenset({GapCause.SILENT, GapCause.UNLISTED, GapCause.LIMITED})
"""No picture is known of there; of every other cause one was at least asked for."""

_LEFT, _TOP, _HEIGHT, _LABELS = 10, 4, 36, 18
_FONT_SIZE = 11
_HOURS = 24
_EVERY = 3  # hours between two labels

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw(day: Completeness, taken: Iterable[dt.datetime], *, width: int = 740) -> bytes:
    """The strip as a PNG of a few KiB: ticks at the times `taken`, gaps, hours in UTC, a legend.

    Hours out of service are white; the legend names what is to be seen.
    """
    image = Image.new("RGB", (width, _TOP + _HEIGHT + _LABELS + LEGEND + 4), WHITE)
    pen = ImageDraw.Draw(image)
    scale = (width - 2 * _LEFT) / _HOURS
    _track(pen, day, scale)
    midnight = dt.datetime.combine(day.day, dt.time(), dt.UTC)
    for gap in day.gaps:
        _gap(image, gap, midnight, scale)
    for moment in taken:
        x = _x(moment, midnight, scale)
        pen.rectangle((x - 1, _TOP, x, _TOP + _HEIGHT - 1), fill=HELD)
    _hours(pen, scale)
    _legend(image, day)
    return _png(image)


def _track(pen: ImageDraw.ImageDraw, day: Completeness, scale: float) -> None:
    served = day.cadence.stretches(0, _HOURS) if day.cadence.rates else [(0, _HOURS)]
    for start, end in served:
        box = (_LEFT + start * scale, _TOP, _LEFT + end * scale, _TOP + _HEIGHT - 1)
        pen.rectangle(box, fill=TRACK)


def _gap(image: Image.Image, gap: Gap, midnight: dt.datetime, scale: float) -> None:
    """A bar in the middle, at least three pixels wide; where nobody looked it is the whole height."""
    left, right = _x(gap.start, midnight, scale), _x(gap.end, midnight, scale)
    inset = 0 if gap.cause in _WHOLE_HEIGHT else 6
    box = (left, _TOP + inset, max(right, left + 3), _TOP + _HEIGHT - inset)
    _fill(image, box, gap.cause)


def _fill(image: Image.Image, box: tuple[int, int, int, int], cause: GapCause) -> None:
    """A box in the colour and the pattern of a cause."""
    swatch = Image.new("RGB", (max(1, box[2] - box[0]), box[3] - box[1]), COLOURS[cause])
    pen = ImageDraw.Draw(swatch)
    line = WHITE if cause in (GapCause.UNLISTED, GapCause.FAILED) else INK
    width, height = swatch.size
    steps = range(-height, width + height, 8)
    for step in steps:
        if cause in (GapCause.SILENT, GapCause.REJECTED):
            pen.line((step, height, step + height, 0), fill=line)
        if cause in (GapCause.REJECTED, GapCause.UNLISTED):
            pen.line((step, 0, step + height, height), fill=line)
        if cause is GapCause.GONE:
            pen.line((step, 0, step, height), fill=line)
        if cause is GapCause.LIMITED:
            pen.line((0, step, width, step), fill=line)
    image.paste(swatch, box[:2])


def _hours(pen: ImageDraw.ImageDraw, scale: float) -> None:
    """A tick each hour, a longer one with its number every three."""
    font = ImageFont.load_default(_FONT_SIZE)
    base = _TOP + _HEIGHT
    for hour in range(_HOURS + 1):
        x = round(_LEFT + hour * scale)
        named = hour % _EVERY == 0
        pen.line((x, base, x, base + (5 if named else 3)), fill=INK)
        if named:
            name = "UTC" if hour == _HOURS else f"{hour:02}"
            pen.text((x, base + 5), name, fill=INK, font=font, anchor="ma")


def _legend(image: Image.Image, day: Completeness) -> None:
    """Swatch, name and count of what is there: pictures, then gaps by cause."""
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(_FONT_SIZE)
    top = _TOP + _HEIGHT + _LABELS + 2
    pen.rectangle((_LEFT, top, _LEFT + 9, top + 9), fill=HELD)
    x = _name(pen, _LEFT, top, f"{day.got} pictures", font)
    for cause in GapCause:
        if count := day.causes.get(cause):
            _fill(image, (x, top, x + 10, top + 10), cause)
            x = _name(pen, x, top, f"{cause} ({count})", font)


def _name(pen: ImageDraw.ImageDraw, left: int, top: int, name: str, font: Font) -> int:
    """Write beside a swatch; where the next one begins."""
    pen.text((left + 14, top - 1), name, fill=INK, font=font)
    return left + 14 + round(pen.textlength(name, font=font)) + 16


def _x(moment: dt.datetime, midnight: dt.datetime, scale: float) -> int:
    hours = (moment - midnight) / dt.timedelta(hours=1)
    return round(_LEFT + min(max(hours, 0.0), float(_HOURS)) * scale)


def _png(image: Image.Image) -> bytes:
    """Few colours, so few bytes: it travels in an event of the run."""
    file = BytesIO()
    image.quantize(64, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()
