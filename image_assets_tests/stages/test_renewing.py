from dataclasses import replace

import pytest

from image_assets.core.encoding import encoder_version
from image_assets.core.model import ImageFormat, Publishes
from image_assets.core.recipes import Recipe
from image_assets.ports import LiveExport, Origin, Renewable
from image_assets.stages.renewing import Reason, Renewer, counted, due
from image_assets_tests.drawing import picture
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House

PICTURE = Origin("a" * 64, "images/a.jpg")
BETTER = replace(RECIPE, jpeg_quality=95)


def live(format: ImageFormat, **made: object) -> LiveExport:
    usual = LiveExport(RECIPE.name, format, "now", RECIPE.digest_of(format), PICTURE.sha256)
    return replace(usual, **made)


def reasons(*exports: LiveExport, recipe: Recipe = RECIPE, encoder: str = "now") -> dict[str, int]:
    found = due([Renewable("d", PICTURE, exports)], [recipe], encoder)
    return {str(reason): n for reason, n in counted(list(found)).items() if n}


def renewer(house: House, recipe: Recipe, encoder: str | None = None) -> Renewer:
    return Renewer(
        [recipe],
        house.catalog.rebuilding,
        house.store,
        house.decoder,
        encoder or encoder_version(),
    )


@pytest.fixture
def exported(house: House) -> House:
    house.collect({"20250901100000_in_gate.jpg": picture(1)})
    house.admit()
    house.export()
    return house


def paths(house: House) -> list[str]:
    live = house.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)
    return sorted(content.path for content in live)


def test_what_would_be_made_the_same_is_not_due():
    assert reasons(live(ImageFormat.PNG), live(ImageFormat.JPEG)) == {}


def test_each_reason_is_told():
    assert reasons(live(ImageFormat.JPEG), recipe=BETTER) == {"recipe": 1}
    assert reasons(live(ImageFormat.PNG), recipe=BETTER) == {}
    assert reasons(live(ImageFormat.PNG, encoder="then")) == {"encoder": 1}
    assert reasons(live(ImageFormat.PNG, source_sha256="b" * 64)) == {"picture": 1}


@pytest.mark.parametrize(
    ("format", "found"),
    [(ImageFormat.WEBP, {"encoder": 1}), (ImageFormat.PNG, {}), (ImageFormat.JPEG, {})],
)
def test_another_formats_codec_is_no_reason(format, found):
    then, now = "Pillow 12.1.0, libwebp 1.5.0", "Pillow 12.1.0, libwebp 1.6.0"

    assert reasons(live(format, encoder=then), encoder=now) == found


def test_what_has_a_part_in_every_format_is_a_reason_for_all():
    then, now = "Pillow 12.1.0, libwebp 1.6.0", "Pillow 12.2.0, libwebp 1.6.0"

    assert reasons(live(ImageFormat.PNG, encoder=then), encoder=now) == {"encoder": 1}


def test_what_was_not_recorded_then_is_no_reason():
    assert reasons(live(ImageFormat.PNG, digest=None, source_sha256=None)) == {}


def test_a_recipe_that_nobody_makes_any_more_leaves_its_exports_alone():
    assert reasons(live(ImageFormat.PNG, encoder="then"), recipe=replace(RECIPE, name="x")) == {}


def test_only_the_files_that_are_due_are_made():
    exports = live(ImageFormat.PNG), live(ImageFormat.JPEG, encoder="then")

    [design] = due([Renewable("d", PICTURE, exports)], [RECIPE], "now")

    assert [part.formats for part in design.parts] == [(ImageFormat.JPEG,)]


def test_what_failed_with_another_encoder_is_tried_again():
    lacking = ((RECIPE.name, ImageFormat.WEBP, "then"), (RECIPE.name, ImageFormat.PNG, "now"))

    [design] = due([Renewable("d", PICTURE, (), lacking)], [RECIPE], "now")

    assert design.reasons == {Reason.LACKING: 1}
    assert [part.formats for part in design.parts] == [(ImageFormat.WEBP,)]


def test_only_the_reasons_that_were_asked_for_count():
    exports = live(ImageFormat.JPEG, encoder="then"), live(ImageFormat.PNG, encoder="then")

    [design] = due([Renewable("d", PICTURE, exports)], [BETTER], "now", why=[Reason.RECIPE])

    assert design.reasons == {Reason.RECIPE: 1}


def test_bases_are_kept_apart():
    one, other = Origin("b" * 64, "b.png"), Origin("c" * 64, "c.png")
    exports = (
        live(ImageFormat.PNG, encoder="then", base=one),
        live(ImageFormat.PNG, encoder="then", recipe="second", base=other),
    )

    found = list(
        due([Renewable("d", PICTURE, exports)], [RECIPE, replace(RECIPE, name="second")], "now")
    )

    assert [(f.base, [p.name for p in f.parts]) for f in found] == [
        (one, ["small"]), (other, ["second"]),
    ]  # fmt: skip
    assert counted(found)[Reason.ENCODER] == 2


def test_a_changed_recipe_makes_new_files_and_the_old_ones_stay(exported):
    before = paths(exported)
    stage = renewer(exported, BETTER)

    report = stage.renew(stage.outdated(DAY), now=NOW)

    after = paths(exported)
    assert report.counts == {"rebuilt": 1}
    assert [path.rpartition(".")[2] for path in set(after) - set(before)] == ["jpg"]
    assert set(before) | set(after) == set(exported.files("exports"))
    assert stage.outdated(DAY) == ()


def test_another_encoder_that_makes_the_same_only_leaves_its_name(exported):
    before = {key: exported.store.sha256(key) for key in exported.files("exports")}
    with exported.catalog.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE exports SET encoder = 'an older one'")
    stage = renewer(exported, RECIPE)

    report = stage.renew(stage.outdated(DAY), now=NOW)

    assert (report.counts, report.bytes) == ({"the_same": 1}, 0)
    assert {key: exported.store.sha256(key) for key in exported.files("exports")} == before
    assert stage.outdated(DAY) == ()


def test_nothing_is_rebuilt_unless_told(exported):
    before = exported.files("exports")

    report = exported.export(recipe=BETTER)

    assert (report.counts, exported.files("exports")) == ({}, before)
