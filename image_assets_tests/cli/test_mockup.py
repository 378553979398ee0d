"""`image-assets mockup`."""

import pytest
from PIL import Image

from image_assets_tests.drawing import encoded, picture

AREAS = "areas: [{corners: [[10, 10], [90, 12], [88, 60], [12, 58]]}]\n"


@pytest.fixture
def design(shell):
    folder = shell.folder / "data/templates/mug"
    folder.mkdir(parents=True)
    (folder / "template.yaml").write_text("image: mug.png\n" + AREAS)
    (folder / "mug.png").write_bytes(picture(1, (100, 70), "PNG"))
    file = shell.folder / "design.png"
    file.write_bytes(encoded(Image.new("RGB", (300, 300), "red"), "PNG"))
    return file


def test_a_design_is_shown_on_a_template(shell, design):
    result = shell.run("mockup", "preview", str(design), "--template", "mug")

    made = design.with_name("design-mug.jpg")
    assert result.exit_code == 0, result.stderr
    assert "100x70" in result.stdout
    with Image.open(made) as image:
        red, green, blue = image.convert("RGB").getpixel((50, 35))
    assert red > 240
    assert max(green, blue) < 20


def test_a_file_that_is_there_stays_unless_told(shell, design):
    there = shell.folder / "mug.jpg"
    there.write_bytes(b"mine")
    asked = ["mockup", "preview", str(design), "--template", "mug", "--output", str(there)]

    refused = shell.run(*asked)
    kept = there.read_bytes()
    forced = shell.run(*asked, "--force")

    assert (refused.exit_code, kept) == (1, b"mine")
    assert "is there already" in refused.stderr
    assert (forced.exit_code, there.read_bytes()[:2]) == (0, b"\xff\xd8")


def test_templates_are_listed(shell, design):
    result = shell.run("mockup", "list")

    assert "mug" in result.stdout
    assert "mug.png" in result.stdout


def test_without_templates_it_says_where_they_belong(shell):
    assert "docs/mockups.md" in shell.run("mockup", "list").stderr


@pytest.mark.parametrize(
    ("template", "complaint"),
    [("cup", "there are mug"), ("../mug", "there are mug")],
)
def test_a_template_that_is_not_there_is_told_with_those_that_are(
    shell, design, template, complaint
):
    result = shell.run("mockup", "preview", str(design), "--template", template)

    assert (result.exit_code, result.stdout) == (1, "")
    assert complaint in result.stderr


def test_a_design_that_is_no_picture_is_refused(shell, design):
    design.write_text("nothing to look at")

    result = shell.run("mockup", "preview", str(design), "--template", "mug")

    assert result.exit_code == 1
    assert not design.with_name("design-mug.jpg").exists()
