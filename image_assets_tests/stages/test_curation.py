"""People's decisions on pictures that are really drawn, found alike and decoded."""

import pytest
from PIL import Image, ImageDraw

from image_assets.core.errors import RejectedError
from image_assets.core.model import Partition, Policy
from image_assets.ports import By, DesignPicture
from image_assets.stages.curation import Curator
from image_assets_tests.drawing import encoded
from image_assets_tests.stages.conftest import DAY, NOW, House

ANN = By("Ann", NOW)
NEXT_DAY = Partition("camera", "apm/in_gate", "2025-09-02")


def artwork(seed: int, side: int = 400) -> Image.Image:
    """A drawing with enough in it to be alike or not."""
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    for number in range(40):
        x, y = (number * 97 * seed) % 360, (number * 61 * (seed + 3)) % 360
        colour = (number * 37 % 256, number * seed * 11 % 256, number * 53 % 256)
        draw.ellipse((x, y, x + 20 + number, y + 15 + number), fill=colour)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def drop(house: House, *pictures: bytes, partition: Partition = DAY) -> None:
    day = partition.key.replace("-", "")
    named = {f"{day}{hour:02}0000_in_gate.jpg": body for hour, body in enumerate(pictures)}
    house.collect(named, partition)
    house.admit(partition, Policy.NEAR)


@pytest.fixture
def curator(house: House) -> Curator:
    return Curator(house.catalog.gallery, house.catalog.verdicts, house.store, house.decoder)


def ids(curator: Curator) -> list[str]:
    return [design.id for design in curator.gallery.listed("default")]


def pictures(curator: Curator, design: str) -> tuple[DesignPicture, ...]:
    return curator.gallery.shown("default", design).pictures


def test_the_largest_picture_shows_the_design_and_says_why(house, curator):
    drop(house, encoded(artwork(1, 200), "PNG"), encoded(artwork(1, 400), "PNG"))
    [design] = ids(curator)

    report = curator.keep_best([design])

    assert report.counts == {"chosen": 1}
    view = curator.gallery.shown("default", design)
    assert view.display_reason == "400x400; the next has 200x200"
    assert [p.displayed for p in view.pictures] == [False, True]
    assert curator.keep_best([design]).counts == {"unchanged": 1}


def test_an_enlargement_does_not_show_the_design(house, curator):
    small = artwork(1, 100)
    blown_up = small.resize((1600, 1600), Image.Resampling.BICUBIC)
    sharp = encoded(artwork(1, 800), "PNG")
    drop(house, sharp, encoded(blown_up, "PNG"))
    designs = ids(curator)
    if len(designs) > 1:  # the policy may keep them apart
        curator.same(designs[0], designs[1:], ANN)
    [design] = ids(curator)

    curator.keep_best([design])

    view = curator.gallery.shown("default", design)
    assert [p.width for p in view.pictures if p.displayed] == [800]
    assert view.display_reason == "sharper than 1600x1600, which shows less detail"


def test_what_a_person_parted_stays_apart_when_it_is_dropped_again(house, curator):
    """The verdict is on pixels: other bytes of them obey it, for ever."""
    drop(house, encoded(artwork(1), "PNG"), encoded(artwork(1, 396), "PNG"))
    [design] = ids(curator)
    anchor, alias = pictures(curator, design)

    curator.different(f"image:{anchor.image_id}", f"image:{alias.image_id}", ANN)
    drop(house, encoded(artwork(1, 396), "BMP"), partition=NEXT_DAY)

    own = next(id for id in ids(curator) if id != design)
    assert len(ids(curator)) == 2
    assert (len(pictures(curator, design)), len(pictures(curator, own))) == (1, 2)


def test_what_looks_like_a_merged_design_is_of_the_one_it_was_merged_into(house, curator):
    drop(house, encoded(artwork(1), "PNG"), encoded(artwork(5), "PNG"))
    first, second = ids(curator)

    curator.same(first, [second], ANN)
    drop(
        house,
        encoded(artwork(1, 380), "PNG"),
        encoded(artwork(5, 380), "PNG"),
        partition=NEXT_DAY,
    )

    assert ids(curator) == [first]
    assert len(pictures(curator, first)) == 4


def test_what_a_person_called_the_same_is_one_design_again_from_nothing(house, curator):
    drop(house, encoded(artwork(1), "PNG"), encoded(artwork(5), "PNG"))
    first, second = ids(curator)
    curator.same(first, [second], ANN)
    with house.catalog.engine.begin() as connection:
        for forget in (
            "UPDATE images SET design_id = NULL",
            "DELETE FROM codes",
            "DELETE FROM bands",
            "DELETE FROM spaces",
            "DELETE FROM designs",
        ):
            connection.exec_driver_sql(forget)

    house.admit(DAY, Policy.NEAR)

    assert len(ids(curator)) == 1


def test_a_split_is_looked_at_and_undone_whole(house, curator):
    drop(house, encoded(artwork(1), "PNG"), encoded(artwork(1, 396), "PNG"))
    [design] = ids(curator)
    alias = pictures(curator, design)[1]

    decided = curator.split([f"image:{alias.image_id}"], ANN)
    apart = ids(curator)
    curator.undo(decided.decision_id, ANN)

    assert len(apart) == 2
    assert ids(curator) == [design]
    assert len(pictures(curator, design)) == 2


def test_a_contradiction_changes_nothing(house, curator):
    drop(house, *(encoded(artwork(seed), "PNG") for seed in (1, 5, 9)))
    one, two, three = ids(curator)
    curator.same(one, [two], ANN)
    curator.different(two, three, ANN)

    with pytest.raises(RejectedError, match=r"contradicts.*Ann"):
        curator.same(one, [three], ANN)

    assert ids(curator) == [one, three]
