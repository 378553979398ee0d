import datetime as dt
import json
import os
from zoneinfo import ZoneInfo

import pytest

from image_assets.core import zones
from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.stamps import Pattern
from image_assets.services.http import Clock, Http
from image_assets.services.listings.days import DayListing
from image_assets.services.listings.timestamps import TimestampsReader
from image_assets.services.site_names import SiteNames

CDN = "https://cdn.example"
PICTURE = f"{CDN}/{{terminal}}/%Y%m%d%H%M%S-{{stream}}.jpeg"
CAMERA = ("terminal", "stream")
DAY = dt.date(2025, 9, 1)
TIMES = ["2025-08-31T23:59:59", "2025-09-01T10:07:34", "2025-09-01T10:17:11", "2025-09-03T00:00:00"]
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NEW_YORK = ZoneInfo("America/New_York")


def listing(file, *, format: str | None = None, zone: ZoneInfo = zones.UTC, now: dt.datetime = NOW):
    names = SiteNames(
        Pattern(PICTURE, CAMERA), None, Pattern(format) if format else None, zone, (CDN,)
    )
    http = Http("site", [CDN], clock=Clock(now=lambda: now))
    reader = TimestampsReader(Pattern(str(file), CAMERA), names)
    return DayListing(reader, http, names, zones.UTC)


def keys(file, day: dt.date = DAY, **options) -> list[str]:
    return [
        entry.item_key for entry in listing(file, **options).list_day("apm/in_gate", day).entries
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.txt", "# given by the terminal\n\n" + "\n".join(f"{t}  # seen" for t in TIMES)),
        ("t.txt", "\ufeff" + "\r\n".join(TIMES)),
        ("t.csv", "camera,timestamp\n" + "".join(f'"x, y",{t}\n' for t in TIMES)),
        ("t.json", json.dumps(TIMES)),
        ("t.json", json.dumps([{"timestamp": t} for t in TIMES])),
        ("t.JSON", json.dumps({"images": TIMES})),
    ],
)
def test_times_are_given_as_text_csv_or_json(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")

    assert keys(tmp_path / name) == ["20250901100734", "20250901101711"]


def test_where_the_file_gives_no_address_the_sites_pattern_applies(tmp_path):
    (tmp_path / "t.csv").write_text(
        f"timestamp,url,bytes\n{TIMES[1]},,\n{TIMES[2]},{CDN}/x.jpeg,98\n"
    )

    first, second = listing(tmp_path / "t.csv").list_day("apm/in_gate", DAY).entries

    assert first.address == f"{CDN}/apm/20250901100734-in_gate.jpeg"
    assert (second.address, second.size) == (f"{CDN}/x.jpeg", 98)


def test_each_stream_has_its_file(tmp_path):
    (tmp_path / "apm-in_gate.txt").write_text(TIMES[1])

    assert keys(tmp_path / "{terminal}-{stream}.txt") == ["20250901100734"]


def test_times_may_be_written_as_the_site_writes_them(tmp_path):
    (tmp_path / "t.txt").write_text("Sep 1, 2025 3:07:34 PM\n")

    found = keys(tmp_path / "t.txt", format="%b %-d, %Y %-I:%M:%S %p", zone=NEW_YORK)

    assert found == ["20250901190734"]


def test_a_day_between_the_first_and_the_last_may_be_empty(tmp_path):
    (tmp_path / "t.txt").write_text("\n".join(TIMES))

    found = listing(tmp_path / "t.txt").list_day("apm/in_gate", dt.date(2025, 9, 2))

    assert (found.entries, found.complete) == ((), True)


@pytest.mark.parametrize("day", [dt.date(2025, 8, 30), dt.date(2025, 9, 4)])
def test_a_day_the_file_says_nothing_of_is_not_empty(tmp_path, day):
    (tmp_path / "t.txt").write_text("\n".join(TIMES))

    with pytest.raises(NotFoundError, match="from 2025-08-31 to 2025-09-03"):
        keys(tmp_path / "t.txt", day)


@pytest.mark.parametrize("content", ["", "# nothing yet\n"])
def test_an_empty_file_knows_no_day(tmp_path, content):
    (tmp_path / "t.txt").write_text(content)

    with pytest.raises(NotFoundError, match="holds nothing"):
        keys(tmp_path / "t.txt")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"there is no .*none\.txt"):
        keys(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("t.txt", b"2025-09-01T10:07:34\nnoon\n", "line 2 its timestamp is not YYYY"),
        ("t.txt", b"2025-09-01T10:07:60\n", "line 1 its timestamp is not a time"),
        ("t.txt", b"2025-02-30T10:00:00\n", "line 1 its timestamp is not a time"),
        ("t.txt", b"x\n" * 9, "line 5 .* and 4 more; mend the file"),
        ("t.txt", b"\xff\xfe\x00", "is not UTF-8"),
        ("t.csv", b"time\n2025-09-01T10:07:34\n", "no column `timestamp`"),
        ("t.csv", b'timestamp\n"2025', "cannot be read"),
        ("t.csv", b"a,timestamp\nx\n", "line 2 its timestamp"),
        ("t.json", b"{", "cannot be read"),
        ("t.json", b"[" * 100_000, "cannot be read"),
        ("t.json", b'{"images": 7}', "is no list of times"),
        ("t.json", b"[7, null]", r"images\[0\] its timestamp"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place(tmp_path, name, content, complaint):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(PermanentError, match=complaint):
        keys(tmp_path / name)


def test_a_time_that_clocks_skipped_is_refused_with_its_line(tmp_path):
    (tmp_path / "t.txt").write_text("2025-03-09T02:30:00\n")

    with pytest.raises(PermanentError, match=r"line 1 .* no time that clocks showed"):
        keys(tmp_path / "t.txt", dt.date(2025, 3, 9), zone=NEW_YORK)


def test_an_address_that_leads_inside_is_told_and_a_time_given_twice_is_one(tmp_path):
    (tmp_path / "t.csv").write_text(
        f"timestamp,url\n{TIMES[1]},http://10.0.0.1/x\n{TIMES[2]},\n{TIMES[2]},\n"
    )

    found = listing(tmp_path / "t.csv").list_day("apm/in_gate", DAY)

    assert len(found.entries) == 1
    assert [misfit.reason[:16] for misfit in found.misfits] == ["its url is forei"]


def test_times_in_the_future_are_told(tmp_path):
    (tmp_path / "t.txt").write_text("\n".join(TIMES))

    now = dt.datetime(2025, 9, 1, 10, 10, tzinfo=dt.UTC)

    found = listing(tmp_path / "t.txt", now=now).list_day("apm/in_gate", DAY)

    assert [misfit.reason for misfit in found.misfits] == ["its timestamp is in the future"]
    assert (len(found.entries), found.complete) == (1, False)


def test_a_file_that_grew_is_read_again(tmp_path):
    file = tmp_path / "t.txt"
    file.write_text(TIMES[1])
    days = listing(file)
    before = days.list_day("apm/in_gate", DAY)

    file.write_text("\n".join(TIMES))
    os.utime(file, ns=(1, 1))
    after = days.list_day("apm/in_gate", DAY)

    assert (len(before.entries), len(after.entries)) == (1, 2)


@pytest.mark.parametrize(("hour", "complete"), [(23, False), (24, True)])
def test_a_file_knows_all_of_a_day_that_was_over_when_it_was_written(tmp_path, hour, complete):
    file = tmp_path / "t.txt"
    file.write_text("\n".join(TIMES))
    written = dt.datetime(2025, 9, 1, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
    os.utime(file, (written.timestamp(),) * 2)

    assert listing(file).list_day("apm/in_gate", DAY).complete is complete
