"""The three-format set beside plain Pillow and libvips, of pictures as they come (goal of issue D).

Baselines, pinned: plain Pillow is open, RGB (transparency laid on white), LANCZOS to 1280x720, PNG
level 9, JPEG q85 optimize, WebP q80 method 4; libvips is thumbnail, PNG compression 6 with all filters,
Q 85, Q 80 effort 4, one thread. Ours is what a decoding worker does, and its memory a worker's own.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmarks.harness import Goal, interleaved, report
from benchmarks.inputs import full_hd_jpegs, large_pictures
from image_assets.core.colour import WHITE, flatten
from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Fit, Recipe
from image_assets.services.decoding import DecodingPool, tasks
from image_assets.services.decoding.wire import Bounds, recipe_to_header

os.environ.setdefault("VIPS_CONCURRENCY", "1")
try:
    import pyvips
except (ImportError, OSError):
    pyvips = None

RECIPE = Recipe("benchmark", fit=Fit.STRETCH, opaque=True)
BOUNDS = Bounds(600, 60.0, 50_000_000, 100_000_000)
Set = dict[ImageFormat, bytes]
LOOP = "import sys\nfor _ in range(int(sys.argv[1])): sum(i * i for i in range(1000000))"
PEAK = """
import io, sys
from PIL import Image
image = Image.open(sys.argv[1])
if image.mode == "RGBA":
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image)
    image = flat
image = image.convert("RGB").resize((1280, 720), Image.Resampling.LANCZOS)
image.save(io.BytesIO(), "PNG", compress_level=9)
image.save(io.BytesIO(), "JPEG", quality=85, optimize=True)
image.save(io.BytesIO(), "WEBP", quality=80, method=4)
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def main() -> None:
    goals: list[Goal] = []
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = full_hd_jpegs(Path(folder)) | large_pictures(Path(folder))
        for kind, file in files.items():
            _judge_one_thread(kind, file, goals, figures)
            _judge_memory(kind, file, goals, figures)
        _judge_two_workers(next(iter(files.values())), goals, figures)
    packages = ["pillow", "numpy", "deflate", *(["pyvips", "pyvips-binary"] if pyvips else [])]
    report("export", goals, versions=packages, figures=figures)


def _judge_one_thread(kind: str, file: Path, goals: list[Goal], figures: dict[str, Any]) -> None:
    sides: dict[str, Callable[[], Set]] = {
        "plain Pillow": lambda: plain_pillow(file),
        "ours": lambda: ours(file),
    }
    if pyvips is not None:
        sides["libvips"] = lambda: libvips(file)
    seconds = interleaved(sides, rounds=9, seconds=14)
    made = {side: run() for side, run in sides.items()}
    sizes = {side: sum(map(len, files.values())) for side, files in made.items()}
    figures[f"{kind}, {file.stat().st_size:,} bytes, CPU ms"] = {
        side: round(taken * 1000, 1) for side, taken in seconds.items()
    }
    figures[f"{kind}, bytes"] = {
        side: {str(format): len(content) for format, content in files.items()}
        for side, files in made.items()
    }
    goals += [
        Goal(f"CPU beside plain Pillow, {kind}", seconds["ours"] / seconds["plain Pillow"], 0.25),
        Goal(f"bytes beside plain Pillow, {kind}", sizes["ours"] / sizes["plain Pillow"], 1.02),
        *_judged_likeness(kind, file, made),
    ]
    if pyvips is not None:
        ratio = seconds["ours"] / seconds["libvips"]
        goals.append(Goal(f"CPU beside libvips, {kind}", ratio, 0.85))


def _judged_likeness(kind: str, file: Path, made: dict[str, Set]) -> list[Goal]:
    reference = _resized(file)
    return [
        Goal(
            f"SSIM less plain Pillow's, {format}, {kind}",
            ssim(reference, made["ours"][format]) - ssim(reference, made["plain Pillow"][format]),
            -0.002,
            at_least=True,
        )
        for format in RECIPE.formats
    ]


def _judge_memory(kind: str, file: Path, goals: list[Goal], figures: dict[str, Any]) -> None:
    """Peaks of a worker that makes one set, and of a process that makes it with plain Pillow."""
    plain = float(subprocess.check_output([sys.executable, "-c", PEAK, str(file)], text=True))
    with _pool(1) as pool:
        pool.render(file, RECIPE)
        status = Path(f"/proc/{pool.pids[0]}/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    worker = int(peak) / 1024
    figures[f"{kind}, peak MiB"] = {"plain Pillow": round(plain), "ours": round(worker)}
    goals.append(Goal(f"memory beside plain Pillow, {kind}", worker / plain, 1.5))


def ours(file: Path) -> Set:
    """As a decoding worker does it."""
    header, contents = tasks.rendered([file], {"recipes": [recipe_to_header(RECIPE)]}, BOUNDS)
    formats = (ImageFormat(name) for name in header["sets"][0]["formats"])
    return dict(zip(formats, contents, strict=True))


def plain_pillow(file: Path) -> Set:
    image = _resized(file)
    options: dict[ImageFormat, dict[str, Any]] = {
        ImageFormat.PNG: {"compress_level": 9},
        ImageFormat.JPEG: {"quality": 85, "optimize": True},
        ImageFormat.WEBP: {"quality": 80, "method": 4},
    }
    made = {}
    for format, settings in options.items():
        out = BytesIO()
        image.save(out, format.name, **settings)
        made[format] = out.getvalue()
    return made


def libvips(file: Path) -> Set:
    image = pyvips.Image.thumbnail(str(file), 1280, height=720, size="force")
    if image.hasalpha():
        image = image.flatten(background=list(WHITE))
    image = image.copy_memory()
    return {
        ImageFormat.PNG: image.pngsave_buffer(compression=6, filter="all", keep="none"),
        ImageFormat.JPEG: image.jpegsave_buffer(Q=85, keep="none"),
        ImageFormat.WEBP: image.webpsave_buffer(Q=80, effort=4, keep="none"),
    }


def _resized(file: Path) -> Image.Image:
    image = Image.open(file)
    image = flatten(image, WHITE) if image.mode == "RGBA" else image.convert("RGB")
    return image.resize((1280, 720), Image.Resampling.LANCZOS)


def ssim(reference: Image.Image, encoded: bytes) -> float:
    """Mean structural similarity of luminance (Wang et al. 2004: gaussian window, sigma 1.5)."""
    a = np.asarray(reference.convert("L"), dtype=float)
    b = np.asarray(Image.open(BytesIO(encoded)).convert("L"), dtype=float)
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = gaussian_filter(a, 1.5), gaussian_filter(b, 1.5)
    var_a = gaussian_filter(a * a, 1.5) - mean_a**2
    var_b = gaussian_filter(b * b, 1.5) - mean_b**2
    both = gaussian_filter(a * b, 1.5) - mean_a * mean_b
    above = (2 * mean_a * mean_b + first) * (2 * both + second)
    below = (mean_a**2 + mean_b**2 + first) * (var_a + var_b + second)
    return float((above / below).mean())


def _judge_two_workers(file: Path, goals: list[Goal], figures: dict[str, Any]) -> None:
    """The speed-up of two workers beside that of two processes that only compute."""
    with _pool(1) as one, _pool(2) as two:
        pools = {"one worker": (one, 1), "two workers": (two, 2)}
        sides = {
            name: partial(_rendered, pool, file, threads) for name, (pool, threads) in pools.items()
        }
        sides |= {"one loop": partial(_loops, 1), "two loops": partial(_loops, 2)}
        seconds = interleaved(sides, rounds=5, seconds=40, clock=time.perf_counter)
    ours = seconds["one worker"] / seconds["two workers"]
    loops = seconds["one loop"] / seconds["two loops"]
    figures["speed-up of two"] = {"workers": round(ours, 2), "pure CPU": round(loops, 2)}
    goals.append(Goal("two workers beside two pure-CPU loops", ours / loops, 0.93, at_least=True))


def _pool(workers: int) -> DecodingPool:
    return DecodingPool(workers, BOUNDS.memory_mb, 60.0, BOUNDS.max_pixels, BOUNDS.max_bytes)


def _rendered(pool: DecodingPool, file: Path, threads: int) -> None:
    with ThreadPoolExecutor(threads) as executor:
        list(executor.map(lambda _: pool.render(file, RECIPE), range(6)))


def _loops(processes: int) -> None:
    commands = [[sys.executable, "-c", LOOP, str(12 // processes)]] * processes
    running = [subprocess.Popen(command) for command in commands]
    for process in running:
        process.wait()


if __name__ == "__main__":
    main()
