import datetime as dt
import itertools
import subprocess
import sys
from dataclasses import replace

from image_assets.rehearsal import Profile
from image_assets.rehearsal.schedule import Frame, frames

DAY = dt.date(2025, 9, 1)
TEN_MINUTES = Profile(cadence=dt.timedelta(minutes=10))


def taken(profile: Profile, *, stream: str = "in_gate", day: dt.date = DAY) -> tuple[Frame, ...]:
    return frames(profile, "apm", stream, day)


def test_a_day_is_the_same_in_every_process():
    script = (
        "import datetime as dt; from image_assets.rehearsal import Profile;"
        "from image_assets.rehearsal.schedule import frames;"
        "print(frames(Profile(), 'apm', 'in_gate', dt.date(2025, 9, 1)))"
    )

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert told.strip() == repr(taken(Profile()))


def test_streams_days_and_seeds_have_times_of_their_own():
    times = {
        tuple(frame.captured_at.time() for frame in day)
        for day in (
            taken(Profile()),
            taken(Profile(), stream="out_gate"),
            taken(Profile(), day=dt.date(2025, 9, 2)),
            taken(Profile(seed=8)),
        )
    }

    assert len(times) == 4


def test_every_picture_lies_in_its_utc_day_and_times_only_grow():
    for cadence in (dt.timedelta(seconds=10), dt.timedelta(minutes=3), dt.timedelta(days=1)):
        times = [frame.captured_at for frame in taken(Profile(cadence=cadence))]

        assert {time.date() for time in times} == {DAY}
        assert times == sorted(set(times))


def test_the_cadence_is_kept_within_two_minutes():
    times = [frame.captured_at for frame in taken(replace(TEN_MINUTES, gap_share=0.0))]

    first = times[0].timestamp()
    nearest = [(time.timestamp() - first) % 600 for time in times]
    drift = [min(offset, 600 - offset) for offset in nearest]

    assert len(times) == 144
    assert max(drift) <= 240  # two jitters apart at most


def test_seconds_are_random():
    seconds = {frame.captured_at.second for frame in taken(TEN_MINUTES)}

    assert len(seconds) > 40


def test_guessing_full_ten_minutes_misses():
    guesses = {
        dt.datetime(2025, 9, 1, h, m, tzinfo=dt.UTC) for h in range(24) for m in range(0, 60, 10)
    }

    hits = guesses & {frame.captured_at for frame in taken(TEN_MINUTES)}

    assert hits == set()


def test_the_demo_has_a_stale_repeat_and_a_gap_in_its_three_days():
    days = [
        taken(Profile.demo(), stream=stream, day=dt.date(2025, 9, day))
        for stream in ("in_gate", "out_gate")
        for day in (1, 2, 3)
    ]

    assert any(frame.stale for day in days for frame in day)
    assert any(len(day) < 24 for day in days)
    assert all(len(day) >= 20 for day in days)


def test_a_stale_picture_shows_the_time_of_the_one_before():
    day = taken(Profile(stale_share=0.5, gap_share=0.0))

    assert not day[0].stale
    for before, frame in itertools.pairwise(day):
        assert frame.shows == (before.shows if frame.stale else frame.captured_at)


def test_what_is_lost_does_not_move_what_is_listed():
    usual = [frame.captured_at for frame in taken(Profile())]

    assert [frame.captured_at for frame in taken(Profile(lost_share=0.5))] == usual


def test_a_quiet_collection_takes_no_pictures():
    assert taken(Profile(quiet=("apm/out_gate",)), stream="out_gate") == ()
