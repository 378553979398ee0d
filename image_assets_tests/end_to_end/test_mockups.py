"""Designs dropped for a shop that has templates: shown on each of them, and on the NAS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from image_assets.core import naming
from image_assets.core.batches import Step, StepState
from image_assets.services.nas.mounted import MARKER
from image_assets.template_specs import FILE
from image_assets_tests.drawing import encoded, picture
from image_assets_tests.end_to_end.dropping import Shop, shop
from image_assets_tests.journey import Run

SOURCE = (
    "sources: [{name: inbox, kind: inbox, policy: near, destinations: [local], nas: true,"
    " mockups: [mug, bag]}]"
)
SPEC = "image: scene.png\nareas: [{corners: [[20, 20], [140, 24], [136, 80], [24, 76]]}]\n"
STAGES = ("images", "designs", "mockups", "nas")


_GROUND = {"mug": "white", "bag": "beige"}


def put_template(root: Path, name: str, spec: str = SPEC) -> None:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(spec)
    (folder / "scene.png").write_bytes(encoded(Image.new("RGB", (160, 100), _GROUND[name]), "PNG"))


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Shop]:
    base = tmp_path / "nas"
    base.mkdir()
    (base / MARKER).touch()
    for name in ("mug", "bag"):
        put_template(tmp_path / "templates", name)
    settings = {
        "NAS_PROTOCOL": "mounted",
        "NAS_BASE_PATH": str(base),
        "MOCKUP_TEMPLATES": str(tmp_path / "templates"),
    }
    with shop(tmp_path / "data", SOURCE, **settings) as acme:
        for n in range(3):
            acme.drop(f"{n}.png", picture(n, format="PNG"))
        acme.drop("again.png", picture(0, format="PNG"))
        acme.drop("notes.txt", b"no picture")
        yield acme


def run(acme: Shop) -> tuple[str, Run]:
    (key,) = acme.tick()
    return key, acme.run(key, *STAGES)


def figures(run: Run, stage: str) -> dict[str, object]:
    (event,) = [
        e for e in run.events if e.is_step_materialization and e.asset_key.path == ["inbox", stage]
    ]
    return {name: v.value for name, v in event.materialization.metadata.items()}


def test_every_design_is_shown_on_every_template_and_on_the_nas(acme, tmp_path):
    key, done = run(acme)

    assert done.success
    shown = figures(done, "mockups")
    assert (shown["mockups"], shown["made"]) == (6, 6)
    files = sorted((tmp_path / "data/mockups").rglob("*.jpg"))
    assert len(files) == 6
    with Image.open(files[0]) as image:
        assert image.size == (160, 100)
        assert image.convert("L").getextrema()[0] < 150  # something is on it
    on_nas = sorted(
        str(f.relative_to(tmp_path / "nas/acme")) for f in (tmp_path / "nas/acme").rglob("*.jpg")
    )
    assert [name.split("_")[0] for name in on_nas] == [
        f"mockups/{template}/{n}" for template in ("bag", "mug") for n in range(3)
    ]
    batch = acme.catalog.batches.progress(naming.batch_of("inbox", key))
    step = next(step for step in batch.steps if step.step is Step.MOCKUPS)
    assert (step.state, step.share, step.items_done) == (StepState.DONE, 1.0, 4)


def test_run_again_nothing_is_made_and_mockups_are_no_designs_of_the_nas(acme, tmp_path):
    key, _ = run(acme)
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "nas").rglob("*") if f.is_file()}

    again = acme.run(key, *STAGES)

    assert again.success
    assert figures(again, "mockups")["made"] == 0
    after = {f: f.stat().st_mtime_ns for f in (tmp_path / "nas").rglob("*") if f.is_file()}
    assert after == before
    assert not any("/mockups/" in path for path in acme.catalog.nas.indexed("acme", "acme"))


def test_a_template_that_does_not_fit_fails_its_mockups_alone_and_they_come_when_it_does(
    acme, tmp_path
):
    beside = SPEC.replace("[20, 20], [140, 24], [136, 80], [24, 76]",
                          "[920, 20], [940, 24], [936, 80], [924, 76]")  # fmt: skip
    put_template(tmp_path / "templates", "bag", beside)

    key, failed = run(acme)
    made = len(acme.catalog.mockups.made(naming.batch_of("inbox", key), ["mug", "bag"]))
    put_template(tmp_path / "templates", "bag")
    mended = acme.run(key, "mockups", "nas")

    assert (failed.success, made, mended.success) == (False, 3, True)
    assert "area 1: its corners are all beside the picture" in "".join(
        failed.failed_steps().values()
    )
    assert figures(mended, "mockups")["mockups"] == 6


def test_a_template_that_is_not_there_says_what_to_do(acme, tmp_path):
    for file in (tmp_path / "templates/mug").iterdir():
        file.unlink()

    _, failed = run(acme)

    assert not failed.success
    assert "no template 'mug'" in "".join(failed.failed_steps().values())
