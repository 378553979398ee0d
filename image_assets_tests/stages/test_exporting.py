from pathlib import Path

import pytest

from image_assets.compose import LocalStore
from image_assets.core.model import ImageFormat
from image_assets.core.presets import responsive
from image_assets.core.recipes import Composite, Recipe
from image_assets.services.picture_folder import PicturesBelow
from image_assets.stages.export_page import render
from image_assets.stages.exporting import FolderExporter
from image_assets_tests.drawing import encoded, picture, scene

WEBP, JPEG = ImageFormat.WEBP, ImageFormat.JPEG
RECIPE = Recipe("small", 64, 36, formats=(WEBP, JPEG))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.jpg", "sub/c.png")):
        (folder / name).write_bytes(picture(number))
    return folder


@pytest.fixture
def exporter(source, tmp_path, decoder) -> FolderExporter:
    (tmp_path / "out").mkdir()
    return FolderExporter((RECIPE,), PicturesBelow(source), LocalStore(tmp_path / "out"), decoder)


def written(tmp_path: Path) -> dict[str, int]:
    """Exports by path, with the time of their last change."""
    root = tmp_path / "out"
    files = (file for file in root.rglob("*") if file.is_file())
    return {file.relative_to(root).as_posix(): file.stat().st_mtime_ns for file in files}


def test_every_picture_has_every_format_beside_its_name(exporter, tmp_path):
    report, exported = exporter.export(exporter.folder.pictures())

    assert report.counts == {"exported": 3}
    assert report.bytes == sum(file.size for picture in exported for file in picture.files)
    stems = sorted(path.rpartition("-")[0] for path in written(tmp_path))
    assert stems == ["a-small"] * 2 + ["b-small"] * 2 + ["sub/c-small"] * 2


def test_a_second_run_writes_nothing(exporter, tmp_path):
    first = exporter.export(exporter.folder.pictures())[1]
    before = written(tmp_path)

    report, exported = exporter.export(exporter.folder.pictures())

    assert (report.counts, report.bytes) == ({"there already": 3}, 0)
    assert written(tmp_path) == before
    assert exported == first


def test_what_is_lacking_is_made_again_and_nothing_else(exporter, tmp_path):
    exporter.export(exporter.folder.pictures())
    before = written(tmp_path)
    gone = next(path for path in before if path.startswith("a-") and path.endswith(".webp"))
    (tmp_path / "out" / gone).unlink()

    report, _ = exporter.export(exporter.folder.pictures())

    after = written(tmp_path)
    assert report.counts == {"exported": 1, "there already": 2}
    assert {path for path in after if after[path] != before[path]} == {gone}


def test_a_refused_file_does_not_stop_the_others(exporter, source):
    (source / "bad.png").write_bytes(b"<html>")
    (source / "empty.jpg").write_bytes(b"")

    report, exported = exporter.export(exporter.folder.pictures())

    assert report.counts == {"exported": 3}
    assert {failure.item for failure in report.failures} == {"bad.png", "empty.jpg"}
    assert [picture.name for picture in exported] == ["a.png", "b.jpg", "sub/c.png"]


def test_changed_content_gets_another_name(exporter, source, tmp_path):
    exporter.export(exporter.folder.pictures())
    before = set(written(tmp_path))
    (source / "a.png").write_bytes(picture(9))

    exporter.export(exporter.folder.pictures())

    assert before < set(written(tmp_path))
    assert len(written(tmp_path)) == 8


def test_a_responsive_set_has_a_file_for_each_width(exporter, tmp_path):
    recipes = responsive(RECIPE, (16, 32))
    wide = FolderExporter(recipes, exporter.folder, exporter.store, exporter.decoder)

    wide.export(exporter.folder.pictures()[:1])

    stems = sorted(path.rpartition("-")[0] for path in written(tmp_path))
    assert stems == ["a-small-16w"] * 2 + ["a-small-32w"] * 2


def test_another_base_is_another_export(exporter, tmp_path):
    recipe = Recipe("small", 64, 36, formats=(WEBP,), composite=Composite())
    base = tmp_path / "base.png"
    base.write_bytes(encoded(scene(), "PNG"))

    for sha256 in ("a" * 64, "b" * 64):
        FolderExporter(
            (recipe,), exporter.folder, exporter.store, exporter.decoder, 1, base, sha256
        ).export(exporter.folder.pictures()[:1])

    assert len(written(tmp_path)) == 2


@pytest.mark.parametrize("name", ["$(id) 'x' \"y\".png", "\u202eevil\n.png", "a\\b..png", "-n.png"])
def test_a_hostile_name_stays_within_the_folder(exporter, source, tmp_path, name):
    (source / name).write_bytes(picture(5))

    report, _ = exporter.export(exporter.folder.pictures())

    assert report.failed == 0
    assert len(written(tmp_path)) == 8
    assert all(path.isascii() and path.isprintable() for path in written(tmp_path))


def test_the_page_holds_the_exports_and_their_sizes(exporter):
    _, exported = exporter.export(exporter.folder.pictures())

    page = render(exported, exporter.store).decode()

    assert page.count('<img src="data:image/webp;base64,') == 3
    assert page.count('<img src="data:image/jpeg;base64,') == 3
    assert "sub/c.png" in page
    assert all(f"{file.size / 1000:,.1f} kB" in page for p in exported for file in p.files)


def test_the_page_shows_names_as_text(exporter, source):
    (source / "<script>alert(1)</script>.png".replace("/", "∕")).write_bytes(picture(5))
    (source / "' onerror='x.png").write_bytes(picture(6))

    page = render(exporter.export(exporter.folder.pictures())[1], exporter.store).decode()

    assert "<script" not in page
    assert "' onerror" not in page


def test_what_is_too_much_for_a_page_is_linked(exporter, monkeypatch):
    monkeypatch.setattr("image_assets.stages.export_page.MOST_BYTES", 2000)
    _, exported = exporter.export(exporter.folder.pictures())

    page = render(exported, exporter.store).decode()

    assert 0 < page.count("data:image") < 6
    assert page.count("<a href=") == 6
    assert "the rest is linked" in page
