from PIL import Image

from image_assets.core.model import Partition
from image_assets_tests.drawing import encoded, picture
from image_assets_tests.stages.conftest import DAY, House

NEXT_DAY = Partition("camera", "apm/in_gate", "2025-09-02")


def image_designs(house: House) -> dict[str, str]:
    """The design of every stored picture, by item key."""
    with house.catalog.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT item_key, design_id FROM images")
        return {key: design for key, design in rows}


def frames(*contents: bytes, day: str = "20250901") -> dict[str, bytes]:
    return {f"{day}{hour:02}0000_in_gate.jpg": content for hour, content in enumerate(contents)}


def test_distinct_pictures_are_distinct_designs(house):
    house.collect(frames(picture(1), picture(2)))

    report = house.admit()

    assert (report.counts["designs"], report.counts["aliases"]) == (2, 0)
    assert len(set(image_designs(house).values())) == 2


def test_equal_bytes_are_one_design(house):
    house.collect(frames(picture(1), picture(1)))

    report = house.admit()

    assert (report.counts["designs"], report.counts["aliases"]) == (1, 1)


def test_equal_pixels_in_other_bytes_are_one_design(house):
    image = Image.new("RGB", (40, 30), "teal")
    house.collect(frames(encoded(image, "PNG"), encoded(image, "BMP")))

    report = house.admit()

    assert (report.counts["designs"], report.counts["aliases"]) == (1, 1)


def test_almost_equal_frames_stay_apart_under_the_exact_policy(house):
    image = Image.new("RGB", (40, 30), "teal")
    other = image.copy()
    other.putpixel((3, 3), (0, 128, 129))
    house.collect(frames(encoded(image, "PNG"), encoded(other, "PNG")))

    assert house.admit().counts["designs"] == 2


def test_a_second_run_changes_nothing(house):
    house.collect(frames(picture(1), picture(2)))
    house.admit()
    before = image_designs(house)

    report = house.admit()

    assert report.done == 0
    assert image_designs(house) == before


def test_a_design_of_another_day_is_found_again(house):
    image = Image.new("RGB", (40, 30), "teal")
    house.collect(frames(encoded(image, "PNG")))
    house.admit()
    house.collect(frames(encoded(image, "BMP"), day="20250902"), NEXT_DAY)

    report = house.admit(NEXT_DAY)

    assert (report.counts["designs"], report.counts["aliases"]) == (0, 1)
    assert len(set(image_designs(house).values())) == 1


def test_ids_depend_on_the_pictures_alone(house):
    house.collect(frames(picture(1), picture(2), picture(1)))
    house.admit()
    first = image_designs(house)
    with house.catalog.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE images SET design_id = NULL")
        connection.exec_driver_sql("DELETE FROM designs")

    house.admit()

    assert image_designs(house) == first


def test_a_stored_file_that_broke_fails_alone(house):
    house.collect(frames(picture(1), picture(2)))
    (broken, _) = house.catalog.images.paths(DAY)
    (house.root / "data" / broken).write_bytes(b"rotten")

    report = house.admit()

    assert (report.failed, report.counts["designs"]) == (1, 1)
    assert list(house.catalog.designs.flaws(DAY).undesigned) == ["20250901000000"]


def test_the_invariants_hold_after_all(house):
    house.collect(frames(picture(1), picture(2), picture(1), picture(3)))
    house.admit()

    flaws = house.catalog.designs.flaws(DAY)

    assert (list(flaws.undesigned), list(flaws.unanchored), list(flaws.twins)) == ([], [], [])
