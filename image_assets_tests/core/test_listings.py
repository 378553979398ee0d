"""Texts of listings from a template."""

from decimal import Decimal
from typing import Any

import pytest

from image_assets.core.listings import ListingTemplate, WhoMade, spoken

GIVEN: dict[str, Any] = {
    "title": "{name} - Art Print",
    "description": "A print of {name} by {shop}.\nNumber {design}.",
    "price": Decimal("18.50"),
    "quantity": 5,
    "who_made": WhoMade.I_DID,
    "when_made": "made_to_order",
    "taxonomy_id": 1027,
    "shipping_profile_id": 77,
    "tags": ("print", "{name}", "{shop}"),
}


def template(**changes: Any) -> ListingTemplate:
    return ListingTemplate(**(GIVEN | changes))


def test_a_listing_is_filled_from_the_design():
    text = template().text("d1", "red_kite-2.png", "acme")

    assert text.sku == "d1"
    assert text.title == "red kite 2 - Art Print"
    assert text.description == "A print of red kite 2 by acme.\nNumber d1."
    assert text.tags == ("print", "red kite 2", "acme")
    assert text.price == Decimal("18.50")


def test_a_long_name_is_cut_at_a_word_and_the_rest_of_the_title_stays():
    text = template().text("d1", "a quite long name " * 20 + ".png", "acme")

    assert len(text.title) <= 140
    assert text.title.startswith("a quite long name")
    assert text.title.endswith(" - Art Print")


def test_a_title_holds_only_what_titles_may():
    text = template().text("d1", "50% & 60% $ \N{GRINNING FACE}.png", "acme")

    assert text.title == "50% & 60 - Art Print"


def test_a_tag_that_a_name_made_too_long_is_left_out():
    assert template().text("d1", "n" * 21 + ".png", "acme").tags == ("print", "acme")


def test_tags_that_become_alike_are_one():
    assert template().text("d1", "Print.png", "acme").tags == ("Print", "acme")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": "t" * 141}, "141 characters; at most 140"),
        ({"title": " "}, "the title is empty"),
        ({"description": ""}, "the description is empty"),
        ({"title": "{desing}"}, r"names {desing}; there are {design}, {name}, {shop}"),
        ({"title": "{name.__class__}"}, "there are {design}"),
        ({"title": "{name!r}"}, "there are {design}"),
        ({"title": "{name:>2000000000}"}, "there are {design}"),
        ({"title": "{}"}, "there are {design}"),
        ({"title": "10% & 20% off {name}"}, "twice"),
        ({"tags": ("t",) * 14}, "14 tags; at most 13"),
        ({"tags": ("t" * 21,)}, "more than 20 characters"),
        ({"tags": ("a/b",)}, "letters, digits"),
        ({"price": Decimal("0.19")}, "between 0.20"),
        ({"price": Decimal("1.999")}, "between 0.20"),
        ({"price": Decimal("NaN")}, "between 0.20"),
        ({"quantity": 0}, "between 1 and 999"),
        ({"shipping_profile_id": None}, "shipping_profile_id"),
    ],
)
def test_what_no_listing_can_say_is_refused_when_it_is_read(changes, words):
    with pytest.raises(ValueError, match=words):
        template(**changes)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("acme/red_kite-2.png", "red kite 2"),
        ("...", "design"),
        ("\N{GRINNING FACE}.png", "design"),
        ("Größe.PNG", "Größe"),
    ],
)
def test_names_are_spoken(file, name):
    assert spoken(file) == name
