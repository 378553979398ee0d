import csv
import datetime as dt
import io

import pytest

from image_assets.core.attempt_log import COLUMNS, LoggedAttempt, header, line

AT = dt.datetime(2025, 9, 6, 19, 8, 4, 401212, dt.UTC)
SENT = LoggedAttempt(AT, "example.png", 2799234, 2.494, 1, "https://iili.io/KnigU8b.png", "KnigU8b")


def cells(attempt: LoggedAttempt, *, exif: bool = False) -> list[str]:
    [row] = csv.reader(io.StringIO(line(attempt, exif=exif).decode()))
    return row


def test_the_header_is_the_originals():
    assert header(exif=False).decode() == (
        "timestamp,local_filename,file_size_bytes,upload_status,image_url,image_id,"
        "upload_time_seconds,error_message,attempt_number\n"
    )


def test_a_success_is_a_line_as_the_original_wrote_it():
    assert line(SENT, exif=False).decode() == (
        "2025-09-06T19:08:04.401212+00:00,example.png,2799234,success,"
        "https://iili.io/KnigU8b.png,KnigU8b,2.49,,1\n"
    )


def test_a_failure_says_why():
    failed = LoggedAttempt(AT, "failed.jpg", 1355393, 2.2, 2, error="no answer, in 30 s")

    assert cells(failed)[3:] == ["failure", "", "", "2.20", "no answer, in 30 s", "2"]


@pytest.mark.parametrize("first", ["=", "+", "-", "@"])
def test_what_a_spreadsheet_would_calculate_is_kept_from_it(first):
    attempt = LoggedAttempt(AT, f"{first}1+1.png", 1, 0.0, 1, error=f"{first}HYPERLINK(0)")

    assert cells(attempt)[1] == f"'{first}1+1.png"
    assert cells(attempt)[7] == f"'{first}HYPERLINK(0)"


def test_odd_names_stay_on_their_line():
    attempt = LoggedAttempt(AT, 'a "b",\nc\udcff.png', 1, 0.0, 1)

    assert line(attempt, exif=False).count(b"\n") == 1
    assert cells(attempt)[1] == 'a "b",\\nc\\udcff.png'


def test_exif_comes_after_the_nine():
    attempt = LoggedAttempt(AT, "a.jpg", 1, 0.0, 1, exif={"Make": "=Nikon"})

    row = dict(
        zip(header(exif=True).decode().strip().split(","), cells(attempt, exif=True), strict=True)
    )

    assert tuple(row)[:9] == COLUMNS
    assert (row["exif_make"], row["exif_model"]) == ("'=Nikon", "")
