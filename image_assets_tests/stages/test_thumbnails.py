import io

import pytest
from PIL import Image

from image_assets.core.errors import UnreadableImageError
from image_assets.core.model import ImageFormat, Rendered
from image_assets.core.render import Recipe
from image_assets.stages.thumbnails import Exporter
from image_assets_tests.drawing import picture
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


def test_a_design_that_cannot_be_rendered_fails_whole_and_alone(designs):
    class LosesWebp:
        """A decoder whose WebP encoder fails for one picture."""

        tries = 0

        def render(self, file, recipe) -> Rendered:
            self.tries += 1
            if self.tries == 2:
                raise UnreadableImageError("encoder_failed", "webp: out of luck")
            return designs.decoder.render(file, recipe)

    exporter = Exporter(
        RECIPE,
        designs.catalog.thumbnails,
        designs.store,
        LosesWebp(),
        workers=1,  # type: ignore[arg-type]
    )

    report = exporter.export(DAY, now=NOW)

    count = designs.catalog.thumbnails.exports_count(DAY, RECIPE)
    assert (report.failed, count.designs, count.whole) == (1, 3, 2)
    assert len(designs.files("exports")) == 6


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
