"""Answers that are asked for again and again while little changes, so that a 304 is enough.

They live in memory: whoever starts anew asks once in full.
"""

import threading
from collections import OrderedDict

from image_assets.services import validators
from image_assets.services.answers import Answer

_MOST = 64
_LARGEST = 1 << 20
"""Bytes of an answer that is worth its memory: a day of a camera is some 30 KB."""


class Remembered:
    """The last successes of a client by address, the newest `_MOST` of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def get(self, url: str) -> Answer | None:
        """What was answered there the last time, None when that is not known."""
        with self._lock:
            return self._answers.get(url)

    def keep(self, url: str, answer: Answer) -> None:
        """Remember an answer, if a server can be asked whether it still holds."""
        with self._lock:
            self._answers.pop(url, None)
            if validators.for_repeat(answer.headers) and len(answer.body) <= _LARGEST:
                self._answers[url] = answer
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
