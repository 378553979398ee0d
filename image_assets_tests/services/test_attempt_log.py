import csv
import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from image_assets.core.attempt_log import COLUMNS, EXIF, LoggedAttempt
from image_assets.core.errors import PermanentError
from image_assets.services.attempt_log import AttemptLog
from image_assets.settings import isolated_environment

ATTEMPT = LoggedAttempt(dt.datetime(2026, 11, 21, tzinfo=dt.UTC), "a.png", 1, 0.5, 1)
LINE = "timestamp,local_filename,file_size_bytes,upload_status,image_url,image_id,upload_time_seconds,error_message,attempt_number"
WRITER = """
import datetime as dt, sys
from pathlib import Path
from image_assets.core.attempt_log import LoggedAttempt
from image_assets.services.attempt_log import AttemptLog
log = AttemptLog(Path(sys.argv[1]))
for number in range(200):
    log.add(LoggedAttempt(dt.datetime.now(dt.UTC), sys.argv[2] * 50, 1, 0.5, number))
"""


@pytest.fixture
def log(tmp_path: Path) -> AttemptLog:
    return AttemptLog(tmp_path / "logs/image_uploads.csv")


def rows(log: AttemptLog) -> list[list[str]]:
    with log.file.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_first_line_is_the_header_and_it_is_written_once(log):
    log.add(ATTEMPT)
    log.add(ATTEMPT)

    first, *others = rows(log)

    assert first == list(COLUMNS)
    assert [row[1] for row in others] == ["a.png", "a.png"]


def test_a_log_of_the_original_is_continued(log):
    log.file.parent.mkdir()
    log.file.write_text(f"{LINE}\r\n2025-09-06T19:08:04.401212,old.png,1,success,,,2.49,,1\r\n")

    log.check()
    log.add(ATTEMPT)

    assert [row[1] for row in rows(log)[1:]] == ["old.png", "a.png"]


def test_a_line_that_was_cut_off_takes_no_other_with_it(log):
    log.add(ATTEMPT)
    with log.file.open("a") as file:
        file.write("2026-11-21T00:00:00,cut")

    log.add(ATTEMPT)

    assert [row[1] for row in rows(log)[1:]] == ["a.png", "cut", "a.png"]


def test_a_file_of_other_columns_is_refused_and_left(log):
    log.add(ATTEMPT)
    before = log.file.read_bytes()

    with pytest.raises(PermanentError, match="--output"):
        AttemptLog(log.file, exif=True).check()

    assert log.file.read_bytes() == before


def test_exif_has_columns_of_its_own(log):
    with_exif = AttemptLog(log.file, exif=True)
    with_exif.check()
    with_exif.add(ATTEMPT)

    assert rows(log)[0] == [*COLUMNS, *EXIF]


def test_processes_that_write_at_once_lose_and_tear_no_line(log):
    log.file.parent.mkdir()
    command = [sys.executable, "-c", WRITER, str(log.file)]
    writers = [
        subprocess.Popen([*command, who], env=isolated_environment({})) for who in ("a", "b", "c")
    ]
    ended = [writer.wait(60) for writer in writers]

    first, *lines = rows(log)

    assert ended == [0, 0, 0]
    assert first == list(COLUMNS)
    for who in "abc":
        assert [int(row[8]) for row in lines if row[1] == who * 50] == list(range(200))
    assert len(lines) == 600
