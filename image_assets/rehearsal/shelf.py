"""What a host of pictures holds: pictures by id, with what the host found out about each."""

import datetime as dt
import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.downloads import Download
from image_assets.rehearsal.exchange import Reply, Request
from image_assets.rehearsal.spool import Extent, Spool, Tape

_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "BMP": "bmp", "WEBP": "webp"}


class NotAPictureError(ValueError):
    """The bytes are no picture of a format that hosts know."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is, read from its bytes: format as Pillow calls it, size in pixels, frames."""

    format: str
    width: int
    height: int
    frames: int = 1

    @classmethod
    def of(cls, content: bytes) -> "Look":
        """The look of `content`, decoded to its last byte.

        Raises:
            NotAPictureError: it is no picture, or a broken one.
        """
        try:
            with Image.open(io.BytesIO(content)) as image:
                image.load()
                name, frames = image.format or "", getattr(image, "n_frames", 1)
                if name not in _EXTENSIONS:
                    raise NotAPictureError(name)
                return cls(name, image.width, image.height, frames)
        except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as bad:
            raise NotAPictureError(str(bad)) from bad

    @property
    def extension(self) -> str:
        """The file extension, without the dot."""
        return _EXTENSIONS[self.format]

    @property
    def mime(self) -> str:
        """The media type."""
        return f"image/{self.format.lower()}"


@dataclass(frozen=True, slots=True)
class Item:
    """A picture on the shelf; `sent_md5` is of the bytes as they came, `secret` opens its removal."""

    id: str
    name: str
    secret: str
    look: Look
    sent_md5: str
    md5: str
    extent: Extent
    created_at: dt.datetime
    number: int  # order of arrival


class Shelf:
    """The pictures of one host; thread-safe. With a folder they are kept there."""

    def __init__(self, name: str, clock: Clock, folder: Path | None = None) -> None:
        self.name = name
        self._clock = clock
        self._lock = threading.RLock()
        self._spool = Spool(folder and folder / f"{name}.bytes")
        self._tape = Tape(folder and folder / f"{name}.jsonl")
        self._items: dict[str, Item] = {}
        self._arrived = 0
        for event in self._tape.replay():
            self._replay(**event)

    def reset(self) -> None:
        """An empty shelf."""
        with self._lock:
            self._items.clear()
            self._tape.clear()
            self._spool.clear()

    def close(self) -> None:
        """Let go of the bytes."""
        self._spool.close()
        self._tape.close()

    def __len__(self) -> int:
        with self._lock:
            return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        """The items in order of arrival."""
        with self._lock:
            return iter(list(self._items.values()))

    def add(self, content: bytes, *, name: str, sent: bytes | None = None, id: str = "") -> Item:
        """Put a picture there. `sent` is what came, where it is shown encoded anew.

        Args:
            content: what is shown.
            name: as its sender calls it.
            sent: what its sender sent; `content` when not given.
            id: its id; one of the shelf's own when not given. A picture of that id is replaced.

        Raises:
            NotAPictureError: `content` is none.
        """
        look, seed = Look.of(content), hashlib.sha256(content)
        with self._lock:
            self._arrived += 1
            seed.update(b"%d" % self._arrived)
            item = Item(
                id=id or _letters(seed.digest(), 7),
                name=name,
                secret=seed.hexdigest()[:48],
                look=look,
                sent_md5=_md5(content if sent is None else sent),
                md5=_md5(content),
                extent=self._spool.add(content),
                created_at=self._clock.now(),
                number=self._arrived,
            )
            self._items[item.id] = item
            told = asdict(item) | {"created_at": item.created_at.isoformat()}
            self._tape.write({"item": told})
        return item

    def get(self, id: str) -> Item | None:
        """The item of that id."""
        with self._lock:
            return self._items.get(id)

    def by_sent_md5(self, md5: str) -> Item | None:
        """The first item that came as bytes of that MD5."""
        with self._lock:
            return next((item for item in self._items.values() if item.sent_md5 == md5), None)

    def content(self, item: Item) -> bytes:
        """What is shown of an item."""
        return self._spool.read(item.extent)

    def shown(self, item: Item, request: Request) -> Reply:
        """An item's picture as the host's image server gives it out."""
        etag = f'"{item.md5}"'
        return Download(self.content(item), item.look.mime, etag, item.created_at).reply(request)

    def remove(self, id: str) -> bool:
        """Take an item away; whether it was there."""
        with self._lock:
            self._tape.write({"removed": id})
            return self._items.pop(id, None) is not None

    def swap(self, id: str, content: bytes) -> None:
        """Show other bytes under an id, whatever they are: what a host must never do, and does."""
        with self._lock:
            old = self._items[id]
            told = {name: getattr(old, name) for name in Item.__slots__}
            self._items[id] = Item(**told | {"extent": self._spool.add(content)})

    def _replay(self, item: dict[str, Any] | None = None, removed: str = "") -> None:
        self._items.pop(removed, None)
        if item is not None:
            built = Item(
                **item
                | {
                    "look": Look(**item["look"]),
                    "extent": Extent(**item["extent"]),
                    "created_at": dt.datetime.fromisoformat(item["created_at"]),
                }
            )
            self._items[built.id] = built
            self._arrived = max(self._arrived, built.number)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _letters(seed: bytes, count: int) -> str:
    """Letters and digits as such hosts make ids of them."""
    letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(letters[byte % len(letters)] for byte in seed[:count])
