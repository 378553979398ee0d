import sqlalchemy as sa

from image_assets.core.model import Content, ImageFormat
from image_assets.ports import KnownFile, Stamp
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import uploads
from image_assets_tests.services.catalog.samples import NOW, add_tenant, column, sha256

STAMP = Stamp(1000, 1_700_000_000_123_456_789, 1_700_000_000_987_654_321, 2**63 - 1)
PICTURE = KnownFile(STAMP, sha256("truck"), ImageFormat.PNG, exif={"Make": "Nikon"})
NONE = KnownFile(STAMP, sha256("text"), None, "not a picture: \udcff\0")


def test_what_is_remembered_is_known_by_address(catalog: Catalog) -> None:
    files = {"file:///a/1.png": PICTURE, "file:///a/b/2.png": PICTURE, "file:///ab/3.png": PICTURE}
    catalog.local_files.remember("default", files)

    known = catalog.local_files.known("default", "file:///a/")

    without = PICTURE._replace(exif={})
    assert known == {name: without for name in files if name.startswith("file:///a/")}


def test_exif_is_told_where_it_is_asked_for(catalog: Catalog) -> None:
    catalog.local_files.remember("default", {"file:///a.png": PICTURE, "file:///b.png": NONE})

    exif = catalog.local_files.exif("default", ["file:///a.png", "file:///c.png"])

    assert exif == {"file:///a.png": {"Make": "Nikon"}}


def test_an_address_may_hold_what_patterns_are_made_of(catalog: Catalog) -> None:
    files = {"file:///a_%25/1.png": PICTURE, "file:///abc25/1.png": PICTURE}
    catalog.local_files.remember("default", files)

    assert list(catalog.local_files.known("default", "file:///a_%25/")) == ["file:///a_%25/1.png"]


def test_what_a_file_holds_now_replaces_what_it_held(catalog: Catalog) -> None:
    catalog.local_files.remember("default", {"file:///a.png": PICTURE})
    catalog.local_files.remember("default", {"file:///a.png": NONE})

    known = catalog.local_files.known("default", "file:///")["file:///a.png"]

    assert (known.format, known.problem) == (None, "not a picture: \\udcff\\x00")


def test_no_tenant_knows_anothers_files(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    catalog.local_files.remember("other", {"file:///a.png": PICTURE})

    assert catalog.local_files.known("default", "file:///") == {}


def test_a_file_that_moved_is_found_by_the_ledger(catalog: Catalog) -> None:
    content = Content(PICTURE.sha256, "file:///a.png", 1000, ImageFormat.PNG, "truck.png")
    catalog.uploads.register("somewhere", "default", [content], now=NOW)
    catalog.local_files.remember("default", {"file:///a.png": PICTURE})

    catalog.local_files.moved("default", "file:///a.png", "file:///b.png")

    assert column(catalog, sa.select(uploads.c.path)) == ["file:///b.png"]
    assert catalog.local_files.known("default", "file:///") == {}
