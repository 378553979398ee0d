"""Log lines: for people, or one JSON object each; with ids, and without secrets."""

import io
import json
import logging
import re
import time
from collections.abc import Iterator

import pytest

from image_assets import logs
from image_assets.settings import isolated
from image_assets_tests.journey import KEY, ORIGINALS, PINATA, journey

CANARY = 'can"ary/secret ü'
SPELLINGS = [CANARY, json.dumps(CANARY)[1:-1], "can%22ary%2Fsecret%20%C3%BC", repr(CANARY)]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The project's logger, as it was before afterwards."""
    logger = logging.getLogger("image_assets")
    before, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = before
    logger.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def fail(why: str) -> None:
    raise RuntimeError(why)


def test_json_is_one_object_a_line_whatever_is_said(logger, capsys):
    logs.configure("INFO", "json", ())

    logger.getChild("stages").info("two\nlines and %s", '"quotes"', extra={"partition": KEY})

    (line,) = lines(capsys)
    assert line.pop("time") is not None
    assert line == {
        "level": "INFO",
        "logger": "image_assets.stages",
        "message": 'two\nlines and "quotes"',
        "partition": KEY,
    }


def test_times_are_utc_wherever_the_machine_is(monkeypatch):
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()

    line = json.loads(logs.JsonFormatter().format(logging.makeLogRecord({"created": 0.0})))

    monkeypatch.undo()
    time.tzset()
    assert line["time"] == "1970-01-01T00:00:00Z"


def test_an_exception_is_part_of_its_line(logger, capsys):
    logs.configure("INFO", "json", ())

    try:
        fail("broken")
    except RuntimeError:
        logger.exception("it failed")

    (line,) = lines(capsys)
    assert (line["level"], line["message"]) == ("ERROR", "it failed")
    assert str(line["exception"]).endswith("RuntimeError: broken")


def test_an_id_cannot_pass_for_what_every_line_has(logger, capsys):
    logs.configure("INFO", "json", ())

    logger.error("true", extra={"level": "INFO", "logger": "somebody", "time": "never"})

    (line,) = lines(capsys)
    assert (line["level"], line["logger"]) == ("ERROR", "image_assets")
    assert line["time"] != "never"


def test_what_another_handler_did_to_a_record_is_no_id(logger, capsys):
    other = logging.StreamHandler(io.StringIO())
    other.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(other)
    logs.configure("INFO", "json", ())

    logger.info("said twice")

    (line,) = lines(capsys)
    assert line.keys() == {"time", "level", "logger", "message"}


def test_what_json_does_not_know_is_spelled(logger, capsys):
    logs.configure("INFO", "json", ())

    logger.info("done", extra={"states": {1}})

    (line,) = lines(capsys)
    assert line["states"] == "{1}"


def test_text_is_time_level_and_message(logger, capsys):
    logs.configure("INFO", "text", ())

    logger.warning("%s: repeats", "a.jpg")

    assert re.fullmatch(r"\d\d:\d\d:\d\d WARNING a\.jpg: repeats\n", capsys.readouterr().err)


def test_what_is_below_the_level_is_not_said(logger, capsys):
    logs.configure("WARNING", "text", ())

    logger.info("chatter")

    assert capsys.readouterr().err == ""


def test_configuring_again_replaces_our_lines_and_leaves_others_alone(logger, capsys):
    others = logging.NullHandler()
    logger.addHandler(others)
    logs.configure("INFO", "text", ())
    logs.configure("INFO", "json", ())

    logger.info("once")

    assert len(lines(capsys)) == 1
    assert others in logger.handlers


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_taken_out_of_message_ids_and_traceback(logger, capsys, style, spelling):
    logs.configure("DEBUG", style, (CANARY,))

    try:
        fail(f"refused {spelling}")
    except RuntimeError:
        logger.exception("with %s", spelling, extra={"url": f"https://x/?key={spelling}"})

    said = capsys.readouterr().err
    assert said.count("***") >= 2
    assert "ary" not in said


def test_a_text_too_short_to_be_a_secret_stays(logger, capsys):
    logs.configure("INFO", "text", ("", "a"))

    logger.info("a banana")

    assert "a banana" in capsys.readouterr().err


@pytest.mark.parametrize("password", ["pass%2Fword", "pass@word", "pass:word"])
def test_the_password_in_the_catalogs_address_is_a_secret(password):
    address = f"postgresql+psycopg2://somebody:{password}@db.example:5432/catalog"

    secrets = isolated({"IMAGE_ASSETS_DATABASE_URL": address}).secrets

    assert {address, password} <= set(secrets)


def test_an_address_without_a_password_has_none():
    assert isolated({}).secrets == ()
    assert len(isolated({"IMAGE_ASSETS_DATABASE_URL": "sqlite:///data/a.db"}).secrets) == 1


def test_a_journey_tells_batches_items_retries_and_failures_each_at_its_level(
    logger, capsys, tmp_path
):
    logs.configure("DEBUG", "json", ())
    with journey(tmp_path, source=ORIGINALS) as camera:
        camera.rehearsal.inject("GET /draydog/cdn", {"kind": "status", "status": 500}, times=1)
        camera.rehearsal.inject("POST /pinata", {"kind": "status", "status": 400}, times=1)
        camera.run("images", PINATA)

    said = [line for line in lines(capsys) if str(line["logger"]).startswith("image_assets")]

    def told(level: str, about: str) -> list[dict[str, object]]:
        return [x for x in said if x["level"] == level and about in str(x["message"])]

    assert told("INFO", "1 listed, 1 to fetch")
    assert told("WARNING", "attempt 1 of 3")
    (item,) = told("DEBUG", "in_gate.jpeg: stored")
    assert (item["item"], item["outcome"]) == (str(item["message"])[:-8], "stored")
    (failed,) = told("ERROR", "answered 400")
    assert (failed["cause"], str(failed["item"])[:8]) == ("permanent", "pinata: ")
