"""`image-assets download` against the rehearsal's camera site."""

import re

import pytest

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
