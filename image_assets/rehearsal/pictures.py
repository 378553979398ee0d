"""Drawn frames, kept for the next time: of all rehearsals of a process the last 128 MiB."""

import datetime as dt
import threading
from collections import OrderedDict

from image_assets.rehearsal import miniature, scene

KEPT_BYTES = 128 * 1024 * 1024

_Key = tuple[str, str, dt.datetime, int, bool]
_lock = threading.Lock()
_kept: OrderedDict[_Key, bytes] = OrderedDict()
_size = 0


def picture(
    terminal: str, stream: str, shows: dt.datetime, seed: int, *, small: bool = False
) -> bytes:
    """The JPEG of `scene.draw`, or of `miniature.draw`, drawn by one thread once."""
    global _size
    key = (terminal, stream, shows, seed, small)
    draw = miniature.draw if small else scene.draw
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        content = _kept[key] = draw(terminal, stream, shows, seed)
        _size += len(content)
        while _size > KEPT_BYTES:
            _size -= len(_kept.popitem(last=False)[1])
        return content
