"""What people write to check a folder of downloads: `python -m benchmarks.plain_verify FOLDER`.

SHA-256, a full decode and fsync of every file on two processes; the sums go to `FOLDER/../sums.txt`.
"""

import hashlib
import io
import multiprocessing
import os
import sys
from pathlib import Path

from PIL import Image


def verified(file: Path) -> str:
    with file.open("rb") as stream:
        content = stream.read()
        os.fsync(stream.fileno())
    with Image.open(io.BytesIO(content)) as image:
        image.load()
    return f"{hashlib.sha256(content).hexdigest()}  {file}"


def main() -> None:
    folder = Path(sys.argv[1])
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    with multiprocessing.Pool(2) as pool:
        lines = pool.map(verified, files)
    (folder.parent / "sums.txt").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
