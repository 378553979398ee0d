"""`image-assets export`."""

from pathlib import Path

import pytest
from PIL import Image

from image_assets_tests.drawing import decoded, encoded, moving, picture, scene


@pytest.fixture
def photos(shell):
    shell.export(IMAGE_ASSETS_DECODE_WORKERS="1")
    (shell.folder / "photos").mkdir()
    for number in range(2):
        (shell.folder / "photos" / f"p{number}.jpg").write_bytes(picture(number, (320, 180)))
    return shell


def opened(file: Path) -> Image.Image:
    return decoded(file.read_bytes())


def sizes(folder: Path) -> set[tuple[int, int]]:
    return {opened(file).size for file in folder.iterdir() if file.suffix != ".html"}


def names(folder: Path) -> list[str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file.name.rpartition("-")[0] + file.suffix for file in files)


def test_a_folder_is_exported_in_a_preset(photos):
    result = photos.run("export", "photos", "--preset", "1:1", "--formats", "jpg,webp")

    assert result.exit_code == 0, result.output
    assert names(photos.folder / "exports") == [
        *("p0-square.jpg", "p0-square.webp", "p1-square.jpg", "p1-square.webp")
    ]
    assert sizes(photos.folder / "exports") == {(1080, 1080)}
    assert not (photos.folder / "exports" / "tmp").exists()


def test_a_second_run_writes_nothing(photos):
    arguments = ("export", "photos", "--width", "64", "--formats", "webp", "--page")
    photos.run(*arguments)
    before = {file: file.stat().st_mtime_ns for file in (photos.folder / "exports").iterdir()}

    result = photos.run(*arguments)

    assert "2 there already; 0.0 MB; 0 failed" in result.stderr
    after = {file: file.stat().st_mtime_ns for file in (photos.folder / "exports").iterdir()}
    assert after == before


def test_one_bad_file_is_told_and_stops_nothing(photos):
    (photos.folder / "photos" / "bad.jpg").write_bytes(b"not a picture")

    result = photos.run("export", "photos", "--width", "64", "--formats", "webp", "--out", "out")

    assert result.exit_code == 1
    assert "2 exported" in result.stderr
    assert "bad.jpg: not a PNG" in result.stderr
    assert len(names(photos.folder / "out")) == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--width", "64"), {(64, 36)}),
        (("--height", "18"), {(32, 18)}),
        (("--width", "64", "--height", "64"), {(64, 64)}),
        (("--width", "64", "--height", "64", "--fit", "contain"), {(64, 36)}),
        (("--preset", "16:9", "--width", "160"), {(160, 90)}),
        (("--preset", "small", "--preset", "icon"), {(320, 180), (256, 256)}),
        (("--preset", "16:9", "--widths", "32,64"), {(32, 18), (64, 36)}),
    ],
)
def test_sizes_are_what_was_asked_for(photos, options, expected):
    result = photos.run("export", "photos", "--formats", "jpeg", *options)

    assert result.exit_code == 0, result.output
    assert sizes(photos.folder / "exports") == expected


def test_no_file_is_larger_than_allowed(photos):
    (photos.folder / "photos" / "p0.jpg").write_bytes(encoded(scene((640, 360)), "JPEG"))

    photos.run("export", "photos", "--width", "320", "--max-bytes", "5 kB")

    files = list((photos.folder / "exports").iterdir())
    assert len(files) == 6
    assert max(file.stat().st_size for file in files) <= 5000


def test_qualities_are_the_settings(photos):
    found = []
    for quality in ("30", "90"):
        photos.export(JPEG_QUALITY=quality)
        photos.run("export", "photos", "--width", "64", "--formats", "jpeg", "--out", quality)
        found.append(sum(file.stat().st_size for file in (photos.folder / quality).iterdir()))

    assert found[0] < found[1]


def test_a_base_shines_through_and_a_missing_one_is_an_error(photos):
    (photos.folder / "base.png").write_bytes(encoded(scene(), "PNG"))
    arguments = ("export", "photos", "--width", "64", "--formats", "png", "--base")

    result = photos.run(*arguments, "base.png", "--blend", "multiply", "--share", "0.5")
    missing = photos.run(*arguments, "absent.png")

    assert (result.exit_code, missing.exit_code) == (0, 1)
    assert "absent.png" in missing.stderr


def test_animations_are_kept_where_they_are_wanted(photos):
    first, *others = moving()
    first.save(photos.folder / "photos/m.gif", save_all=True, append_images=others)

    photos.run("export", "photos", "--width", "24", "--formats", "webp", "--animated")

    (file,) = (photos.folder / "exports").glob("m-*")
    assert opened(file).n_frames == 4


def test_the_page_is_named_and_whole(photos):
    result = photos.run("export", "photos", "--width", "64", "--page")

    page = photos.folder / "exports" / "exports.html"
    assert Path(result.stdout.strip()) == Path("exports/exports.html")
    assert page.read_text().count("data:image/") == 6


def test_exports_among_the_pictures_are_not_exported_again(photos):
    for _ in range(2):
        result = photos.run(
            "export", "photos", "--width", "64", "--formats", "webp", "--out", "photos/small"
        )

    assert "2 there already" in result.stderr
    assert len(names(photos.folder / "photos" / "small")) == 2


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--preset", "tall"), "no preset 'tall'; there are landscape"),
        (("--formats", "png,exe"), "exe; there are png, jpeg, webp, avif, gif"),
        (("--formats", ","), "none; there are"),
        (("--max-bytes", "much"), "say it as 100KB"),
        (("--max-bytes", "10"), "at least 1000 bytes are allowed"),
        (("--ground", "pinkish"), "no colour"),
        (("--widths", "a,b"), "--widths a,b"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(photos, options, why):
    result = photos.run("export", "photos", *options)

    assert result.exit_code == 1
    assert why in result.stderr
    assert not (photos.folder / "exports").exists()


def test_a_folder_that_is_not_there_is_named(shell):
    result = shell.run("export", "absent")

    assert result.exit_code == 1
    assert "absent" in result.stderr
