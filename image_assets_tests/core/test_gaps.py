"""Each gap of a day with its cause: silence is one thing, a listing that does not reach another."""

import datetime as dt
import random
from dataclasses import replace
from itertools import pairwise

import pytest

from image_assets.core.cadence import UNKNOWN, Cadence, Service, given
from image_assets.core.gaps import Frame, Gap, GapCause, Listed, Sight
from image_assets.core.model import ImageState

DAY = dt.date(2025, 9, 1)
MIDNIGHT = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
NEXT = MIDNIGHT + dt.timedelta(days=1)
LATER = MIDNIGHT + dt.timedelta(days=3)
TEN_MINUTES = given(Service(10))
COMPLETE = Listed(LATER, 0, complete=True)


def at(clock: str) -> dt.datetime:
    hour, minute = map(int, clock.split(":"))
    return MIDNIGHT + dt.timedelta(hours=hour, minutes=minute)


def day_of(minutes: int = 10) -> list[Frame]:
    """A whole day at a cadence, as the real cameras keep it: two minutes early or late."""
    chance = random.Random(minutes)
    jitter = min(120, 12 * minutes)
    return [
        Frame(
            MIDNIGHT
            + dt.timedelta(minutes=m + minutes / 2, seconds=chance.randint(-jitter, jitter)),
            ImageState.STORED,
        )
        for m in range(0, 1440, minutes)
    ]


def without(frames: list[Frame], first: int, last: int) -> list[Frame]:
    return frames[:first] + frames[last + 1 :]


def turned(frames: list[Frame], places: range, state: ImageState, reason: str = "") -> list[Frame]:
    return [
        replace(f, state=state, reason=reason) if n in places else f for n, f in enumerate(frames)
    ]


def gaps(
    frames: list[Frame],
    cadence: Cadence = TEN_MINUTES,
    listed: Listed | None = COMPLETE,
    now: dt.datetime = LATER,
) -> list[Gap]:
    return Sight(DAY, frames, listed, cadence, now).gaps()


def brief(found: list[Gap]) -> list[tuple[str, str, str, int]]:
    def clock(moment: dt.datetime) -> str:
        return "24:00" if moment == NEXT else f"{moment:%H:%M}"

    return [(clock(g.start), clock(g.end), g.cause.value, g.pictures) for g in found]


@pytest.mark.parametrize("minutes", [1, 5, 10, 15, 60])
def test_a_day_with_jitter_has_no_gap(minutes):
    assert gaps(day_of(minutes), given(Service(minutes))) == []


@pytest.mark.parametrize("place", range(1, 143, 13))
def test_one_picture_left_out_is_a_silence(place):
    frames = day_of()

    (gap,) = gaps(without(frames, place, place))

    assert (gap.cause, gap.pictures) == (GapCause.SILENT, 1)
    assert (gap.start, gap.end) == (frames[place - 1].captured_at, frames[place + 1].captured_at)


def test_how_many_a_silence_lacks_is_estimated():
    assert [gap.pictures for gap in gaps(without(day_of(), 40, 51))] == [12]


def test_a_camera_that_begins_late_and_ends_early_is_silent_at_both_edges():
    found = gaps(without(without(day_of(), 138, 143), 0, 5))

    assert [(g.start == MIDNIGHT, g.end == NEXT) for g in found] == [(True, False), (False, True)]
    assert [(g.cause, g.pictures) for g in found] == [(GapCause.SILENT, 6)] * 2


def test_a_complete_listing_of_nothing_is_silence_all_day():
    assert brief(gaps([])) == [("00:00", "24:00", "silent", 144)]


def test_out_of_service_no_silence_is_a_gap():
    inside = [f for f in day_of() if f.captured_at and 7 <= f.captured_at.hour < 20]

    assert gaps(inside, given(Service(10, (7, 20)))) == []


def test_a_silence_over_the_end_of_service_is_as_long_as_the_service():
    inside = [f for f in day_of() if f.captured_at and 7 <= f.captured_at.hour < 18]

    (gap,) = gaps(inside, given(Service(10, (7, 20))))

    assert (gap.end, gap.pictures) == (at("20:00"), 12)


def test_nothing_is_silent_of_a_camera_that_is_not_known():
    assert gaps(day_of()[::20], UNKNOWN) == []


def test_a_listed_picture_that_is_not_here_is_a_gap_out_to_its_neighbours():
    frames = turned(day_of(), range(10, 13), ImageState.MISSING, "time-out")

    (gap,) = gaps(frames)

    assert (gap.cause, gap.pictures, gap.reason) == (GapCause.FAILED, 3, "time-out")
    assert (gap.start, gap.end) == (frames[9].captured_at, frames[13].captured_at)


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (ImageState.MISSING, GapCause.FAILED),
        (ImageState.GONE, GapCause.GONE),
        (ImageState.REJECTED, GapCause.REJECTED),
    ],
)
def test_each_state_has_its_cause_and_needs_no_cadence(state, cause):
    found = gaps(turned(day_of(60), range(3, 4), state), UNKNOWN)

    assert [(g.cause, g.pictures) for g in found] == [(cause, 1)]


def test_what_retention_took_away_is_no_gap():
    assert gaps(turned(day_of(), range(144), ImageState.EXPIRED)) == []


def test_gaps_of_different_causes_lie_side_by_side_and_never_overlap():
    frames = turned(day_of(), range(10, 12), ImageState.MISSING)
    frames = turned(frames, range(12, 14), ImageState.GONE)
    frames = without(frames, 14, 20)

    found = gaps(frames)

    assert [g.cause.value for g in found] == ["failed", "gone", "silent"]
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_two_pictures_of_one_second_are_no_trouble():
    frames = day_of()

    assert gaps([*frames, replace(frames[5], conflict=True)]) == []


def test_a_day_that_was_never_listed_is_unlisted_and_not_silent():
    assert brief(gaps([], listed=None)) == [("00:00", "24:00", "unlisted", 144)]
    assert brief(gaps([], UNKNOWN, listed=None)) == [("00:00", "24:00", "unlisted", 0)]


def test_an_open_listing_reaches_as_far_as_its_last_picture():
    found = gaps(day_of()[:72], listed=Listed(LATER, 72, complete=False))

    assert [(g.cause, g.pictures, g.end) for g in found] == [(GapCause.UNLISTED, 72, NEXT)]


def test_between_the_pictures_of_an_open_listing_the_camera_was_silent():
    frames = without(day_of(), 20, 30)

    found = gaps(frames, listed=Listed(LATER, len(frames), complete=False))

    assert [(g.cause, g.pictures) for g in found] == [(GapCause.SILENT, 11)]


def test_a_listing_that_was_complete_too_early_reaches_to_its_own_time():
    found = gaps(day_of()[:60], listed=Listed(at("12:00"), 60, complete=True))

    assert brief(found)[1] == ("12:00", "24:00", "unlisted", 72)
    assert brief(found)[0][2:] == ("silent", 12)


def test_what_a_listing_named_and_nobody_asked_for_is_not_silence():
    found = gaps(day_of()[:100], listed=Listed(LATER, 144, complete=True))

    assert [(g.cause, g.pictures, g.end) for g in found] == [(GapCause.FAILED, 44, NEXT)]


def test_pictures_nobody_asked_for_are_told_where_no_cadence_is_known():
    found = gaps(day_of()[:100], UNKNOWN, Listed(LATER, 144, complete=True))

    assert [(g.cause, g.pictures) for g in found] == [(GapCause.FAILED, 44)]


def test_the_hours_to_come_are_no_gap():
    now = at("12:00")

    found = gaps(day_of()[:72], listed=Listed(now, 72, complete=False), now=now)

    assert found == []


def test_a_whole_day_of_gaps_adds_up_to_what_was_expected():
    frames = turned(without(day_of(), 30, 59), range(10), ImageState.GONE)
    lacking = sum(gap.pictures for gap in gaps(frames))

    assert lacking + sum(f.state is ImageState.STORED for f in frames) == 144


def test_what_lies_beyond_a_limit_is_nobodys_failure():
    listed = Listed(LATER, 144, complete=True, limit=100)

    found = gaps(day_of()[:100], listed=listed)

    assert [(g.cause, g.pictures, g.end) for g in found] == [(GapCause.LIMITED, 44, NEXT)]


def test_within_a_limit_what_nobody_asked_for_failed():
    listed = Listed(LATER, 144, complete=True, limit=100)

    assert {gap.cause for gap in gaps(day_of()[:60], listed=listed)} == {GapCause.FAILED}


def test_a_limit_that_was_not_reached_explains_nothing():
    listed = Listed(LATER, 100, complete=True, limit=200)

    assert {gap.cause for gap in gaps(day_of()[:100], listed=listed)} == {GapCause.SILENT}
