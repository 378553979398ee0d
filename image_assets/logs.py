"""How our log lines look: text for people or one JSON object a line, never with a secret in it."""

import json
import logging
import sys
from collections.abc import Collection

_OWN = frozenset(vars(logging.makeLogRecord({})))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the ids given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class Redaction(logging.Filter):
    """Takes known secrets out of every line: the last of several nets, not the first."""

    def __init__(self, secrets: Collection[str]) -> None:
        super().__init__()
        self._secrets = tuple(secret for secret in secrets if len(secret) > 3)

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without the secrets."""
        message = record.getMessage()
        for secret in self._secrets:
            message = message.replace(secret, "***")
        if message != record.getMessage():
            record.msg, record.args = message, None
        return True


def configure(level: str, style: str, secrets: Collection[str]) -> None:
    """Send the project's log lines to standard error, in `style` (`text` or `json`)."""
    logger = logging.getLogger("image_assets")
    logger.setLevel(level)
    for handler in [h for h in logger.handlers if isinstance(h, _OurHandler)]:
        logger.removeHandler(handler)
    handler = _OurHandler(sys.stderr)
    handler.setLevel(level)  # Dagster sets the logger's own level as its instance says
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if style == "json" else text)
    handler.addFilter(Redaction(secrets))
    logger.addHandler(handler)


class _OurHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Ours to replace, unlike those that Dagster or a test added."""
