"""What a sources file may say of a camera site, and what it is told when it says something else."""

import pytest
import yaml

from image_assets.core.errors import PermanentError
from image_assets.sources import SourceSpec, load_sources

SITE = {
    "roots": {"web": "https://harbor.example"},
    "picture": "{web}/full/{terminal}/%Y%m%d/{stream}_%H%M%S.jpg",
    "time_zone": "America/New_York",
}
PAGE = {
    "kind": "page",
    "url": "{web}/archive/{terminal}/{stream}/%Y/%m/%d",
    "heading": {"select": "h1", "format": "%A, %B %-d, %Y"},
}
HARBOR = {
    "name": "harbor",
    "kind": "site",
    "collections": ["pier/north"],
    "start": "2025-09-01",
    "site": SITE,
    "listing": PAGE,
}
DRAYDOG = {"name": "camera", "kind": "draydog", "collections": ["apm/x"], "start": "2025-09-01"}


def load(tmp_path, **source) -> SourceSpec:
    file = tmp_path / "sources.yaml"
    file.write_text(yaml.safe_dump({"sources": [source]}))
    return load_sources(file)[0]


def test_a_site_is_described_by_the_file_alone(tmp_path):
    spec = load(tmp_path, **HARBOR)

    assert spec.site.time_zone.key == "America/New_York"
    assert spec.listing.url == PAGE["url"]


def test_a_listing_without_options_is_its_name(tmp_path):
    assert load(tmp_path, **DRAYDOG, listing="browser") == load(
        tmp_path, **DRAYDOG, listing={"kind": "browser"}
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"site": None}, "a site needs its `site` and its `listing`"),
        ({"listing": None}, "a site needs its `site` and its `listing`"),
        ({"kind": "draydog"}, "only a source of kind `site` has a `site`"),
        ({"kind": "folder", "root": "x", "site": None}, "a folder lists itself"),
        ({"listing": {"kind": "guess"}}, "does not match any of the expected tags"),
        ({"listing": {**PAGE, "cadence": 10}}, "Extra inputs are not permitted"),
        ({"listing": {**PAGE, "url": "{web}/archive/{stream}"}}, "does not tell the day"),
        ({"listing": {**PAGE, "url": "{cdn}/%Y-%m-%d"}}, "does not begin with one of the site's"),
        ({"listing": {**PAGE, "heading": {"select": "h1", "format": "%B"}}}, "not tell the day"),
        ({"listing": {**PAGE, "days": "Moon/Base"}}, "is no time zone"),
        ({"listing": "browser"}, "does not begin with one of the site's roots"),
        ({"absent_statuses": [401]}, "absent_statuses"),
        ({"absent_statuses": [503]}, "absent_statuses"),
    ],
)
def test_a_source_that_cannot_be_a_site_is_refused(tmp_path, change, complaint):
    with pytest.raises(PermanentError, match=complaint):
        load(tmp_path, **{**HARBOR, **change})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"picture": "{web}/%Y%m%d.jpg"}, "does not tell the second"),
        ({"picture": "https://elsewhere.example/%s.jpg"}, "does not begin with one of the site's"),
        ({"picture": "{web}/%Q"}, "no field of a time"),
        ({"picture": "{web}/{camera}/%s"}, "is not known here"),
        ({"thumbnail": "{cdn}/%s.jpg"}, "does not begin with one of the site's roots"),
        ({"timestamps": "%H:%M"}, "do not tell the second"),
        ({"time_zone": "EDT/EST"}, "is no time zone"),
        ({"time_zone": "../../etc/passwd"}, "is no time zone"),
        ({"roots": {"web": "ftp://harbor.example"}}, "pattern"),
        ({"roots": {"web": "https://user:key@harbor.example"}}, "pattern"),
        ({"roots": {**SITE["roots"], "stream": "https://x.example"}}, "no root may be called"),
    ],
)
def test_a_site_that_cannot_be_is_refused(tmp_path, change, complaint):
    with pytest.raises(PermanentError, match=complaint):
        load(tmp_path, **{**HARBOR, "site": {**SITE, **change}})


def test_a_listing_of_dray_dog_is_checked_as_well(tmp_path):
    with pytest.raises(PermanentError, match="does not begin with one of the site's roots"):
        load(tmp_path, **DRAYDOG, listing={**PAGE})
