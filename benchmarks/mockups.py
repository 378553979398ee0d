"""A design on a template beside OpenCV's and Pillow's own warps (goal of issue F).

3000x3000 RGBA onto 2000x2000, one thread. The baselines do what their documentation does: one
`warpPerspective` (bilinear) or `transform` (bicubic) of the whole design, laid over the template.
The truth that all are judged by takes 36 samples a pixel. Error is root mean square, in levels of 255,
on the pixels where the design lies.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.harness import Goal, interleaved, report
from image_assets.core.mockups import mockup
from image_assets.core.templates import Area, Corners

SIZE = 2000
SAMPLES = 6  # a side
STRIP = 200  # rows at a time
AREAS: dict[str, Corners] = {
    "large": ((300, 350), (1650, 250), (1750, 1700), (250, 1600)),
    "small": ((700, 800), (1200, 780), (1220, 1350), (690, 1380)),
    "steep": ((300, 700), (1700, 200), (1700, 1800), (300, 1300)),
    "lying": ((600, 900), (1400, 900), (1900, 1900), (100, 1900)),
}
Pixels = NDArray[Any]


def main() -> None:
    cv2.setNumThreads(1)
    design, template = artwork(3000), scene()
    goals: list[Goal] = []
    figures: dict[str, Any] = {}
    for name, corners in AREAS.items():
        sides = {
            "OpenCV": lambda corners=corners: by_opencv(design, template, corners),
            "Pillow": lambda corners=corners: by_pillow(design, template, corners),
            "ours": lambda corners=corners: np.asarray(mockup(design, template, [_area(corners)])),
        }
        seconds = interleaved(sides, rounds=15, seconds=25)
        wanted, lies = truth(design, template, corners), mask(corners)
        errors = {side: error(run(), wanted, lies) for side, run in sides.items()}
        figures[f"{name}, CPU ms"] = {side: round(s * 1000, 1) for side, s in seconds.items()}
        figures[f"{name}, error"] = {side: round(e, 2) for side, e in errors.items()}
        goals += [
            Goal(f"CPU beside OpenCV, {name}", seconds["ours"] / seconds["OpenCV"], 1.3),
            Goal(f"error beside OpenCV, {name}", errors["ours"] / errors["OpenCV"], 1.0),
            Goal(f"error beside Pillow, {name}", errors["ours"] / errors["Pillow"], 1.0),
        ]
    report(
        "mockups",
        goals,
        versions=["opencv-python-headless", "pillow", "numpy"],
        figures=figures,
    )


def artwork(side: int) -> Image.Image:
    """Flat colours, thin lines and small letters on nothing, as designs for shirts and mugs are."""
    image = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(image)
    for n in range(60):
        x, y = (n * 997) % side, (n * 613) % side
        reach, colour = 40 + (n * 53) % 260, ((n * 71) % 256, (n * 131) % 256, (n * 29) % 256, 255)
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour if n % 2 else None,
                     outline=colour, width=3 + n % 9)  # fmt: skip
    for y in range(0, side, 12):
        draw.line((0, y, side // 3, y), fill=(20, 90, 200, 255), width=3)
    for n in range(40):
        draw.text(
            (side // 3, n * side // 40), "image_assets " * 9, fill=(0, 0, 0, 255), font_size=48
        )
    return image


def scene() -> Image.Image:
    image = Image.linear_gradient("L").resize((SIZE, SIZE)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for at in range(0, SIZE, 40):
        draw.line((at, 0, at, SIZE), fill=(120, 120, 140))
    return image


def by_opencv(design: Image.Image, template: Image.Image, corners: Corners) -> Pixels:
    clear = cv2.cvtColor(np.asarray(design), cv2.COLOR_RGBA2mRGBA)
    seen = cv2.warpPerspective(
        clear, _matrix(design, corners), (SIZE, SIZE), flags=cv2.INTER_LINEAR
    )
    rest = cv2.bitwise_not(cv2.cvtColor(cv2.extractChannel(seen, 3), cv2.COLOR_GRAY2RGB))
    below = cv2.multiply(np.asarray(template), rest, scale=1 / 255)
    return cv2.add(below, cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB))


def by_pillow(design: Image.Image, template: Image.Image, corners: Corners) -> Pixels:
    back = np.linalg.inv(_matrix(design, corners, middles=False))
    back /= back[2, 2]
    seen = design.convert("RGBa").transform(
        (SIZE, SIZE),
        Image.Transform.PERSPECTIVE,
        back.ravel()[:8].tolist(),
        Image.Resampling.BICUBIC,
    )
    seen = seen.convert("RGBA")
    made = template.copy()
    made.paste(seen, mask=seen)
    return np.asarray(made)


def truth(design: Image.Image, template: Image.Image, corners: Corners) -> Pixels:
    """The mean of 36 bilinear samples a pixel, in floating point, over the template."""
    clear = cv2.cvtColor(np.asarray(design), cv2.COLOR_RGBA2mRGBA)
    matrix = _matrix(design, corners, middles=False)
    below = np.asarray(template).astype(np.float32)
    for top in range(0, SIZE, STRIP):
        finer = np.array([[SAMPLES, 0, 0], [0, SAMPLES, -top * SAMPLES], [0, 0, 1]], float)
        strip = cv2.warpPerspective(
            clear,
            _middles(finer @ matrix),
            (SIZE * SAMPLES, STRIP * SAMPLES),
            flags=cv2.INTER_LINEAR,
        )
        mean = strip.reshape(STRIP, SAMPLES, SIZE, SAMPLES, 4).mean((1, 3), dtype=np.float32)
        rows = below[top : top + STRIP]
        rows *= 1 - mean[..., 3:] / 255
        rows += mean[..., :3]
    return below


def mask(corners: Corners) -> Pixels:
    """Where the design lies, and two pixels around it."""
    image = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(image).polygon(corners, fill=1, outline=1, width=4)
    return np.asarray(image).astype(bool)


def error(made: Pixels, wanted: Pixels, lies: Pixels) -> float:
    return math.sqrt(float(((made.astype(np.float32) - wanted)[lies] ** 2).mean()))


def _area(corners: Corners) -> Area:
    return Area(corners, aspect=1.0)


def _matrix(design: Image.Image, corners: Corners, *, middles: bool = True) -> Pixels:
    width, height = design.size
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    found = cv2.getPerspectiveTransform(source, np.array(corners, np.float32))
    return _middles(found) if middles else found


def _middles(matrix: Pixels) -> Pixels:
    """The same for coordinates that count from the middle of pixels, as OpenCV's do."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.linalg.inv(half) @ matrix @ half


if __name__ == "__main__":
    main()
