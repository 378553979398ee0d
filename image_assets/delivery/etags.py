"""The strong tag of a file: the hash of its content, read once for each file."""

import hashlib
import os
import threading
import time
from collections import OrderedDict
from io import BufferedReader

_MOST = 16_384  # files remembered, about 5 MB
_SETTLED = 2_000_000_000  # ns; a younger file can change again within one tick of its clock


class Etags:
    """Tags of files, remembered by what the file system says of them: no content is hashed twice."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[tuple[int, ...], str] = OrderedDict()
        self._lock = threading.Lock()

    def tag(self, file: BufferedReader, state: os.stat_result) -> str:
        """`"{sha256}"` of the whole file, whose state this is."""
        identity = (
            state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns,
        )  # fmt: skip
        with self._lock:
            if (known := self._known.get(identity)) is not None:
                self._known.move_to_end(identity)
                return known
        tag = f'"{hashlib.file_digest(file, "sha256").hexdigest()}"'
        if time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) > _SETTLED:
            self._remember(identity, tag)
        return tag

    def _remember(self, identity: tuple[int, ...], tag: str) -> None:
        with self._lock:
            self._known[identity] = tag
            while len(self._known) > self._most:
                self._known.popitem(last=False)
