import datetime as dt

import sqlalchemy as sa

from image_assets.core.batches import Step, StepProgress, StepState
from image_assets.core.fidelity import Sighting, Treatment
from image_assets.core.model import ImageFormat, Partition
from image_assets.core.notices import Happening, Message, NoticeKind
from image_assets.ports import Attempt
from image_assets.ports.notifications import Pace
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.catalog.shown import links
from image_assets.services.catalog.telling import messages, notices, tellings
from image_assets_tests.services.catalog.samples import (
    LEASE,
    NOW,
    design,
    export,
    journey,
    publish,
    register,
    store,
)

FAILED = NoticeKind.UPLOAD_FAILED
PACE = Pace()
EVERYTHING = tuple(NoticeKind)
MINUTE = dt.timedelta(minutes=1)


def message(
    catalog: Catalog, minutes: float = 0, *, kinds: tuple[NoticeKind, ...] = EVERYTHING
) -> Message | None:
    now = NOW + minutes * MINUTE
    return catalog.notices.message("slack", "there", kinds, PACE, now=now)


def tell(catalog: Catalog, text: str, minutes: float = 0, count: int = 1) -> None:
    happening = Happening(FAILED, "pinata", text, count)
    catalog.notices.tell([happening], now=NOW + minutes * MINUTE)


def sent(catalog: Catalog, minutes: float = 0) -> list[tuple[str, int]]:
    """What is told at that minute, by text and count; it is taken."""
    found = message(catalog, minutes)
    if found is None:
        return []
    catalog.notices.sent(found, now=NOW + minutes * MINUTE)
    return [(notice.text, notice.count) for notice in found.notices]


def test_where_nothing_happened_nothing_is_told(catalog: Catalog) -> None:
    assert message(catalog) is None


def test_what_happened_is_told_once(catalog: Catalog) -> None:
    tell(catalog, "broken")

    assert (sent(catalog), sent(catalog, 10), sent(catalog, 100)) == ([("broken", 1)], [], [])


def test_the_same_news_is_told_together_and_counted(catalog: Catalog) -> None:
    for _ in range(3):
        tell(catalog, "broken", count=2)

    assert sent(catalog) == [("broken", 6)]


def test_the_same_news_again_waits_until_it_was_quiet(catalog: Catalog) -> None:
    tell(catalog, "broken")
    first = sent(catalog)
    for minute in range(1, 50):
        tell(catalog, "broken", minute)
    within, after = sent(catalog, 59), sent(catalog, 60)

    assert (first, within, after) == ([("broken", 1)], [], [("broken", 49)])


def test_other_news_is_told_no_sooner_than_the_digest(catalog: Catalog) -> None:
    tell(catalog, "broken")
    sent(catalog)
    tell(catalog, "refused", 1)
    tell(catalog, "lost", 2)

    assert sent(catalog, 4) == []
    assert sent(catalog, 5) == [("refused", 1), ("lost", 1)]


def test_an_hour_holds_so_many_messages(catalog: Catalog) -> None:
    told = []
    for minute in range(60):
        tell(catalog, f"{chr(ord('a') + minute)} is broken", minute)
        told += [len(sent(catalog, minute))]
    rest = message(catalog, 61)

    assert sum(map(bool, told)) == PACE.per_hour
    assert rest is not None
    assert sum(told) + len(rest.notices) + rest.left_out == 60


def test_a_message_that_waits_keeps_its_id_and_holds_the_others_up(catalog: Catalog) -> None:
    tell(catalog, "broken")
    first = message(catalog)
    assert first is not None
    catalog.notices.put_off(first, "busy", until=NOW + 30 * MINUTE)
    tell(catalog, "refused", 10)

    again = message(catalog, 30)

    assert message(catalog, 29) is None
    assert again is not None
    assert (again.id, again.notices, again.tries) == (first.id, first.notices, 1)
    assert catalog.notices.waiting("slack") == 1


def test_a_message_that_nobody_ended_is_there_after_a_restart(database_url: str) -> None:
    with open_catalog(database_url) as catalog:
        tell(catalog, "broken")
        first = message(catalog)

    with open_catalog(database_url) as catalog:
        again = message(catalog, 1)

    assert first is not None
    assert again == first


def test_kinds_that_a_channel_does_not_want_are_not_told(catalog: Catalog) -> None:
    tell(catalog, "broken")

    assert message(catalog, kinds=(NoticeKind.RUN_FAILED,)) is None


def test_each_channel_is_told(catalog: Catalog) -> None:
    tell(catalog, "broken")
    sent(catalog)

    other = catalog.notices.message("webhook", "elsewhere", EVERYTHING, PACE, now=NOW)

    assert other is not None
    assert [notice.text for notice in other.notices] == ["broken"]


def test_old_news_is_no_news(catalog: Catalog) -> None:
    tell(catalog, "broken")

    assert message(catalog, 24 * 60 + 1) is None


def test_a_channel_that_is_gone_is_so_only_while_it_leads_there(catalog: Catalog) -> None:
    tell(catalog, "broken")
    found = message(catalog)
    assert found is not None
    catalog.notices.given_up(found, "archived", gone=True, now=NOW)

    assert catalog.notices.gone("slack", "there") == "archived"
    assert catalog.notices.gone("slack", "elsewhere") is None
    assert catalog.notices.gone("webhook", "there") is None


def test_what_was_given_up_is_not_gone(catalog: Catalog) -> None:
    tell(catalog, "broken")
    found = message(catalog)
    assert found is not None
    catalog.notices.given_up(found, "refused", gone=False, now=NOW)

    assert catalog.notices.gone("slack", "there") is None
    assert message(catalog, 10) is None


def test_the_outbox_does_not_grow_with_the_number_of_happenings(catalog: Catalog) -> None:
    for number in range(200):
        tell(catalog, f"picture {number} of run {number:08x} failed")

    with catalog.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(notices)) == 1


def attempt(catalog: Catalog, minute: float, outcome: str, error: str | None = None) -> None:
    """One more try of the first upload that is registered."""
    (row, *_) = register(catalog)
    at = NOW + minute * MINUTE
    catalog.uploads.begin(row.id, "us", lease_until=LEASE + minute * MINUTE, now=at)
    tried = Attempt(at, 1.0, outcome, error)
    if outcome == "in_doubt":
        catalog.uploads.doubt(row.id, "us", attempt=tried, now=at)
    else:
        catalog.uploads.fail(row.id, "us", attempt=tried, rejected=False, now=at)


def test_uploads_are_gathered_from_the_ledger_each_once(catalog: Catalog) -> None:
    catalog.notices.gather(now=NOW - MINUTE)
    store(catalog, 1, "truck")
    journey(catalog)
    store(catalog, 2, "gate")
    journey(catalog)

    gathered = [catalog.notices.gather(now=NOW + n * MINUTE) for n in (1, 2)]

    found = message(catalog, 2)
    assert gathered == [4, 0]
    assert found is not None
    told = [(n.kind, n.subject, n.count) for n in found.notices]
    assert told == [(NoticeKind.UPLOAD_SUCCEEDED, "pinata", 4)]


def test_what_was_there_before_anybody_looked_is_no_news(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    journey(catalog)

    assert catalog.notices.gather(now=NOW + MINUTE) == 0


def test_what_may_still_be_overtaken_is_left_to_the_next_look(catalog: Catalog) -> None:
    catalog.notices.gather(now=NOW - MINUTE)
    store(catalog, 1, "truck")
    journey(catalog)

    looks = [catalog.notices.gather(now=NOW + dt.timedelta(seconds=s)) for s in (10, 20)]

    assert looks == [0, 2]


def test_failures_are_told_by_their_cause_and_doubts_apart(catalog: Catalog) -> None:
    catalog.notices.gather(now=NOW - MINUTE)
    store(catalog, 1, "truck")
    design(catalog)
    export(catalog)
    attempt(catalog, 0, "failure", "answered 500 after 3 s")
    catalog.notices.gather(now=NOW + MINUTE)
    attempt(catalog, 2, "failure", "answered 500 after 9 s")
    catalog.notices.gather(now=NOW + 3 * MINUTE)
    attempt(catalog, 4, "in_doubt", "no answer")

    catalog.notices.gather(now=NOW + 5 * MINUTE)

    found = message(catalog, 5)
    assert found is not None
    assert [(n.kind, n.count) for n in found.notices] == [
        (FAILED, 2),
        (NoticeKind.UPLOAD_IN_DOUBT, 1),
    ]


def test_a_try_that_was_repeated_and_went_well_is_no_failure(catalog: Catalog) -> None:
    catalog.notices.gather(now=NOW - MINUTE)
    store(catalog, 1, "truck")
    design(catalog)
    export(catalog)
    attempt(catalog, 0, "failure", "answered 500")
    publish(catalog)

    catalog.notices.gather(now=NOW + MINUTE)

    found = message(catalog, 1)
    assert found is not None
    assert [n.kind for n in found.notices] == [NoticeKind.UPLOAD_SUCCEEDED]


def batch(catalog: Catalog, state: StepState, minute: float) -> None:
    partition = Partition("inbox", "acme", "20261121-175822-001", tenant="acme")
    steps = [
        StepProgress(Step.CHECKING, state, 3, 3, 10, 10),
        StepProgress(Step.PROCESSING, state, 3, 3, 10, 10, "broken"),
        StepProgress(Step.MOCKUPS, StepState.NOT_CONFIGURED),
    ]
    at = NOW + minute * MINUTE
    catalog.batches.open(partition, steps, now=at)
    for step in steps:
        catalog.batches.record(partition, step, now=at)


def test_a_batch_is_told_when_it_is_over_and_not_before(catalog: Catalog) -> None:
    catalog.notices.gather(now=NOW - MINUTE)
    batch(catalog, StepState.RUNNING, 0)
    running = catalog.notices.gather(now=NOW + MINUTE)
    batch(catalog, StepState.DONE, 2)
    done = [catalog.notices.gather(now=NOW + n * MINUTE) for n in (3, 4)]

    found = message(catalog, 4)
    assert (running, done) == (0, [1, 0])
    assert found is not None
    (told,) = found.notices
    assert (told.kind, told.subject) == (
        NoticeKind.BATCH_FINISHED,
        "inbox acme:20261121-175822-001",
    )
    assert (told.text, told.tenant) == ("done: 3 of 3 pictures", "acme")


def test_a_batch_that_failed_says_where(catalog: Catalog) -> None:
    catalog.notices.gather(now=NOW - MINUTE)
    batch(catalog, StepState.FAILED, 0)

    catalog.notices.gather(now=NOW + MINUTE)

    found = message(catalog, 1)
    assert found is not None
    assert found.notices[0].text.startswith("failed at 'Checking for duplicates'")


def test_what_a_host_does_differently_is_told_once(catalog: Catalog) -> None:
    catalog.notices.gather(now=NOW - MINUTE)
    store(catalog, 1, "truck")
    journey(catalog)
    catalog.notices.gather(now=NOW + MINUTE)
    see = catalog.fidelity.learn
    kept, replaced = Treatment.SAME_BYTES, Treatment.REPLACED
    see("pinata", [Sighting(ImageFormat.JPEG, kept, count=60, example="a.jpg")], now=NOW)
    see("pinata", [Sighting(ImageFormat.JPEG, replaced, count=1, example="b.jpg")], now=NOW)

    told = [catalog.notices.gather(now=NOW + n * MINUTE) for n in (2, 3)]

    found = message(catalog, 3, kinds=(NoticeKind.HOST_CHANGED,))
    assert told == [1, 0]
    assert found is not None
    assert found.notices[0].text.startswith("shows something else (sent as JPEG)")


def test_what_a_host_lost_is_told_when_two_looks_agree(catalog: Catalog) -> None:
    catalog.notices.gather(now=NOW - MINUTE)
    store(catalog, 1, "truck")
    journey(catalog)
    rows = [
        {
            "upload_id": row.id,
            "looked_at": NOW,
            "finding": "gone",
            "settled_at": NOW,
            "looks": 2,
        }
        for row in register(catalog)
    ]
    with catalog.engine.begin() as connection:
        connection.execute(links.insert(), rows)

    catalog.notices.gather(now=NOW + MINUTE)

    found = message(catalog, 1, kinds=(NoticeKind.HOST_CHANGED,))
    assert found is not None
    assert (found.notices[0].count, found.notices[0].subject) == (2, "pinata")
    assert "are gone there" in found.notices[0].text


def test_what_is_long_over_is_forgotten(catalog: Catalog) -> None:
    tell(catalog, "broken")
    sent(catalog)

    catalog.notices.gather(now=NOW + dt.timedelta(days=91))

    with catalog.engine.connect() as connection:
        left = [
            connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (notices, tellings, messages)
        ]
    assert left == [0, 0, 0]
