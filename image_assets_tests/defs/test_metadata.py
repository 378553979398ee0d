"""How results look in the UI, whatever they are."""

import datetime as dt
import re

import pytest

from image_assets.core.cadence import UNKNOWN, Cadence, Service, given
from image_assets.core.completeness import Completeness, assess
from image_assets.core.contact_sheet import contact_sheet
from image_assets.core.gaps import Frame, Listed
from image_assets.core.model import DeletionKind, ImageState
from image_assets.core.retention import DeletionPlan, Verdict
from image_assets.defs import metadata
from image_assets.stages.report import Cause, ItemFailure, Report
from image_assets_tests.drawing import noise

KIB = 1024
HOSTILE = [
    "](javascript:alert(1))",
    "<img src=x onerror=alert(1)>.jpg",
    "`code`|table|",
    "two\nlines",
    "\u202egpj.exe",
]


def refused(number: int) -> ItemFailure:
    return ItemFailure(f"{number}.jpg", Cause.PERMANENT, "not a picture")


def test_numbers_have_the_same_names_whatever_was_done():
    reports = [Report(), Report({"stored": 3, "known": 1}, {}, 99, 1.5)]

    names = [set(metadata.figures(report, ["stored", "gone"])) for report in reports]

    assert (
        names[0]
        == names[1]
        == {
            "stored",
            "gone",
            "failed",
            "bytes",
            "seconds",
            "bytes_per_second",
        }
    )


def test_the_rate_is_bytes_over_seconds():
    assert metadata.figures(Report({}, {}, 3000, 1.5), [])["bytes_per_second"] == 2000


def test_what_took_no_time_has_no_rate():
    assert metadata.figures(Report({}, {}, 3000, 0.0), [])["bytes_per_second"] == 0


def test_failures_are_a_table_of_item_cause_and_reason():
    report = Report({}, {Cause.PERMANENT: 1}, 0, 1.0, (refused(7),))

    table = metadata.figures(report, [])["failures"]

    assert [record.data for record in table.records] == [
        {"item": "7.jpg", "cause": "permanent", "reason": "not a picture"}
    ]


def test_a_table_of_failures_does_not_grow_with_the_partition():
    table = metadata.failures_table([refused(number) for number in range(500)])

    assert len(table.records) == 50


def test_links_do_not_grow_with_the_partition():
    shown = metadata.links({f"{n}.jpg": f"https://host.example/{n}.jpg" for n in range(500)})

    assert len(shown.value.splitlines()) == 50


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_a_name_in_markdown_and_nothing_else(name):
    shown = metadata.links({name: "https://host.example/a.jpg"}).value

    assert re.fullmatch(r"- \[[\w.-]+\]\(https://host\.example/a\.jpg\)", shown)


@pytest.mark.parametrize(
    "url",
    [
        "https://host.example/a.jpg) [click](javascript:alert(1)",
        "javascript:alert(1)",
        "https://host.example/a.jpg\n\n<script>alert(1)</script>",
        'https://host.example/a.jpg "title"',
    ],
)
def test_an_address_that_a_host_made_up_cannot_leave_its_link(url):
    shown = metadata.links({"a.jpg": url}).value

    assert re.fullmatch(r"- \[a\.jpg\]\((https://[^\s()<>\"]*)?\)|- a\.jpg", shown)


def test_a_sheet_of_pictures_that_nothing_compresses_fits_into_an_event():
    pictures = [noise(number, (160, 90)) for number in range(12)]

    sheet = contact_sheet(pictures, columns=4, width=640, limit=22_000)

    assert len(metadata.picture(sheet, "camera apm/in_gate 2025-09-01").value) <= 30 * KIB


MIDNIGHT = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)


def a_day(frames: list[Frame], cadence: Cadence) -> Completeness:
    later = MIDNIGHT + dt.timedelta(days=3)
    listed = Listed(later, len(frames), complete=True)
    grace = dt.timedelta(hours=1)
    return assess(MIDNIGHT.date(), frames, listed, cadence, now=later, grace=grace)


def test_gaps_are_a_table_with_their_causes():
    frames = [Frame(MIDNIGHT + dt.timedelta(hours=6), ImageState.GONE, "404 twice")]

    table = metadata.gaps_table(a_day(frames, given(Service(60))).gaps)

    assert [record.data for record in table.records] == [
        {"from": "00:00:00", "to": "06:00:00", "minutes": 360.0, "cause": "silent",
         "pictures": 6, "reason": ""},
        {"from": "06:00:00", "to": "06:00:00", "minutes": 0.0, "cause": "gone",
         "pictures": 1, "reason": "404 twice"},
        {"from": "06:00:00", "to": "24:00:00", "minutes": 1080.0, "cause": "silent",
         "pictures": 18, "reason": ""},
    ]  # fmt: skip


def test_a_table_of_gaps_does_not_grow_with_the_day():
    frames = [
        Frame(MIDNIGHT + dt.timedelta(minutes=n), ImageState.GONE if n % 2 else ImageState.STORED)
        for n in range(1000)
    ]

    assert len(metadata.gaps_table(a_day(frames, UNKNOWN).gaps).records) == 50


def test_figures_of_a_day_have_a_number_for_every_cause():
    figures = metadata.gap_figures(a_day([], given(Service(60))))

    assert figures == {
        "coverage": 0.0,
        "expected": 24,
        "longest_gap_minutes": 1440.0,
        "gaps_silent": 1,
        "gaps_failed": 0,
        "gaps_gone": 0,
        "gaps_rejected": 0,
        "gaps_unlisted": 0,
        "gaps_limited": 0,
    }


def test_what_is_not_known_has_no_number():
    assert metadata.gap_figures(a_day([], UNKNOWN)).keys().isdisjoint({"coverage", "expected"})


def test_a_plan_shows_each_file_with_its_verdict_and_reason():
    verdict = Verdict(DeletionKind.EXPORT, "exports/a.jpg", "exports/a.jpg", 10, True, "old")

    (row,) = metadata.plan_table(DeletionPlan((verdict,))).records

    assert row.data == {
        "goes": True,
        "kind": "export",
        "path": "exports/a.jpg",
        "bytes": 10,
        "reason": "old",
    }


def test_an_empty_plan_says_that_there_was_nothing_to_decide():
    (row,) = metadata.plan_table(DeletionPlan(())).records

    assert row.data["reason"] == "nothing to decide"
