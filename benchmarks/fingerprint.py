"""The fingerprint beside imagehash's two hashes, on decoded pixels and from a file (goal of issue C)."""

import hashlib
import tempfile
from pathlib import Path

import imagehash
from blake3 import blake3
from PIL import Image

from benchmarks.harness import Goal, interleaved, report
from benchmarks.inputs import full_hd_jpegs
from image_assets.core import fingerprint
from image_assets.core.colour import upright
from image_assets.core.reading import open_image

ROUNDS = 40
LIMITS = {"max_pixels": 50_000_000, "max_bytes": 100_000_000}


def main() -> None:
    goals, figures = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, file in full_hd_jpegs(Path(folder)).items():
            seconds = _measured(file)
            figures[f"{kind}, {file.stat().st_size:,} bytes, ms"] = {
                side: round(taken * 1000, 2) for side, taken in seconds.items()
            }
            goals += [
                Goal(f"decoded pixels, {kind}", seconds["ours"] / seconds["imagehash"], 0.35),
                Goal(
                    f"from file, {kind}",
                    seconds["ours from file"] / seconds["imagehash from file"],
                    0.6,
                ),
            ]
    report(
        "fingerprint",
        goals,
        versions=("pillow", "imagehash", "numpy", "scipy", "blake3"),
        figures=figures,
    )


def _measured(file: Path) -> dict[str, float]:
    pixels = Image.open(file).convert("RGB")

    def imagehash_of(image: Image.Image) -> None:
        imagehash.phash(image, hash_size=16)
        imagehash.dhash(image, hash_size=16)

    return interleaved(
        {
            "imagehash": lambda: imagehash_of(pixels),
            "ours": lambda: fingerprint.of(pixels),
            "imagehash from file": lambda: imagehash_of(Image.open(file)),
            "ours from file": lambda: fingerprint.of(upright(open_image(file, **LIMITS))),
            # A part of ours, that imagehash has no counterpart of.
            "the exact pixel hash alone": lambda: blake3(pixels.tobytes()).digest(),
            "the same by SHA-256": lambda: hashlib.sha256(pixels.tobytes()).digest(),
        },
        rounds=ROUNDS,
        seconds=40,
    )


if __name__ == "__main__":
    main()
