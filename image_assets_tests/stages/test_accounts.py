"""Reports of runs and ranges, and what they look like as files."""

import datetime as dt
import io
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from image_assets.core.account import Account, DayAccount, Lost
from image_assets.core.errors import RejectedError
from image_assets.core.model import Partition
from image_assets.core.spans import Span
from image_assets.stages.account_files import CAUSES, Form, render
from image_assets.stages.accounts import range_account, run_account, run_name, save
from image_assets.stages.report import Cause, ItemFailure, Report
from image_assets_tests.drawing import picture
from image_assets_tests.stages.conftest import NOW

DAY = Partition("camera", "apm/in_gate", "2025-09-01")
NEXT = Partition("camera", "apm/in_gate", "2025-09-02")
OUT = Partition("camera", "apm/out_gate", "2025-09-01")
BEGAN = NOW - dt.timedelta(seconds=10)


def of_run(**reports: Report) -> Account:
    partitions = {"day": DAY, "next": NEXT, "out": OUT}
    found = {partitions[name]: report for name, report in reports.items()}
    return run_account("run-1", "A run", found, began=BEGAN, ended=NOW)


def rendered(account: Account, form: Form) -> str:
    return render(account, form).decode()


def table(account: Account) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(render(account, Form.CSV)))


def test_a_run_is_told_by_what_was_asked_for_and_what_came():
    counts = {
        "stored": 5,
        "stale": 1,
        "thumbnail": 2,
        "known": 3,
        "rejected": 1,
        "missing": 2,
        "gone": 1,
    }
    account = of_run(day=Report(counts, {Cause.TRANSIENT: 2}, 800, 4.0))

    total = account.total

    assert (total.requested, total.downloaded, total.skipped, total.failures) == (17, 8, 3, 6)
    assert total.failed == {"absent": 2, "gone": 1, "rejected": 1, "transient": 2}
    assert (total.bytes, total.seconds, total.bytes_per_second) == (800, 10.0, 80.0)


def test_what_a_limit_left_out_and_what_is_no_entry_was_not_requested():
    account = of_run(day=Report({"stored": 1, "beyond_limit": 100, "misfit": 3}))

    assert (account.total.requested, account.total.success_rate) == (1, 1.0)


def test_a_day_that_could_not_be_listed_is_no_picture_that_failed():
    failure = ItemFailure(str(DAY), Cause.TRANSIENT, "the site did not answer")
    account = of_run(day=Report(causes={Cause.TRANSIENT: 1}, failures=(failure,)))

    (day,) = account.unlisted
    assert (day.unlisted, account.total.requested) == ("the site did not answer", 0)
    assert account.lost == (Lost(str(DAY), "transient", "the site did not answer"),)


def test_an_error_instead_of_a_report_is_a_day_that_could_not_be_listed():
    account = run_account("r", "R", {DAY: RejectedError("no such day")}, began=BEGAN, ended=NOW)

    assert account.days[0].unlisted == "no such day"


def test_days_are_in_order_whatever_the_order_of_the_work():
    account = of_run(next=Report(), out=Report(), day=Report())

    assert [day.partition for day in account.days] == [DAY, OUT, NEXT]


def test_a_range_is_told_from_the_catalog(house):
    house.collect({"in_gate/20250901T100734_in_gate.jpg": picture(1)})
    span = Span("camera", ("apm/in_gate",), DAY.day, NEXT.day)

    account = range_account(house.catalog.archive, span, now=NOW)

    assert (account.total.requested, account.total.downloaded) == (1, 1)
    assert [day.unlisted for day in account.days] == [None, "never asked for"]


def test_a_report_is_kept_in_every_form(house):
    account = of_run(day=Report({"stored": 1}))

    kept = save(house.store, account)
    save(house.store, account)

    assert sorted(kept.values()) == house.files("reports")
    assert house.files("") == ["reports/run-1.csv", "reports/run-1.html", "reports/run-1.json"]


def test_two_downloads_do_not_share_a_name():
    later = BEGAN + dt.timedelta(microseconds=1)

    assert run_name(BEGAN, "camera") == "download-20250903T115950.000000Z-camera"
    assert run_name(BEGAN, "camera") != run_name(later, "camera")


def test_json_holds_every_figure():
    account = of_run(
        day=Report(
            {"stored": 3},
            {Cause.PERMANENT: 1},
            600,
            2.0,
            (ItemFailure("a", Cause.PERMANENT, "no"),),
        ),
        out=Report({"sealed": 5}),
    )

    told = json.loads(rendered(account, Form.JSON))

    assert told["total"] == {
        "requested": 9,
        "downloaded": 3,
        "skipped": 5,
        "failed": 1,
        "failed_by_cause": {"permanent": 1},
        "rejected_by_reason": {},
        "bytes": 600,
        "seconds": 10.0,
        "bytes_per_second": 60.0,
        "pictures_per_second": 0.3,
        "success_rate": 0.75,
    }
    assert told["days"][0] | {"date": "2025-09-01", "seconds": 2.0} == told["days"][0]
    assert told["failures"] == [{"item": "a", "cause": "permanent", "reason": "no"}]
    assert set(told["streams"]) == {"apm/in_gate", "apm/out_gate"}


def test_csv_has_a_line_for_each_day_and_stream_and_the_same_columns_always():
    account = of_run(day=Report({"stored": 3, "gone": 1}, bytes=600), out=Report({"known": 5}))

    found = table(account)

    assert found["stream"].tolist() == ["apm/in_gate", "apm/out_gate"]
    assert found["requested"].tolist() == [4, 5]
    assert found["failed_gone"].tolist() == [1, 0]
    assert table(of_run()).columns.tolist() == found.columns.tolist()
    assert {f"failed_{cause}" for cause in CAUSES} < set(found.columns)


class Parsed(HTMLParser):
    """Tags of a page, the addresses it names, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [
            value for name, value in attrs if name in ("src", "href", "data", "action")
        ]

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_no_network_and_no_script():
    page = Parsed(rendered(of_run(day=Report({"stored": 3})), Form.HTML))

    assert (page.addresses, "script" in page.tags, "link" in page.tags) == ([], False, False)
    assert page.tags.count("svg") == 2


def test_the_page_tells_every_figure_and_cause():
    failure = ItemFailure("x.jpg", Cause.TRANSIENT, "timed out")
    report = Report({"stored": 1234, "gone": 2}, {Cause.TRANSIENT: 4}, 2_500_000, 5.0, (failure,))

    text = Parsed(rendered(of_run(day=report), Form.HTML)).text

    for shown in (
        "1,240",
        "1,234",
        "99.5 %",
        "2.5 MB",
        "250 kB/s",
        "gone",
        "transient",
        "timed out",
    ):
        assert shown in text


def test_a_rate_just_below_the_whole_is_not_shown_as_the_whole():
    text = Parsed(rendered(of_run(day=Report({"stored": 99_999, "gone": 1})), Form.HTML)).text

    assert ("99.9 %" in text, "100 %" in text) == (True, False)


def test_a_run_of_nothing_has_a_page():
    assert "requested" in Parsed(rendered(of_run(), Form.HTML)).text


@pytest.mark.parametrize(
    "trick", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7*7 }}", "a\udcffb\0"]
)
def test_names_and_reasons_are_text_and_nothing_else(trick):
    lost = (Lost(trick, "transient", trick),)
    day = DayAccount(partition=DAY, unlisted=trick)
    page = Parsed(rendered(Account("r", trick, NOW, (day,), lost=lost), Form.HTML))

    assert ({"script", "img"} & set(page.tags), "49" in page.text) == (set(), False)


@pytest.mark.parametrize("form", Form)
def test_a_year_of_two_streams_is_a_file_of_moderate_size(form):
    first = dt.date(2025, 1, 1)
    days = [
        DayAccount(
            partition=Partition("camera", stream, (first + dt.timedelta(days=n)).isoformat()),
            requested=144,
            downloaded=140,
            failed={"gone": 4},
            bytes=14_000_000,
        )
        for n in range(365)
        for stream in ("apm/in_gate", "apm/out_gate")
    ]

    content = render(Account("y", "A year", NOW, days), form)

    assert 20_000 < len(content) < 700_000
    assert re.search(rb"102[,_]?200|144", content)
