import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

import pytest
from PIL import Image

from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat, Publishes, Rendered
from image_assets.core.presets import responsive
from image_assets.core.recipes import Recipe
from image_assets.ports import ExportsCount
from image_assets.stages.thumbnails import Exporter
from image_assets_tests.drawing import encoded, picture
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House


@pytest.fixture
def designs(house: House) -> House:
    house.collect({f"2025090110{n:02}00_in_gate.jpg": picture(n) for n in range(3)})
    house.admit()
    return house


def test_every_design_appears_in_every_format_and_size(designs):
    report = designs.export()

    found = []
    for key in designs.files("exports"):
        with Image.open(designs.root / "data" / key) as image:
            found.append((image.format or "", image.size))
    assert report.counts == {"exported": 3}
    assert sorted(found) == sorted((f, (64, 36)) for f in ("PNG", "JPEG", "WEBP") * 3)


def test_a_second_run_writes_nothing(designs):
    designs.export()
    before = {f: (designs.root / "data" / f).stat().st_mtime_ns for f in designs.files("exports")}

    report = designs.export()

    after = {f: (designs.root / "data" / f).stat().st_mtime_ns for f in designs.files("exports")}
    assert (report.done, report.bytes, after) == (0, 0, before)


def test_another_recipe_makes_its_own_exports(designs):
    designs.export()

    report = designs.export(recipe=Recipe("tiny", width=32, height=18))

    assert report.counts == {"exported": 3}
    assert len(designs.files("exports")) == 18


def test_all_recipes_of_a_design_are_made_in_one_request(designs):
    class Counts:
        """A decoder that counts its requests."""

        asked: ClassVar[list[list[str]]] = []

        def render_all(self, file, recipes, base=None):
            self.asked.append([recipe.name for recipe in recipes])
            return designs.decoder.render_all(file, recipes, base)

    recipes = [RECIPE, *responsive(Recipe("wide"), (32, 48, 96))]
    exporter = Exporter(recipes, designs.catalog.thumbnails, designs.store, Counts(), workers=1)  # type: ignore[arg-type]

    first, second = (exporter.export(DAY, now=NOW) for _ in range(2))

    assert (first.counts, second.counts) == ({"exported": 3}, {})
    assert Counts.asked == [["small", "wide-32w", "wide-48w", "wide-96w"]] * 3
    assert len(designs.files("exports")) == 3 * 4 * 3


def test_a_recipe_that_is_added_later_is_all_that_is_made(designs):
    designs.export()

    report = designs.export(recipe=replace(RECIPE, formats=(*RECIPE.formats, ImageFormat.GIF)))

    assert report.counts == {"exported": 3}
    assert sum(key.endswith(".gif") for key in designs.files("exports")) == 3
    assert len(designs.files("exports")) == 12


class LosesWebp:
    """A decoder whose WebP encoder fails for the second picture, or is done without for all."""

    def __init__(self, decoder, *, partial: bool = False) -> None:
        self.decoder, self.partial, self.tries = decoder, partial, 0

    def render_all(self, file, recipes, base=None) -> list[Rendered]:
        self.tries += 1
        if self.tries == 2 and not self.partial:
            raise PermanentError("webp: out of luck")
        return [self._without(one) for one in self.decoder.render_all(file, recipes, base)]

    def _without(self, rendered: Rendered) -> Rendered:
        if not self.partial:
            return rendered
        files = {f: content for f, content in rendered.files.items() if f is not ImageFormat.WEBP}
        return replace(rendered, files=files, lacking={"webp": "webp: out of luck"})


def test_a_design_that_cannot_be_rendered_fails_whole_and_alone(designs):
    decoder = LosesWebp(designs.decoder)
    exporter = Exporter([RECIPE], designs.catalog.thumbnails, designs.store, decoder, workers=1)  # type: ignore[arg-type]

    report = exporter.export(DAY, now=NOW)

    count = designs.catalog.thumbnails.exports_count(DAY, RECIPE)
    assert (report.failed, count.designs, count.whole) == (1, 3, 2)
    assert len(designs.files("exports")) == 6


def test_a_partial_set_is_recorded_shown_and_not_tried_again(designs):
    decoder = LosesWebp(designs.decoder, partial=True)
    recipe = replace(RECIPE, allow_partial_set=True)
    exporter = Exporter([recipe], designs.catalog.thumbnails, designs.store, decoder, workers=1)  # type: ignore[arg-type]

    reports = [exporter.export(DAY, now=NOW).counts for _ in range(2)]

    count = designs.catalog.thumbnails.exports_count(DAY, recipe)
    assert (reports, decoder.tries) == ([{"partial": 3}, {}], 3)
    assert count == ExportsCount(3, 0, 3, {ImageFormat.WEBP: "webp: out of luck"})
    assert len(designs.files("exports")) == 6


@pytest.mark.parametrize("killed_after", [0, 1, 2])
def test_a_run_that_was_cut_off_leaves_nothing_half(designs, killed_after):
    class Dies:
        """A store whose process dies when so many files of a set are in their places."""

        def __init__(self) -> None:
            self.left = killed_after

        def __getattr__(self, name):
            return getattr(designs.store, name)

        def put(self, file, key):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            return designs.store.put(file, key)

    exporter = Exporter([RECIPE], designs.catalog.thumbnails, Dies(), designs.decoder, workers=1)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        exporter.export(DAY, now=NOW)
    half = designs.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)

    report = designs.export()

    whole = designs.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)
    assert (half, report.counts, len(whole)) == ((), {"exported": 3}, 9)
    assert {content.path for content in whole} == set(designs.files("exports"))
    assert all(designs.store.sha256(c.path) == c.sha256 for c in whole)


def test_other_bytes_left_at_a_path_are_replaced(designs):
    class Dies:
        """A store whose process dies with bytes of another encoder in their place."""

        def __getattr__(self, name):
            return getattr(designs.store, name)

        def put(self, file, key):
            designs.store.put_bytes(b"of another encoder", key)
            raise KeyboardInterrupt

    exporter = Exporter([RECIPE], designs.catalog.thumbnails, Dies(), designs.decoder, workers=1)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        exporter.export(DAY, now=NOW)

    designs.export()

    whole = designs.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)
    assert [designs.store.sha256(c.path) for c in whole] == [c.sha256 for c in whole]


def test_two_at_once_make_each_set_once(designs):
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: designs.export(), range(2)))

    whole = designs.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)
    assert sum(report.bytes for report in reports) == sum(content.size for content in whole)
    assert {content.path for content in whole} == set(designs.files("exports"))
    assert not designs.files("tmp")


def test_equal_files_of_two_designs_lie_once(house):
    plain = {n: Image.new("RGB", (40 * n, 30 * n), "olive") for n in (1, 10)}
    house.collect({f"20250901100{n:03}_in_gate.png": encoded(plain[n], "PNG") for n in plain})
    house.admit()

    house.export()

    count = house.catalog.thumbnails.exports_count(DAY, RECIPE)
    assert (count.designs, count.whole) == (2, 2)
    assert set(house.files("exports")) == {
        c.path for c in house.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)
    }


def test_what_failed_is_exported_by_the_next_run(designs):
    path = designs.catalog.images.paths(DAY)[0]
    file = designs.root / "data" / path
    content = file.read_bytes()
    file.write_bytes(b"rotten")
    assert designs.export().failed == 1
    file.write_bytes(content)

    report = designs.export()

    assert (report.counts, report.failed) == ({"exported": 1}, 0)


def test_exports_carry_no_metadata(house):
    image = Image.new("RGB", (200, 100), "olive")
    exif = Image.Exif()
    exif[0x010F] = "Canary Cameras"
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, comment=b"canary comment")
    house.collect({"20250901100000_in_gate.jpg": file.getvalue()})
    house.admit()

    house.export()

    exports = [(house.root / "data" / f).read_bytes() for f in house.files("exports")]
    assert len(exports) == 3
    assert not any(b"anary" in content for content in exports)


def test_the_recorded_encoder_says_who_made_it(designs):
    designs.export()

    with designs.catalog.engine.connect() as connection:
        encoders = (
            connection.exec_driver_sql("SELECT DISTINCT encoder FROM exports").scalars().all()
        )
    assert all("Pillow" in encoder for encoder in encoders)
    assert {ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP} == set(RECIPE.formats)
