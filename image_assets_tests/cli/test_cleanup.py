"""`image-assets cleanup`: what is old and can be made again goes, and cron can rely on it."""

import datetime as dt
import json
import os

import pytest

from image_assets_tests.cli.exported import files, opened, take


@pytest.fixture
def old(shell):
    """Exports and a scratch file of long ago."""
    take(shell)
    left = shell.folder / "data/tmp/abandoned/file"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    os.utime(left, (1_750_000_000, 1_750_000_000))
    return shell


def test_what_is_old_goes_and_is_counted_as_the_first_system_named_it(old):
    originals = files(old, "images")

    result = old.run("cleanup")

    assert (result.exit_code, result.stdout) == (
        0,
        "temp_files_deleted=1\noutput_files_deleted=3\n",
    )
    assert (files(old, "exports"), files(old, "tmp"), files(old, "images")) == ([], [], originals)


def test_again_there_is_nothing_to_do(old):
    old.run("cleanup")

    result = old.run("cleanup", "--json")

    told = json.loads(result.stdout)
    assert (told["temp_files_deleted"], told["output_files_deleted"]) == (0, 0)


def test_a_dry_run_says_what_would_go_and_changes_nothing(old):
    exports = files(old, "exports")

    result = old.run("cleanup", "--dry-run", "--output-days", "30000")

    assert result.exit_code == 0
    assert "scratch file older than 1 day" in result.stdout
    assert "3 stay: younger than 30000 days" in result.stdout
    assert result.stdout.endswith("temp_files_deleted=1\noutput_files_deleted=0\n")
    assert (files(old, "exports"), len(files(old, "tmp"))) == (exports, 1)


def test_a_dry_run_in_json_names_the_files(old):
    told = json.loads(old.run("cleanup", "--dry-run", "--json").stdout)

    assert (told["dry_run"], told["output_files_deleted"], len(told["going"])) == (True, 3, 4)
    assert {"data/" + gone["file"] for gone in told["going"]} >= {
        str(file.relative_to(old.folder)) for file in files(old, "exports")
    }


@pytest.mark.parametrize("option", ["--temp-days", "--output-days"])
@pytest.mark.parametrize("days", ["0", "-1", "nan", "inf", "1e9", "0.0001"])
def test_ages_that_cannot_be_are_refused_in_a_sentence(old, option, days):
    result = old.run("cleanup", option, days)

    assert result.exit_code == 1
    assert "go after 0.01 to 36500 days, not" in result.stderr
    assert len(files(old, "exports")) == 3


def test_an_age_that_is_no_number_is_a_mistake_in_usage(old):
    assert old.run("cleanup", "--temp-days", "soon").exit_code == 2


def test_two_at_once_do_no_harm(old):
    now = dt.datetime.now(dt.UTC)
    with opened(old) as catalog:
        catalog.retention.take_turn("another", until=now + dt.timedelta(minutes=9), now=now)

    result = old.run("cleanup")

    assert (result.exit_code, result.stdout) == (75, "")
    assert "another clean-up is under way" in result.stderr
    assert len(files(old, "exports")) == 3


def test_one_that_was_killed_keeps_the_next_one_away_for_a_quarter_of_an_hour(old):
    now = dt.datetime.now(dt.UTC)
    with opened(old) as catalog:
        catalog.retention.take_turn("killed", until=now - dt.timedelta(seconds=1), now=now)

    assert old.run("cleanup").exit_code == 0


def test_a_file_that_cannot_be_removed_is_told_and_tried_again(old):
    stuck = files(old, "exports")[0]
    content = stuck.read_bytes()
    stuck.unlink()
    stuck.mkdir()

    first = old.run("cleanup")
    stuck.rmdir()
    stuck.write_bytes(content)
    second = old.run("cleanup")

    assert (first.exit_code, second.exit_code) == (1, 0)
    assert stuck.name in first.stderr
    assert first.stdout.endswith("output_files_deleted=2\n")
    assert second.stdout == "temp_files_deleted=0\noutput_files_deleted=1\n"


def test_the_ages_of_the_settings_count_where_none_is_given(old):
    old.export(RETENTION_EXPORT_DAYS="30000", RETENTION_TEMPORARY_DAYS="30000")

    result = old.run("cleanup")

    assert result.stdout == "temp_files_deleted=0\noutput_files_deleted=0\n"
