"""How our log lines look: text for people or one JSON object a line, never with a secret in it."""

import json
import logging
import sys
import time
from collections.abc import Collection
from urllib.parse import quote

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the ids given as `extra`."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        ids = {name: value for name, value in vars(record).items() if name not in _OWN}
        return json.dumps(line | {n: v for n, v in ids.items() if n not in line}, default=str)


class Redaction(logging.Formatter):
    """Another formatter's lines without known secrets: the last of several nets, not the first."""

    def __init__(self, inner: logging.Formatter, secrets: Collection[str]) -> None:
        super().__init__()
        self._inner = inner
        spellings = {*secrets, *(quote(secret, safe="") for secret in secrets)}
        for _ in range(2):  # what was JSON before it was told is escaped twice
            spellings |= {json.dumps(spelling)[1:-1] for spelling in spellings}
        self._secrets = sorted((s for s in spellings if len(s) > 3), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The line, its ids and its traceback, with asterisks where a secret was."""
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line


def configure(level: str, style: str, secrets: Collection[str]) -> None:
    """Send the project's log lines to standard error, in `style` (`text` or `json`)."""
    logger = logging.getLogger("image_assets")
    logger.setLevel(level)
    for handler in [h for h in logger.handlers if isinstance(h, _OurHandler)]:
        logger.removeHandler(handler)
    handler = _OurHandler(sys.stderr)
    handler.setLevel(level)  # Dagster sets the logger's own level as its instance says
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    handler.setFormatter(Redaction(JsonFormatter() if style == "json" else text, secrets))
    logger.addHandler(handler)


class _OurHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Ours to replace, unlike those that Dagster or a test added."""
