import datetime as dt

import pytest

from image_assets.core.stamps import Pattern

AT = dt.datetime.fromisoformat("2025-09-01T07:05:09")
PICTURE = "https://cdn.example/{terminal}/%Y-%m-%d/%-H/%Y-%m-%dT%H:%M:%S-{stream}.jpeg"
CAMERA = {"terminal": "apm", "stream": "in_gate"}


def picture() -> Pattern:
    return Pattern(PICTURE, CAMERA)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("%Y-%m-%dT%H:%M:%S", "2025-09-01T07:05:09"),
        ("%y%j %H%M%S", "25244 070509"),
        ("%A, %B %-d, %Y, %-I:%M:%S %p", "Monday, September 1, 2025, 7:05:09 AM"),
        ("%a %b %d %Y %I.%M.%S%p", "Mon Sep 01 2025 07.05.09AM"),
        ("%-m/%-d/%y %-H:%M:%S 100%%", "9/1/25 7:05:09 100%"),
    ],
)
def test_a_moment_is_spelled_and_read_back(template, text):
    pattern = Pattern(template)

    assert pattern.spell(AT) == text
    assert pattern.read(text).at == AT


@pytest.mark.parametrize(
    ("template", "text"),
    [("%s", "1756710309"), ("%Y-%m-%d %H:%M:%S %z", "2025-09-01 03:05:09 -0400"),
     ("%Y%m%d%H%M%S%z", "20250901070509Z"), ("%Y-%m-%d %H:%M:%S%z", "2025-09-01 09:05:09+02:00")],
)  # fmt: skip
def test_a_moment_with_its_zone_is_aware(template, text):
    assert Pattern(template).read(text).at == AT.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("hour", "text"), [(0, "12 AM"), (1, "1 AM"), (12, "12 PM"), (13, "1 PM"), (23, "11 PM")]
)
def test_twelve_hour_clocks_begin_with_twelve(hour, text):
    pattern, at = Pattern("%Y-%m-%d %-I %p"), AT.replace(hour=hour, minute=0, second=0)

    assert pattern.spell(at) == f"2025-09-01 {text}"
    assert pattern.read(f"2025-09-01 {text}").at == at


def test_names_are_read_as_they_were_spelled():
    url = picture().spell(AT, {"terminal": "a b/c", "stream": "in_gate"})

    assert "/a%20b%2Fc/" in url
    assert picture().read(url).names == {"terminal": "a b/c", "stream": "in_gate"}


@pytest.mark.parametrize(
    "path",
    [
        "apm/2025-09-01/07/2025-09-01T07:05:09-in_gate.jpeg",  # a padded hour
        "apm/2025-09-01/8/2025-09-01T07:05:09-in_gate.jpeg",  # two hours
        "apm/2025-09-02/7/2025-09-01T07:05:09-in_gate.jpeg",  # two days
        "apm/2025-02-30/7/2025-02-30T07:05:09-in_gate.jpeg",
        "apm/2025-09-01/7/2025-09-01T07:05:60-in_gate.jpeg",
        "apm/2025-09-01/24/2025-09-01T24:05:09-in_gate.jpeg",
        "apm/2025-09-01/7/2025-09-01T07:05:09-in/gate.jpeg",
        "apm/x/2025-09-01/7/2025-09-01T07:05:09-in_gate.jpeg",
        "apm/2025-09-01/7/2025-09-01T07:05:09-in_gate.png",
        "apm/٢٠٢٥-09-01/7/2025-09-01T07:05:09-in_gate.jpeg",
    ],
)
def test_what_contradicts_itself_or_the_template_is_not_read(path):
    assert picture().read(f"https://cdn.example/{path}") is None


def test_a_weekday_that_was_another_is_not_read():
    assert Pattern("%A %Y-%m-%d").read("Tuesday 2025-09-01") is None
    assert Pattern("%A %Y-%m-%d").read("monday 2025-09-01").at.date() == AT.date()


def test_a_name_that_stands_twice_has_one_value():
    pattern = Pattern("{stream}/%Y%m%d%H%M%S-{stream}", ["stream"])

    assert pattern.read("a/20250901070509-a") is not None
    assert pattern.read("a/20250901070509-b") is None


@pytest.mark.parametrize("template", ["%Q", "100%", "{camera}", "{", "}", "{}", "%f"])
def test_an_unknown_field_or_name_is_refused(template):
    with pytest.raises(ValueError, match=r"no field|not known"):
        Pattern(template, ["stream"])


@pytest.mark.parametrize(
    ("template", "day", "second"),
    [
        ("%Y-%m-%dT%H:%M:%S", True, True),
        ("%s", True, True),
        ("%Y%j%H%M%S", True, True),
        ("%b %-d %y %I:%M:%S %p", True, True),
        ("%b %-d %y %I:%M:%S", True, False),
        ("%Y-%m-%d %H:%M", True, False),
        ("%m-%d %H:%M:%S", False, False),
    ],
)
def test_a_template_knows_how_much_it_tells(template, day, second):
    pattern = Pattern(template)

    assert (pattern.tells_the_day, pattern.tells_the_second) == (day, second)
