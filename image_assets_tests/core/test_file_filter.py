import datetime as dt

import pytest

from image_assets.core.file_filter import FileFilter

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
NS = int(NOON.timestamp() * 1e9)


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "b/c.jpeg", "a.gif", "a.bmp", "a.webp"])
def test_the_formats_of_the_original_are_wanted(name):
    assert FileFilter().lacks(name, 1, NS) is None


@pytest.mark.parametrize("name", ["a.txt", "png", "a.png.part", "a.tiff"])
def test_nothing_else_is(name):
    assert FileFilter().lacks(name, 1, NS) == "not named as a picture"


@pytest.mark.parametrize(
    ("wanted", "lacks"),
    [
        (FileFilter(include=("shop/*",)), None),
        (FileFilter(include=("A*.png",)), None),
        (FileFilter(include=("b*",)), "not of the wanted names"),
        (FileFilter(include=("a*",), exclude=("*a.png",)), "not of the wanted names"),
        (FileFilter(min_size=100, max_size=100), None),
        (FileFilter(min_size=101), "not of the wanted size"),
        (FileFilter(max_size=99), "not of the wanted size"),
        (FileFilter(since=NOON), None),
        (FileFilter(since=NOON + dt.timedelta(seconds=1)), "older than wanted"),
    ],
)
def test_a_filter_says_what_a_file_lacks(wanted, lacks):
    assert wanted.lacks("shop/a.png", 100, NS) == lacks
