"""`image-assets download` against the rehearsal's camera site."""

import datetime as dt
import json
import re
from dataclasses import replace

import pytest

import image_assets
from image_assets.core.errors import PermanentError
from image_assets.rehearsal import Rehearsal
from image_assets_tests.journey import ONE_A_DAY

SEPTEMBER = ("2025-09-01", "2025-09-02")


@pytest.fixture
def near(shell):
    shell.point_at_rehearsal()
    return shell


def pictures(shell) -> list[str]:
    return sorted(str(f.relative_to(shell.folder)) for f in shell.folder.rglob("*_gate.jpg"))


def asked(shell) -> int:
    return shell.rehearsal.requests()["total"]


def test_a_range_of_days_of_every_stream_is_brought_home(near):
    result = near.run("download", *SEPTEMBER)

    assert result.exit_code == 0
    assert re.search(r"4 stored; 0\.\d MB; 0 failed", result.output)
    assert [path.rpartition("/")[0] for path in pictures(near)] == [
        f"data/images/{day}/{stream}" for day in SEPTEMBER for stream in ("in_gate", "out_gate")
    ]


def test_one_day_is_enough(near):
    result = near.run("download", "2025-09-01")

    assert (result.exit_code, len(pictures(near))) == (0, 2)


@pytest.mark.parametrize("stream", ["in_gate", "apm/in_gate"])
def test_a_stream_is_named_by_itself_or_with_its_terminal(near, stream):
    result = near.run("download", "2025-09-01", "--stream", stream)

    assert (result.exit_code, len(pictures(near))) == (0, 1)
    assert "1 stored" in result.output


def test_streams_can_be_named_together(near):
    result = near.run("download", "2025-09-01", "--stream", "in_gate", "--stream", "out_gate")

    assert (result.exit_code, len(pictures(near))) == (0, 2)


def test_a_second_time_costs_no_request(near):
    near.run("download", *SEPTEMBER)
    before = asked(near)

    again = near.run("download", *SEPTEMBER)

    assert (again.exit_code, asked(near)) == (0, before)
    assert "4 sealed; 0.0 MB; 0 failed" in again.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["2025-09-01", "--stream", "side_gate"], "no stream 'side_gate'; it has apm/in_gate"),
        (["2025-09-02", "2025-09-01"], "ends (2025-09-01) before it begins (2025-09-02)"),
        (["2025-09-01", "--source", "webcam"], "has no source 'webcam'; it has camera"),
    ],
)
def test_what_cannot_be_is_one_line_and_costs_nothing(near, arguments, complaint):
    result = near.run("download", *arguments)

    assert result.exit_code == 1
    assert result.output.startswith("error: ")
    assert complaint in result.output
    assert result.output.count("\n") == 1
    assert (asked(near), list(near.folder.iterdir())) == (0, [])


@pytest.mark.parametrize("arguments", [["yesterday"], ["2025-13-01"], []])
def test_what_is_no_day_is_a_mistake_in_usage(near, arguments):
    assert near.run("download", *arguments).exit_code == 2


def test_a_day_that_fails_is_named_and_stops_no_other(near):
    fault = {"kind": "status", "status": 403}
    near.rehearsal.inject("GET /draydog/index/apm/in_gate/2025-09-01", fault)

    result = near.run("download", *SEPTEMBER)

    assert result.exit_code == 1
    assert "failed: camera apm/in_gate 2025-09-01: camera site: GET http" in result.output
    assert "answered 403 Forbidden" in result.output
    assert "3 stored" in result.output
    assert "; 1 failed" in result.output


def test_a_picture_that_fails_is_named_and_stops_no_other(near):
    near.rehearsal.inject("GET /draydog/cdn.*in_gate", {"kind": "status", "status": 500})

    result = near.run("download", "2025-09-01")

    assert result.exit_code == 1
    assert re.search(r"failed: camera apm/in_gate 2025-09-01: \S+-in_gate\.jpeg: ", result.output)
    assert (len(pictures(near)), "1 stored" in result.output) == (1, True)


def test_no_key_is_needed(near):
    for name in ("PINATA_JWT", "CLOUDFLARE_API_TOKEN"):
        near.environment.delenv(name)

    assert near.run("download", "2025-09-01").exit_code == 0


def test_a_env_file_in_the_folder_is_read(shell):
    shell.write_env(**shell.rehearsal.environment(), IMAGE_ASSETS_DATA_DIR="elsewhere")

    result = shell.run("download", "2025-09-01")

    assert result.exit_code == 0
    assert len(list((shell.folder / "elsewhere/images").rglob("*.jpg"))) == 2


def test_the_environment_comes_before_the_env_file(near):
    near.write_env(DRAYDOG_INDEX_URL="http://127.0.0.1:9/nobody")

    assert near.run("download", "2025-09-01").exit_code == 0


def test_a_setting_that_cannot_be_is_named_and_its_value_is_not_shown(near):
    near.export(DOWNLOAD_CONNECTIONS="canary-7f3a")

    result = near.run("download", "2025-09-01")

    assert result.exit_code == 1
    assert "DOWNLOAD_CONNECTIONS" in result.output
    assert "canary-7f3a" not in result.output


def test_a_sources_file_that_is_not_there_is_named(near):
    near.export(IMAGE_ASSETS_SOURCES="nowhere.yaml")

    result = near.run("download", "2025-09-01")

    assert result.exit_code == 1
    assert "nowhere.yaml: No such file or directory; check IMAGE_ASSETS_SOURCES" in result.output


def test_json_lines_tell_of_the_work(near):
    near.export(LOG_FORMAT="json", LOG_LEVEL="INFO")

    result = near.run("download", "2025-09-01", "--stream", "in_gate")

    assert '"message": "camera apm/in_gate 2025-09-01: 1 listed, 1 to fetch"' in result.stderr


def test_single_days_stand_beside_a_range_and_count_once(near):
    days = ("--date", "2025-09-04", "--date", "2025-09-02")

    result = near.run("download", *SEPTEMBER, *days, "--stream", "in_gate")

    assert result.exit_code == 0
    found = [path.split("/")[2] for path in pictures(near)]
    assert found == ["2025-09-01", "2025-09-02", "2025-09-04"]


@pytest.fixture
def hourly(shell):
    with Rehearsal(replace(ONE_A_DAY, cadence=dt.timedelta(hours=4))) as rehearsal:
        there = replace(shell, rehearsal=rehearsal)
        there.point_at_rehearsal()
        yield there


@pytest.mark.parametrize(
    ("end", "kept"), [("--oldest-first", slice(2)), ("--newest-first", slice(-2, None))]
)
def test_a_limit_is_counted_from_the_end_that_was_named(hourly, end, kept):
    day = ("2025-09-01", "--stream", "in_gate")
    result = hourly.run("download", *day, "--limit", "2", end)
    some = pictures(hourly)

    hourly.run("download", *day)

    assert "2 stored" in result.output
    assert "beyond_limit" in result.output
    assert some == pictures(hourly)[kept]


def test_a_limited_day_is_told_as_one(hourly):
    hourly.run("download", "2025-09-01", "--stream", "in_gate", "--limit", "2")

    day = ("--from", "2025-09-01", "--to", "2025-09-01", "--stream", "in_gate", "--json")
    (row,) = json.loads(hourly.run("holdings", *day).stdout)["rows"]
    assert (row["state"], row["condition"]) == ("lacking", "limited")
    assert [gap["cause"] for gap in row["gaps"]] == ["limited"]


def test_the_settings_may_limit_and_turn_round(hourly):
    hourly.export(DOWNLOAD_MAX_IMAGES_PER_DATE="1", DOWNLOAD_NEWEST_FIRST="true")
    day = ("2025-09-01", "--stream", "in_gate")
    hourly.run("download", *day)
    (newest,) = pictures(hourly)

    hourly.run("download", *day, "--limit", "100")

    assert pictures(hourly)[-1] == newest


def test_json_is_one_object_a_line_and_sums_up(near):
    near.rehearsal.inject("GET /draydog/cdn.*in_gate", {"kind": "status", "status": 404})

    result = near.run("download", *SEPTEMBER, "--json")

    events = [json.loads(line) for line in result.stdout.splitlines()]
    ended = [event for event in events if event["event"] == "ended"]
    assert {(e["date"], e["stream"]) for e in ended} == {
        (day, stream) for day in SEPTEMBER for stream in ("apm/in_gate", "apm/out_gate")
    }
    assert events[-1]["event"] == "summary"
    assert events[-1]["counts"] == {"stored": 2, "missing": 2}
    assert events[-1]["bytes"] == sum(event["bytes"] for event in ended) > 0


def test_json_gives_failures_by_cause_and_each_with_its_reason(near):
    near.rehearsal.inject("GET /draydog/cdn.*in_gate", {"kind": "status", "status": 500})

    result = near.run("download", "2025-09-01", "--json")

    summary = json.loads(result.stdout.splitlines()[-1])
    (failure,) = summary["failures"]
    assert (result.exit_code, summary["failed"]) == (1, {"transient": 1})
    assert "answered 500" in failure["reason"]


def test_the_table_shows_every_stream_and_date(near):
    result = near.run("download", *SEPTEMBER, "--watch")

    assert result.exit_code == 0
    assert len(re.findall(r"2025-09-0[12] .* apm/(?:in|out)_gate .* 1 stored", result.output)) == 4


def test_one_way_to_show_it_is_enough(near):
    result = near.run("download", "2025-09-01", "--watch", "--json")

    assert (result.exit_code, "choose one" in result.output) == (1, True)


def test_other_programs_call_it_and_get_every_partition_with_its_report(near):
    dates = [dt.date(2025, 9, 2), dt.date(2025, 9, 1)]

    reports = image_assets.download(dates, streams=["in_gate"])

    assert [(p.key, r.counts) for p, r in reports.items()] == [
        (day, {"stored": 1}) for day in SEPTEMBER
    ]


def test_other_programs_get_an_error_for_a_stream_that_is_not_there(near):
    with pytest.raises(PermanentError, match="has no stream 'side_gate'"):
        image_assets.download([dt.date(2025, 9, 1)], streams=["side_gate"])
