"""What lies in a bucket is listed as it is, and a bucket that cannot be read is not an empty one."""

import datetime as dt
import hashlib

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NotFoundError,
    PermanentError,
    RejectedError,
)
from image_assets.core.naming import quarantine_path
from image_assets.services.politeness import Retry
from image_assets.services.s3.bucket import Bucket
from image_assets.services.store.local import LocalStore
from image_assets.services.store.s3 import S3Store
from image_assets.services.store.s3_inventory import S3Inventory
from image_assets_tests.s3_server import StrictS3, error, ministack

KEY = "images/2025-09-01/in_gate/a.jpg"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ministack(tmp_path_factory.mktemp("ministack")) as inner, StrictS3(inner) as server:
        yield server


@pytest.fixture
def inside(server):
    server.reset()
    inside = server.new_bucket()
    for name in ("images/2025-09-01/in_gate/b.jpg", KEY, "images2/x", "tmp/x"):
        inside.put(f"archive/{name}", name.encode())
    inside.put("images/of-another", b"")
    inside.put("archive/images/2025-09-02/", b"")  # a folder as consoles make them
    return inside


@pytest.fixture
def inventory(server, inside, tmp_path):
    door = server.door(inside.name, prefix="archive")
    bucket = Bucket(door, retry=Retry(delay=0.001, seconds=20.0))
    yield S3Inventory(S3Store(bucket, LocalStore(tmp_path)))
    bucket.close()


def paths(inventory: S3Inventory, folder: str = "images") -> list[str]:
    return [file.path for file in inventory.files(folder)]


def test_objects_are_listed_by_key_with_their_size_and_time(inventory):
    found = list(inventory.files("images/2025-09-01"))

    assert [(file.path, file.size) for file in found] == [
        ("images/2025-09-01/in_gate/a.jpg", 31),
        ("images/2025-09-01/in_gate/b.jpg", 31),
    ]
    assert all(file.modified_at.utcoffset() == dt.timedelta(0) for file in found)


def test_a_folder_is_not_another_one_whose_name_begins_alike(inventory):
    assert "images2/x" not in paths(inventory)


def test_a_folder_that_is_not_there_has_no_files(inventory):
    assert paths(inventory, "images/1999-01-01") == []


def test_a_long_listing_comes_in_pages(inventory, inside, server):
    inside.fill(f"archive/many/{number:04}" for number in range(1003))
    server.asked.clear()

    assert paths(inventory, "many") == [f"many/{number:04}" for number in range(1003)]
    assert server.count("GET .*list-type=2") == 2


@pytest.mark.parametrize(
    "fault",
    [
        error(404, "NoSuchBucket"),
        error(403, "AccessDenied"),
        error(500, "InternalError"),
        {"kind": "html"},
        {"kind": "empty"},
        {"kind": "truncate"},
        {"kind": "status", "status": 200, "body": "<ListBucketResult></ListBucketResult>"},
        {"kind": "drop_before"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('body', '')[:30]}",
)
def test_a_listing_that_is_none_says_nothing_of_files(inventory, server, fault):
    server.fault("GET .*list-type", fault)

    with pytest.raises(ImageAssetsError):
        paths(inventory)


def test_a_listing_that_failed_once_is_asked_again(inventory, server):
    server.fault("GET .*list-type", error(503, "SlowDown"), times=1)

    assert KEY in paths(inventory)


@pytest.mark.parametrize("folder", ["..", "images/../tmp", "/etc", ""])
def test_no_folder_leads_out_of_the_store(inventory, folder):
    with pytest.raises(RejectedError):
        inventory.files(folder)


def test_an_object_set_aside_lies_in_quarantine_under_its_hash(inventory, inside):
    content = inside.read(f"archive/{KEY}")

    aside = inventory.set_aside(KEY)

    assert aside == quarantine_path(hashlib.sha256(content).hexdigest())
    assert inside.read(f"archive/{aside}") == content
    assert KEY not in paths(inventory)


def test_bytes_that_are_not_what_their_writer_stored_are_set_aside_as_they_are(inventory, inside):
    inside.put(f"archive/{KEY}", b"damaged", **{"x-amz-meta-sha256": "0" * 64})

    aside = inventory.set_aside(KEY)

    assert inside.read(f"archive/{aside}") == b"damaged"


def test_the_same_bytes_can_be_set_aside_again(inventory, inside):
    content = inside.read(f"archive/{KEY}")
    first = inventory.set_aside(KEY)
    inside.put(f"archive/{KEY}", content)

    assert inventory.set_aside(KEY) == first
    assert KEY not in paths(inventory)


def test_what_cannot_be_kept_stays(inventory, inside):
    taken = quarantine_path(hashlib.sha256(inside.read(f"archive/{KEY}")).hexdigest())
    inside.put(f"archive/{taken}", b"other bytes")

    with pytest.raises(PermanentError, match="stays"):
        inventory.set_aside(KEY)

    assert KEY in paths(inventory)
    assert inside.read(f"archive/{taken}") == b"other bytes"


def test_nothing_is_set_aside_where_nothing_is(inventory):
    with pytest.raises(NotFoundError):
        inventory.set_aside("images/nothing.jpg")


def test_without_the_right_to_delete_nothing_is_lost(inventory, inside, server):
    server.fault("DELETE", error(403, "AccessDenied"))

    with pytest.raises(AuthenticationError):
        inventory.set_aside(KEY)

    assert KEY in paths(inventory)
