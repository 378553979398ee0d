"""`image-assets calibrate` and `refingerprint`."""

import pytest
import sqlalchemy as sa

from image_assets import compose
from image_assets.core.model import Partition, Policy, Scope
from image_assets.services.catalog.schema import designs
from image_assets.settings import load
from image_assets.stages.designs import Admitter
from image_assets_tests.drawing import picture
from image_assets_tests.stages.conftest import NOW

DAY = Partition("camera", "apm/in_gate", "2025-09-01")


@pytest.fixture
def library(shell):
    """Four pictures of two drawings, merged by likeness."""
    shell.export(IMAGE_ASSETS_DECODE_WORKERS="1")
    (shell.folder / "old").mkdir()
    for number in range(4):
        form = "PNG" if number < 2 else "JPEG"
        name = f"20250901T10000{number}_in_gate.{form.lower()}"
        (shell.folder / "old" / name).write_bytes(picture(number % 2, (320, 180), form))
    shell.run("organize", "old", "data")
    settings = load()
    with compose.catalog(settings) as catalog, compose.decoder(settings) as decoder:
        scope = Scope("camera", Policy.NEAR)
        Admitter(scope, catalog.designs, compose.store(settings), decoder).admit(DAY, now=NOW)
    return shell


def test_the_page_of_a_calibration_is_kept_among_the_reports(library):
    result = library.run("calibrate", "--source", "camera", "--policy", "near")

    page = library.folder / "data/reports/calibration-camera-default.html"
    assert (result.exit_code, result.stdout.strip()) == (0, str(page))
    assert "2 designs, 2 pictures merged into one" in " ".join(result.stderr.split())
    assert page.read_text().count("data:image/jpeg") == 2


def test_the_page_goes_where_it_is_told(library):
    output = library.folder / "pages/near.html"

    library.run("calibrate", "--source", "camera", "--policy", "near", "--output", str(output))

    assert output.read_text().startswith("<!doctype html>")


def test_a_policy_without_limits_is_refused_in_a_line(library):
    result = library.run("calibrate", "--source", "camera")

    assert result.exit_code == 1
    assert "try --policy near" in " ".join(result.output.split())


def test_refingerprint_renews_what_is_of_an_older_version(library):
    with compose.catalog(load()) as catalog, catalog.engine.begin() as connection:
        connection.execute(sa.update(designs).values(version="1"))

    first, again = library.run("refingerprint"), library.run("refingerprint")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "2 renewed" in first.stderr
    assert "nothing" in again.stderr
