import datetime as dt
import hashlib
import os

import pytest

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, TransientError
from image_assets.core.model import Partition
from image_assets.services.visualization import PUBLISHED, VisualizationFolder
from image_assets_tests.plotting import DRAWN, draw
from image_assets_tests.source_contract import SourceBench, SourceContract

DAILY = Partition("visualization", "temperature:daily", "2025-01-15")
HOURLY = Partition("visualization", "temperature:hourly", "2025-01-15")
NOW = dt.datetime(2025, 1, 20, 12, tzinfo=dt.UTC)
LATER = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
"""As a test cannot set the time at which a file's inode changed, its folder looks an hour from now."""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "plots").mkdir()
    return tmp_path / "plots"


def folder(root, *, settle=60, now=LATER):
    collections = ("temperature:daily", "temperature:hourly")
    return VisualizationFolder(
        "visualization",
        root,
        collections,
        settle=dt.timedelta(seconds=settle),
        max_bytes=1_000_000,
        now=lambda: now,
    )


def draw_hours(root, count=4):
    for hour in range(count):
        period = f"2025-01-15T{hour:02}:00:00Z", f"2025-01-15T{hour + 1:02}:00:00Z"
        name = f"temperature/{hour:02}_hourly.png"
        draw(root, name, seed=hour, interval="hourly", start=period[0], end=period[1])


class TestSource(SourceContract):
    @pytest.fixture
    def bench(self, root):
        draw_hours(root)
        plots = folder(root)
        entries = plots.list(HOURLY).entries
        contents = {e.item_key: (root / e.name).read_bytes() for e in entries}
        return SourceBench(plots, contents, lambda e: (root / e.name).unlink(), HOURLY)

    def test_the_key_of_a_dated_picture_tells_when_it_was_taken(self, bench):
        """Here it tells what period it shows, and when it was drawn."""
        for entry in bench.source.list(bench.partition).entries:
            assert naming.drawn_at(entry.item_key) == DRAWN


def test_a_picture_with_its_sidecar_is_of_its_sensor_interval_and_day(root):
    draw(root)

    ((partition, listing),) = folder(root).waiting().items()

    (entry,) = listing.entries
    assert (partition, listing.complete) == (DAILY, False)
    assert (entry.captured_at, entry.told["data_points"]) == (
        dt.datetime(2025, 1, 16, 8, tzinfo=dt.UTC),
        1440,
    )


def test_a_sidecar_may_have_the_whole_name(root):
    file = draw(root)
    file.with_suffix(".json").rename(file.with_name(f"{file.name}.json"))

    assert [entry.name for entry in folder(root).list(DAILY).entries] == [file.name]


def test_what_has_just_changed_is_left_alone(root):
    draw(root)

    assert folder(root, now=dt.datetime.now(dt.UTC)).waiting() == {}
    assert folder(root, now=dt.datetime.now(dt.UTC)).troubles() == ()


def test_what_somebody_writes_is_left_alone_however_old(root):
    with draw(root).open("ab"):
        assert folder(root).waiting() == {}

    assert list(folder(root).waiting()) == [DAILY]


def test_what_somebody_writes_now_is_not_fetched(root, tmp_path):
    file = draw(root)
    plots = folder(root)
    (entry,) = plots.list(DAILY).entries

    with file.open("ab"), pytest.raises(TransientError, match="somebody is writing it"):
        plots.fetch(entry, tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_what_was_drawn_again_is_not_taken_for_the_one_before(root, tmp_path):
    plots = folder(root)
    draw(root)
    (before,) = plots.list(DAILY).entries
    draw(root, seed=2, drawn=DRAWN + dt.timedelta(seconds=1))
    (after,) = plots.list(DAILY).entries

    with pytest.raises(NotFoundError, match="drawn again"):
        plots.fetch(before, tmp_path / "new")

    assert before.item_key < after.item_key


@pytest.mark.parametrize(
    ("name", "told", "complaint"),
    [
        ("humid.png", {"sensor": "humidity"}, "humidity:daily is no collection of visualization"),
        ("never.png", {"interval": "never"}, "describes none: its interval"),
        ("far.png", {"start": "2999-01-01T00:00:00Z", "end": "2999-01-02T00:00:00Z"}, "future"),
    ],
)
def test_what_cannot_be_taken_is_told_and_keeps_nothing_else_waiting(root, name, told, complaint):
    draw(root)
    draw(root, name, **told)

    assert list(folder(root).waiting()) == [DAILY]
    (trouble,) = folder(root).troubles()
    assert trouble.startswith(name)
    assert complaint in trouble


def test_an_impossible_time_of_change_is_told(root):
    os.utime(draw(root), (-(2**35), -(2**35)))

    (trouble,) = folder(root).troubles()

    assert "its time of change is before 1970" in trouble


def test_a_picture_without_a_sidecar_is_told(root):
    draw(root).with_suffix(".json").unlink()

    (trouble,) = folder(root).troubles()

    assert "has no sidecar 2025-01-15_daily.json" in trouble


def test_a_huge_or_linked_sidecar_is_not_read(root, tmp_path):
    draw(root).with_suffix(".json").write_text(" " * 100_000)
    linked = draw(root, "linked.png").with_suffix(".json")
    linked.rename(tmp_path / "elsewhere.json")
    linked.symlink_to(tmp_path / "elsewhere.json")

    troubles = folder(root).troubles()

    assert [("larger" in t, "cannot be read" in t) for t in troubles] == [
        (True, False),
        (False, True),
    ]


def test_a_link_is_never_opened_and_told(root, tmp_path):
    file = draw(root)
    file.rename(tmp_path / "elsewhere.png")
    file.symlink_to(tmp_path / "elsewhere.png")

    listing = folder(root).list(DAILY)

    assert listing.entries == ()
    assert [misfit.name for misfit in listing.misfits] == [file.name]


def test_a_folder_that_is_not_there_is_no_empty_one(tmp_path):
    with pytest.raises(NotFoundError):
        folder(tmp_path / "unmounted").waiting()


def test_put_away_it_is_out_of_the_folder_with_its_sidecar(root):
    draw(root, "deep/plot.png")
    plots = folder(root)
    (entry,) = plots.list(DAILY).entries
    digest = plots.sha256(entry)

    plots.put_away(entry, now=NOW)

    (away,) = plots.away()
    assert plots.waiting() == {}
    assert (away.put_away_at, plots.sha256_away(away)) == (NOW, digest)
    assert sorted(p.name for p in (root / PUBLISHED).rglob("plot.*")) == ["plot.json", "plot.png"]


def test_brought_back_it_is_the_same_visualisation(root):
    file = draw(root)
    plots = folder(root)
    (entry,) = plots.list(DAILY).entries
    plots.put_away(entry, now=NOW)

    for away in (root / PUBLISHED).rglob("2025-01-15_daily.*"):
        away.rename(file.with_name(away.name))

    assert plots.list(DAILY).entries == (entry,)


def test_purged_nothing_of_it_is_left(root):
    draw(root, "deep/plot.png")
    plots = folder(root)
    plots.put_away(plots.list(DAILY).entries[0], now=NOW)

    plots.purge(plots.away()[0])

    assert plots.away() == []
    assert list((root / PUBLISHED).iterdir()) == []


def test_what_was_drawn_again_is_not_put_away(root):
    plots = folder(root)
    draw(root)
    (before,) = plots.list(DAILY).entries
    file = draw(root, seed=2, drawn=DRAWN + dt.timedelta(seconds=1))

    with pytest.raises(NotFoundError):
        plots.put_away(before, now=NOW)

    assert hashlib.sha256(file.read_bytes()).hexdigest() == plots.sha256(
        plots.list(DAILY).entries[0]
    )


def test_what_takes_its_place_while_it_is_put_away_goes_back(root, monkeypatch):
    file = draw(root)
    plots = folder(root)
    (entry,) = plots.list(DAILY).entries
    rename = type(file).rename

    def draws_again_at_the_last_moment(self, target):
        if self == file:
            monkeypatch.undo()
            draw(root, ".next.png", seed=2).replace(file)
        return rename(self, target)

    monkeypatch.setattr(type(file), "rename", draws_again_at_the_last_moment)
    with pytest.raises(NotFoundError, match="drawn again"):
        plots.put_away(entry, now=NOW)

    assert file.exists()
    assert plots.away() == []
