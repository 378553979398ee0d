"""What the sources file may say of listings at Etsy."""

from decimal import Decimal
from pathlib import Path

import pytest

from image_assets.core.errors import PermanentError
from image_assets.settings import isolated
from image_assets.sources import SourceSpec, load_sources
from image_assets_tests.etsying import ENTRY, SHOPS

INBOX = "  - name: {}\n    kind: inbox\n"


def sources(tmp_path: Path, text: str) -> tuple[SourceSpec, ...]:
    file = tmp_path / "sources.yaml"
    file.write_text(f"sources:\n{text}")
    return load_sources(file)


def test_shops_texts_and_prices_are_read(tmp_path):
    (source,) = sources(tmp_path, INBOX.format("inbox") + ENTRY)

    assert source.etsy is not None
    assert source.etsy.numbers == SHOPS
    assert source.etsy.template.price == Decimal("18.5")
    assert hash(source) == hash(source.model_copy())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("22222222", "11111111", "two shops have one number"),
        ("globex", "../x", "is no shop"),
        ("{acme: 11111111, globex: 22222222}", "{}", "at least 1 item"),
        ("{name} - Art", "{nam} - Art", "names {nam}"),
        ("18.50", "0.10", "between 0.20"),
        ("shipping_profile_id: 77", "materials: [paper]", "shipping_profile_id"),
        ("quantity: 5", "state: active", "Extra inputs"),
        ("kind: inbox", "kind: generated", "only an inbox has etsy"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_read(tmp_path, old, new, words):
    text = (INBOX.format("inbox") + ENTRY).replace(old, new)

    with pytest.raises(PermanentError, match=words):
        sources(tmp_path, text)


def test_two_sources_may_share_a_shop_but_not_under_two_folders(tmp_path):
    both = INBOX.format("one") + ENTRY + INBOX.format("two") + ENTRY

    assert len(sources(tmp_path, both)) == 2
    with pytest.raises(PermanentError, match="acme and other have one Etsy shop"):
        sources(tmp_path, "{other:".join(both.rsplit("{acme:", 1)))


def test_years_are_settings_and_one_that_is_none_of_them_is_told(tmp_path):
    (source,) = sources(tmp_path, INBOX.format("inbox") + ENTRY + "      when_made: 2020_2027\n")
    assert source.etsy is not None

    with pytest.raises(PermanentError, match="ETSY_WHEN_MADE"):
        isolated({}).listing_template(source.etsy)
    known = isolated({"ETSY_WHEN_MADE": ["2020_2027"]}).listing_template(source.etsy)

    assert known.when_made == "2020_2027"
