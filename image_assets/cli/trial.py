"""`image-assets test-upload`: a small picture to a host and back, so that a new key is known to work."""

import secrets
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw
from rich.console import Console
from rich.text import Text

from image_assets import uploading
from image_assets.core.errors import RejectedError
from image_assets.settings import Settings

_SIZE = 64


def run(settings: Settings, host: str, console: Console, result: Console) -> int:
    """Upload, read back, take down where that is possible; every step in words, the URL as result."""
    uploading.check_host(host)
    with (
        tempfile.TemporaryDirectory(prefix="image_assets-") as folder,
        uploading.publishing(settings, (host,)) as hosts,
    ):
        file = Path(folder) / "test-upload.png"
        _draw(file)
        size = file.stat().st_size
        console.print(Text(f"drawn: {_SIZE} x {_SIZE} pixels, PNG, {size:,} bytes"))
        began = time.monotonic()
        row, receipt = hosts.publish(file, host)
        result.print(Text(receipt.url), soft_wrap=True)
        seconds = time.monotonic() - began
        console.print(Text(f"{host} has it, proven at level {row.level}, {seconds:.1f} s"))
        try:
            hosts.take_down(row, receipt, host)
        except RejectedError as error:
            console.print(Text(f"it stays there: {error}"))
        else:
            console.print(Text("taken down again"))
    return 0


def _draw(file: Path) -> None:
    """A picture that nobody has: random colours, so that no host can know it."""
    with Image.new("RGB", (_SIZE, _SIZE), tuple(secrets.token_bytes(3))) as image:
        draw = ImageDraw.Draw(image)
        for ring in range(_SIZE // 2, 0, -4):
            box = (_SIZE / 2 - ring, _SIZE / 2 - ring, _SIZE / 2 + ring, _SIZE / 2 + ring)
            draw.ellipse(box, fill=tuple(secrets.token_bytes(3)))
        image.save(file, "PNG")
