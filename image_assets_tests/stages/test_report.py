import threading

import pytest

from image_assets.core.errors import AuthenticationError, RejectedError, TransientError
from image_assets.stages.report import SHOWN_FAILURES, Cause, Outcome, Report, each


def done(item: object) -> Outcome:
    return Outcome("done", 10)


def failing(error: Exception, *items: int):
    def work(item: int) -> Outcome:
        if item in items:
            raise error
        return Outcome("done", 10)

    return work


def test_every_item_is_counted_with_its_bytes():
    report = each([1, 2, 3], done, workers=2)

    assert (report.counts, report.bytes, report.failed) == ({"done": 3}, 30, 0)


def test_one_failure_stops_no_other_item():
    report = each(range(10), failing(RejectedError("no"), 4), workers=3)

    assert report.counts == {"done": 9}
    assert report.causes == {Cause.PERMANENT: 1}
    assert report.failures[0].reason == "no"


def test_a_bug_escapes():
    with pytest.raises(ZeroDivisionError):
        each([1, 0], lambda item: Outcome(str(1 // item)), workers=1)


def test_after_a_bug_nothing_more_is_begun():
    begun = []

    def work(item: int) -> Outcome:
        begun.append(item)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        each(range(1000), work, workers=1)

    assert begun == [0]


def test_an_error_that_concerns_the_whole_batch_ends_it_and_counts_the_rest():
    tried = []

    def work(item: int) -> Outcome:
        tried.append(item)
        raise AuthenticationError("wrong key")

    report = each(range(100), work, workers=1)

    assert tried == [0]
    assert report.failed == 100
    assert report.failures[-1].item.endswith("items not tried")


def test_listed_failures_are_capped_and_counted_all_the_same():
    report = each(range(200), failing(RejectedError("no"), *range(200)), workers=4)

    assert (len(report.failures), report.failed) == (SHOWN_FAILURES, 200)


def test_only_transient_failures_are_worth_a_retry():
    waiting = each([1], failing(TransientError("busy"), 1), workers=1)
    mixed = waiting + each([1], failing(RejectedError("no"), 1), workers=1)

    assert waiting.transient_only
    assert not mixed.transient_only
    assert not Report().transient_only


def test_progress_sees_every_item():
    seen = []

    each(
        range(5), done, workers=2, progress=lambda report, total: seen.append((report.done, total))
    )

    assert seen == [(n, 5) for n in range(1, 6)]


def test_no_more_than_the_workers_run_at_once():
    running, most, lock = set(), [], threading.Lock()

    def work(item: int) -> Outcome:
        with lock:
            running.add(item)
            most.append(len(running))
        with lock:
            running.discard(item)
        return Outcome("done")

    each(range(50), work, workers=3)

    assert max(most) <= 3


def test_reports_add_up():
    total = Report({"a": 1}, {Cause.QUOTA: 1}, 5, 1.0) + Report({"a": 2, "b": 1}, {}, 7, 2.0)

    assert (total.counts, total.failed, total.bytes, total.seconds) == (
        {"a": 3, "b": 1},
        1,
        12,
        3.0,
    )
