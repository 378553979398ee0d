"""Drawn frames, kept for the next time: of all rehearsals of a process the last 128 MiB."""

import datetime as dt
import threading
from collections import OrderedDict

from image_assets.rehearsal import scene

KEPT_BYTES = 128 * 1024 * 1024

_Key = tuple[str, str, dt.datetime, int]
_lock = threading.Lock()
_kept: OrderedDict[_Key, bytes] = OrderedDict()
_size = 0


def picture(terminal: str, stream: str, shows: dt.datetime, seed: int) -> bytes:
    """The JPEG of `scene.draw`, drawn by one thread once."""
    global _size
    key = (terminal, stream, shows, seed)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        content = _kept[key] = scene.draw(terminal, stream, shows, seed)
        _size += len(content)
        while _size > KEPT_BYTES:
            _size -= len(_kept.popitem(last=False)[1])
        return content
