import datetime as dt

import pytest

from image_assets.core.notices import (
    MOST_ITEMS,
    Happening,
    Message,
    Notice,
    NoticeKind,
    shortened,
    shown,
)

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FAILED = NoticeKind.UPLOAD_FAILED


def notice(kind: NoticeKind, minute: int = 0) -> Notice:
    at = NOW + dt.timedelta(minutes=minute)
    return Notice(kind, "pinata", "why", 1, "default", at, at)


def test_the_same_words_with_other_numbers_are_the_same_news():
    first = Happening(FAILED, "pinata", "run 3fa91c00: 12 of 20 failed")
    second = Happening(FAILED, "pinata", "run 77b0e2aa: 1 of 3 failed")

    assert first.identity == second.identity


@pytest.mark.parametrize(
    "other",
    [
        Happening(FAILED, "imgur", "broken"),
        Happening(FAILED, "pinata", "refused"),
        Happening(NoticeKind.RUN_FAILED, "pinata", "broken"),
        Happening(FAILED, "pinata", "broken", key="another"),
    ],
)
def test_another_kind_subject_text_or_key_is_other_news(other):
    assert Happening(FAILED, "pinata", "broken").identity != other.identity


def test_any_text_has_an_identity_of_bounded_length():
    assert len(Happening(FAILED, "\ud800" * 500, "x" * 10_000).identity) < 100


def test_a_message_spells_out_so_many_and_counts_the_rest():
    many = [notice(FAILED, minute) for minute in range(MOST_ITEMS + 3)]

    assert shown(many) == (tuple(many[:MOST_ITEMS]), 3)


def test_successes_come_last():
    success, failure = notice(NoticeKind.UPLOAD_SUCCEEDED), notice(NoticeKind.QUOTA_EXHAUSTED, 9)

    assert shown([success, failure]) == ((failure, success), 0)


def test_a_message_of_several_kinds_is_a_digest():
    one, two = notice(FAILED), notice(NoticeKind.RUN_FAILED)

    kinds = [Message("m", "slack", NOW, notices).kind for notices in ((one,), (one, two))]

    assert kinds == ["upload.failed", "digest"]


def test_a_text_is_shortened_to_one_line():
    assert (shortened("a\n b"), shortened("x" * 10, 5)) == ("a b", "xxxx…")
