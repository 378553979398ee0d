"""Who has to act: the camera's keeper, the site, or whoever runs the pipeline."""

import datetime as dt
from dataclasses import replace

import pytest

from image_assets.core.cadence import HOURS, UNKNOWN, Cadence, Service, given, learned
from image_assets.core.completeness import Completeness, Condition, assess
from image_assets.core.gaps import Frame, GapCause, Listed
from image_assets.core.model import ImageState, Variant

DAY = dt.date(2025, 9, 1)
MIDNIGHT = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
LATER = MIDNIGHT + dt.timedelta(days=3)
HOURLY = given(Service(60))
LISTED = Listed(LATER, 24, complete=True, sealed=True)
FRAMES = [Frame(MIDNIGHT + dt.timedelta(hours=n + 0.5), ImageState.STORED) for n in range(24)]


def turned(places: range, **into: object) -> list[Frame]:
    return [replace(f, **into) if n in places else f for n, f in enumerate(FRAMES)]


def look(
    frames: list[Frame],
    cadence: Cadence = HOURLY,
    listed: Listed | None = LISTED,
    now: dt.datetime = LATER,
) -> Completeness:
    return assess(DAY, frames, listed, cadence, now=now, grace=dt.timedelta(hours=1))


def quiet(frames: list[Frame]) -> Completeness:
    """A complete listing that named these pictures and no more."""
    return look(frames, listed=replace(LISTED, pictures=len(frames)))


def test_a_day_that_has_all_is_whole():
    day = look(FRAMES)

    assert (day.condition, day.gaps, day.coverage, day.longest) == (Condition.WHOLE, (), 1.0, 0.0)
    assert (day.got, day.listed, day.expected) == (24, 24, 24)


def test_a_camera_that_took_fewer_is_quiet():
    day = quiet(FRAMES[:12])

    assert (day.condition, day.coverage) == (Condition.QUIET, 0.5)
    assert (day.longest, day.causes) == (750.0, {GapCause.SILENT: 1})


def test_a_camera_that_took_none_all_day_is_quiet_and_no_pipeline_broke():
    assert quiet([]).condition is Condition.QUIET


def test_a_camera_that_never_takes_any_is_whole_with_none():
    day = look([], learned([(0,) * HOURS] * 3), replace(LISTED, pictures=0))

    assert (day.condition, day.expected, day.coverage) == (Condition.WHOLE, 0, None)


@pytest.mark.parametrize(
    ("frames", "listed"),
    [
        ([], None),
        (FRAMES[:12], Listed(LATER, 12, complete=False)),
        (FRAMES[:12], LISTED),
        (turned(range(5, 6), state=ImageState.MISSING), LISTED),
    ],
    ids=["never listed", "not listed to its end", "listed and not asked for", "failed"],
)
def test_a_pipeline_that_did_not_bring_what_is_there_is_broken(frames, listed):
    assert look(frames, listed=listed).condition is Condition.BROKEN


@pytest.mark.parametrize("state", [ImageState.GONE, ImageState.REJECTED])
def test_a_few_lost_pictures_are_lost(state):
    assert look(turned(range(5, 7), state=state)).condition is Condition.LOST


@pytest.mark.parametrize("state", [ImageState.GONE, ImageState.REJECTED])
def test_half_a_day_lost_is_more_than_bad_luck(state):
    assert look(turned(range(12), state=state)).condition is Condition.BROKEN


def test_what_is_broken_is_said_before_what_is_quiet():
    frames = turned(range(2, 3), state=ImageState.MISSING)[:12]

    assert quiet(frames).condition is Condition.BROKEN


def test_a_camera_that_repeats_itself_is_frozen():
    day = look(turned(range(8, 24), stale=True))

    assert (day.condition, day.stale, day.coverage) == (Condition.FROZEN, 16, 1.0)


def test_a_repeated_picture_now_and_then_is_well():
    assert look(turned(range(3, 6), stale=True)).condition is Condition.WHOLE


def test_without_a_cadence_nothing_is_said_of_the_camera():
    day = look(FRAMES, UNKNOWN)

    assert (day.condition, day.expected, day.coverage) == (Condition.UNKNOWN, None, 1.0)


@pytest.mark.parametrize(("hours", "condition"), [(23, "open"), (24.5, "open"), (25, "broken")])
def test_a_day_is_open_until_its_grace_is_over(hours, condition):
    now = MIDNIGHT + dt.timedelta(hours=hours)

    assert look([], listed=None, now=now).condition.value == condition


def test_thumbnails_came_and_are_told_apart():
    day = look(turned(range(3), variant=Variant.THUMBNAIL))

    assert (day.got, day.thumbnails, day.condition) == (24, 3, Condition.WHOLE)


def test_what_retention_removed_had_come():
    assert look(turned(range(24), state=ImageState.EXPIRED)).coverage == 1.0


def test_a_camera_that_took_more_than_usual_is_covered_by_what_it_took():
    frames = turned(range(12), state=ImageState.REJECTED)

    assert look(frames, given(Service(120))).coverage == 0.5


def test_a_day_that_was_collected_under_a_limit_is_limited_and_no_pipeline_broke():
    limited = Listed(LATER, 24, complete=True, limit=12)

    assert look(FRAMES[:12], listed=limited).condition is Condition.LIMITED


def test_what_failed_within_a_limit_is_broken():
    limited = Listed(LATER, 24, complete=True, limit=12)
    frames = turned(range(3, 4), state=ImageState.MISSING)[:12]

    assert look(frames, listed=limited).condition is Condition.BROKEN
