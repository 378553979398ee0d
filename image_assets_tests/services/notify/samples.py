"""Messages of a few words."""

import datetime as dt

from image_assets.core.notices import Message, Notice, NoticeKind

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def notice(text: str = "answered 500", kind: NoticeKind = NoticeKind.UPLOAD_FAILED) -> Notice:
    return Notice(kind, "pinata", text, 3, "default", NOW - dt.timedelta(hours=1), NOW)


def message(*notices: Notice, left_out: int = 0) -> Message:
    return Message("msg_1", "some", NOW, notices or (notice(),), left_out)
