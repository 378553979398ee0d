"""What people and programs are told of: its kinds, what counts as the same news, and one message of it."""

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MOST_ITEMS = 20
"""Items that one message spells out."""
MOST_TEXT = 600
"""Characters of one item."""

_CHANGING = re.compile(r"[0-9a-f]{8,}|\d+", re.IGNORECASE)


class NoticeKind(StrEnum):
    """What happened."""

    RUN_FAILED = "run.failed"
    UPLOAD_SUCCEEDED = "upload.succeeded"
    UPLOAD_FAILED = "upload.failed"
    UPLOAD_IN_DOUBT = "upload.in_doubt"
    BATCH_FINISHED = "batch.finished"
    HOST_CHANGED = "host.changed"
    QUOTA_EXHAUSTED = "quota.exhausted"
    TEST = "test"

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {
    NoticeKind.RUN_FAILED: "Run failed",
    NoticeKind.UPLOAD_SUCCEEDED: "Uploaded",
    NoticeKind.UPLOAD_FAILED: "Upload failed",
    NoticeKind.UPLOAD_IN_DOUBT: "Upload in doubt",
    NoticeKind.BATCH_FINISHED: "Batch finished",
    NoticeKind.HOST_CHANGED: "A host behaves differently",
    NoticeKind.QUOTA_EXHAUSTED: "Quota exhausted",
    NoticeKind.TEST: "Test",
}

TROUBLES = tuple(
    kind for kind in NoticeKind if kind not in (NoticeKind.UPLOAD_SUCCEEDED, NoticeKind.TEST)
)
"""What a channel for people carries where nothing else is set: all but every success."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened, `count` times.

    `subject` is what it happened to (a destination, an asset, a batch); `text` a sentence or two.
    What has one `key` is the same news and is told together: by kind, subject and text when not
    given, numbers and hashes left out.
    """

    kind: NoticeKind
    subject: str
    text: str
    count: int = 1
    key: str = ""

    @property
    def identity(self) -> str:
        """The key, as long as a database likes it."""
        own = self.key or _CHANGING.sub("#", f"{self.subject}\0{self.text}")
        digest = hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.kind}:{digest[:32]}"


@dataclass(frozen=True, slots=True)
class Notice:
    """One item of a message: what happened `count` times since it was last told, the last at `at`."""

    kind: NoticeKind
    subject: str
    text: str
    count: int
    tenant: str
    since: dt.datetime
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is sent at a time. `id` stays the same however often it is tried."""

    id: str
    channel: str
    created_at: dt.datetime
    notices: tuple[Notice, ...] = field(repr=False)
    left_out: int = 0
    tries: int = 0

    @property
    def kind(self) -> str:
        """The kind of all its items, or `digest` of several kinds."""
        kinds = {notice.kind for notice in self.notices}
        return kinds.pop().value if len(kinds) == 1 else "digest"


def shortened(text: str, most: int = MOST_TEXT) -> str:
    """The beginning of a text, on one line."""
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def shown(notices: Sequence[Notice]) -> tuple[tuple[Notice, ...], int]:
    """Those that a message spells out, the worst kinds first, and how many it does not."""
    order = list(NoticeKind)
    ranked = sorted(notices, key=lambda notice: (_rank(notice.kind, order), notice.at))
    return tuple(ranked[:MOST_ITEMS]), len(ranked[MOST_ITEMS:])


def _rank(kind: NoticeKind, order: Sequence[NoticeKind]) -> int:
    return len(order) if kind is NoticeKind.UPLOAD_SUCCEEDED else order.index(kind)
