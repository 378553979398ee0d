import datetime as dt

from image_assets.core.fingerprint import VERSION, Fingerprint
from image_assets.core.model import DEFAULT_TENANT
from image_assets.ports import NasFile, NasRecord
from image_assets.services.catalog import Catalog
from image_assets_tests.services.catalog.samples import (
    DAY,
    NOW,
    add_tenant,
    design,
    fingerprint,
    sha256,
    store,
)

LATER = NOW + dt.timedelta(minutes=5)


def record(
    catalog: Catalog,
    path: str,
    word: str,
    *,
    look: Fingerprint | None = None,
    tenant: str = DEFAULT_TENANT,
    now: dt.datetime = NOW,
) -> NasFile:
    file = NasFile(path, len(word), NOW)
    catalog.nas.record(tenant, [NasRecord(file, sha256(word), look)], now=now)
    return file


def lacking(catalog: Catalog, folder: str = "acme") -> list[str]:
    return [design.sha256 for design in catalog.nas.unshelved(DAY, folder)]


def test_what_the_folder_has_in_bytes_or_pixels_is_not_lacking(catalog: Catalog) -> None:
    for minute, word in enumerate(("truck", "gate", "crane")):
        store(catalog, minute, word)
    design(catalog)
    record(catalog, "acme/1.png", "truck")
    record(catalog, "acme/2.png", "other bytes", look=fingerprint(sha256("gate")))

    assert lacking(catalog) == [sha256("crane")]
    assert catalog.nas.shelved(DAY, "acme") == 2


def test_another_folder_and_another_shop_count_nothing(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    store(catalog, 1, "truck")
    design(catalog)
    for path in ("acmes/1.png", "Acme/1.png", "ac_e/1.png", "acme.png"):
        record(catalog, path, "truck")
    record(catalog, "acme/1.png", "truck", tenant="other")

    assert lacking(catalog) == [sha256("truck")]
    assert catalog.nas.indexed(DEFAULT_TENANT, "acme") == {}


def test_a_lacking_design_comes_with_what_storing_it_needs(catalog: Catalog) -> None:
    path = store(catalog, 1, "truck").path
    [id] = design(catalog)

    [found] = catalog.nas.unshelved(DAY, "acme")

    assert (found.design_id, found.name, found.extension) == (id, "20250901000100.jpg", "jpg")
    assert (found.sha256, found.path, found.size) == (sha256("truck"), path, 1000)
    assert found.look == fingerprint(sha256("truck"))


def test_a_file_that_changed_is_indexed_as_it_is_now(catalog: Catalog) -> None:
    record(catalog, "acme/1.png", "truck", look=fingerprint("truck"))
    changed = record(catalog, "acme/1.png", "a larger text")

    assert catalog.nas.indexed(DEFAULT_TENANT, "acme") == {"acme/1.png": changed}
    assert list(catalog.nas.looks(DEFAULT_TENANT, "acme", VERSION)) == []


def test_looks_come_by_path_and_version(catalog: Catalog) -> None:
    for number in (3, 1, 2):
        record(catalog, f"acme/{number}.png", f"{number}", look=fingerprint(f"{number}"))
    record(catalog, "acme/notes.txt", "no picture")

    found = list(catalog.nas.looks(DEFAULT_TENANT, "acme", VERSION))

    assert [path for path, _ in found] == ["acme/1.png", "acme/2.png", "acme/3.png"]
    assert found[0][1] == fingerprint("1")
    assert list(catalog.nas.looks(DEFAULT_TENANT, "acme", "0")) == []


def test_a_folder_is_as_fresh_as_its_last_listing(catalog: Catalog) -> None:
    assert catalog.nas.listed_at(DEFAULT_TENANT, "acme") is None

    record(catalog, "acme/1.png", "truck")
    catalog.nas.listed(DEFAULT_TENANT, "acme", now=NOW)
    record(catalog, "acme/2.png", "put since", now=LATER)

    assert catalog.nas.listed_at(DEFAULT_TENANT, "acme") == NOW


def test_what_is_gone_is_forgotten(catalog: Catalog) -> None:
    record(catalog, "acme/1.png", "truck")
    kept = record(catalog, "acme/2.png", "gate")

    catalog.nas.forget(DEFAULT_TENANT, ["acme/1.png", "acme/never.png"])

    assert catalog.nas.indexed(DEFAULT_TENANT, "acme") == {"acme/2.png": kept}
