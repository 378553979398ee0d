from pathlib import Path

import pytest

from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.recipes import Blend, Fit
from image_assets.template_specs import FILE, names, template, templates
from image_assets_tests.drawing import picture

MUG = """
image: mug.png
shade: folds.png
areas:
  - {corners: [[10, 10], [90, 12], [88, 60], [12, 58]], fit: cover, blend: multiply, opacity: 0.9}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "mug", MUG)
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    folder = root / name
    folder.mkdir()
    (folder / FILE).write_text(text)
    for file in ("mug.png", "folds.png"):
        (folder / file).write_bytes(picture(1, (100, 70), "PNG"))


def test_a_template_is_a_folder_with_its_picture_and_where_designs_lie(root):
    mug = template(root, "mug")

    (area,) = mug.areas
    assert (mug.name, mug.image, mug.shade) == (
        "mug", str(root / "mug/mug.png"), str(root / "mug/folds.png")
    )  # fmt: skip
    assert area.corners[1] == (90, 12)
    assert (area.fit, area.blend, area.opacity) == (Fit.COVER, Blend.MULTIPLY, 0.9)


def test_all_are_told_by_name_and_some_in_the_order_asked_for(root):
    put(root, "bag", MUG)
    (root / "no template").mkdir()

    assert names(root) == ("bag", "mug")
    assert [one.name for one in templates(root)] == ["bag", "mug"]
    assert [one.name for one in templates(root, ["mug", "bag"])] == ["mug", "bag"]


@pytest.mark.parametrize("name", ["cup", "", "..", "../mug", "mug/x", "/etc"])
def test_one_that_is_not_there_is_answered_with_those_that_are(root, name):
    with pytest.raises(NotFoundError, match="there are mug"):
        template(root, name)


def test_an_empty_folder_says_what_to_put_there(tmp_path):
    with pytest.raises(NotFoundError, match=r"put a folder with a template\.yaml there"):
        template(tmp_path, "mug")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[", "template.yaml"),
        ("{}", "image"),
        (MUG.replace("mug.png", "../mug.png"), "image"),
        (MUG.replace("mug.png", "none.png"), "no none.png beside it"),
        (MUG.replace("[12, 58]", "[95, 11]"), "area 1: its corners"),
        (MUG + "colour: red\n", "colour"),
        ("image: mug.png\nareas: []\n", "areas"),
    ],
)
def test_what_is_no_template_is_refused_with_file_and_reason(root, text, complaint):
    put(root, "bad", text)

    with pytest.raises(PermanentError, match=complaint) as caught:
        template(root, "bad")

    assert str(root / "bad") in str(caught.value)
