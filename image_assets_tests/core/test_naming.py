import datetime as dt
import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.core import naming
from image_assets.core.model import ImageFormat, Partition

TAKEN = dt.datetime(2025, 9, 1, 10, 7, 34, tzinfo=dt.UTC)
GATE = Partition("camera", "apm/in_gate", "2025-09-01")
HARMLESS = re.compile(r"[A-Za-z0-9._~-]{1,100}")


def test_an_item_key_is_the_capture_time_in_utc():
    east = TAKEN.astimezone(dt.timezone(dt.timedelta(hours=9)))

    assert naming.item_key(TAKEN) == naming.item_key(east) == "20250901100734"


def test_the_second_picture_in_a_second_has_a_key_of_its_own():
    assert naming.item_key(TAKEN, 2) == "20250901100734-2"


@pytest.mark.parametrize("ordinal", [1, 2, 17])
def test_an_item_key_tells_its_capture_time(ordinal):
    assert naming.captured_at(naming.item_key(TAKEN, ordinal)) == TAKEN


@pytest.mark.parametrize("key", ["", "2025", "20251301000000", "20250901100734~ab", "photo.jpg"])
def test_other_keys_tell_no_time(key):
    with pytest.raises(ValueError, match=r".+"):
        naming.captured_at(key)


def test_other_bytes_under_a_known_key_get_a_key_beside_it():
    assert naming.conflict_key("20250901100734", "abcdef0123456789") == "20250901100734~abcdef01"


def test_the_default_cameras_keep_the_layout_they_always_had():
    path = naming.image_path(GATE, "20250901100734", ImageFormat.JPEG)

    assert path == "images/2025-09-01/in_gate/20250901100734_in_gate.jpg"


@pytest.mark.parametrize(
    ("partition", "path"),
    [
        (
            Partition("camera", "ytx/out", "2025-09-01"),
            "images/camera/ytx/2025-09-01/out/k_out.png",
        ),
        (Partition("inbox", "shop", "b1"), "images/inbox/b1/shop/k_shop.png"),
        (
            Partition("camera", "apm/out", "2025-09-01", "acme"),
            "images/acme/2025-09-01/out/k_out.png",
        ),
    ],
)
def test_other_terminals_sources_and_tenants_have_a_prefix(partition, path):
    assert naming.image_path(partition, "k", ImageFormat.PNG) == path


def test_a_thumbnail_never_lies_where_the_full_picture_would():
    full, small = (
        naming.image_path(GATE, "k", ImageFormat.JPEG, thumbnail=small) for small in (False, True)
    )

    assert full != small


@given(*[st.text(min_size=1, max_size=200)] * 5)
def test_no_name_from_outside_leaves_the_store(source, collection, key, item, tenant):
    partition = Partition(source, collection, key, tenant)

    path = PurePosixPath(naming.image_path(partition, item, ImageFormat.PNG))

    assert path.parts[0] == "images"
    assert ".." not in path.parts
    assert "\0" not in str(path)
    assert not path.is_absolute()


@given(st.text(min_size=1, max_size=300))
def test_a_segment_is_harmless_and_short(name):
    segment = naming.segment(name)

    assert HARMLESS.fullmatch(segment)
    assert segment not in (".", "..")
    assert naming.segment(segment) == segment


@pytest.mark.parametrize("name", ["in_gate", "2025-09-01", "a.b~c", "x" * 80])
def test_a_harmless_name_is_its_own_segment(name):
    assert naming.segment(name) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/b", "a_b"),
        ("caf\u00e9", "cafe"),
        ("caf\u00e9", "cafe\u0301"),
        ("..", "."),
        ("x" * 81, "x" * 82),
    ],
)
def test_two_names_never_share_a_segment(one, other):
    assert naming.segment(one) != naming.segment(other)


def test_an_export_is_found_by_recipe_and_design_and_told_apart_by_its_bytes():
    path = naming.export_path("0123abcd", "thumbnail", "f" * 64, ImageFormat.WEBP)

    assert path == "exports/thumbnail/01/0123abcd-ffffffff.webp"


def test_rejected_bytes_never_lie_under_a_pictures_extension():
    assert naming.quarantine_path("ab" * 32) == f"quarantine/ab/{'ab' * 32}.rejected"


def test_published_content_is_named_by_its_hash():
    assert naming.public_name("ab" * 32, ImageFormat.JPEG) == f"{'ab' * 32}.jpg"


def test_a_latest_key_names_collection_and_interval():
    assert naming.latest_key("apm/in_gate", "daily") == "apm/in_gate:daily:latest"


def test_a_design_id_is_derived_from_its_anchor_and_scope():
    identity = ("default", "camera", "ab" * 32, "1")

    assert naming.design_id(*identity) == naming.design_id(*identity)
    for place, other in enumerate(("acme", "inbox", "cd" * 32, "2")):
        changed = (*identity[:place], other, *identity[place + 1 :])
        assert naming.design_id(*changed) != naming.design_id(*identity)


def test_a_design_id_cannot_be_moved_across_the_borders_of_its_parts():
    assert naming.design_id("ab", "c", "d", "1") != naming.design_id("a", "bc", "d", "1")


@pytest.mark.parametrize(
    "partition",
    [GATE, Partition("webcam", "pier/north", "2025-09-01"), Partition("camera", "x", "b", "shop")],
)
def test_a_partitions_folder_holds_its_pictures(partition):
    path = naming.image_path(partition, "20250901100734", ImageFormat.JPEG)

    assert path.rpartition("/")[0] == naming.image_folder(partition)


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("images/2025-09-01/in_gate/a.jpg", dt.date(2025, 9, 1)),
        ("images/webcam/pier/2025-09-01/north/a.jpg", dt.date(2025, 9, 1)),
        ("images/inbox/batch-7/a.jpg", None),
        ("images/2025-13-01/in_gate/a.jpg", None),
        ("images/2025-09-01", None),
    ],
)
def test_a_path_tells_its_date(path, day):
    assert naming.date_of(path) == day


@pytest.mark.parametrize(
    ("partition", "folder", "expected"),
    [
        (Partition("inbox", "acme", "batch"), "", "acme"),
        (Partition("inbox", "acme", "batch"), "mugs", "acme/mugs"),
        (Partition("inbox", "acme", "batch", tenant="other"), "", "other/acme"),
        (Partition("inbox", "acme", "batch", tenant="acme"), "mugs", "acme/mugs"),
        (Partition("camera", "apm/in_gate", "2025-09-01"), "", "in_gate"),
    ],
)
def test_a_shop_has_its_own_folder_on_the_nas(partition, folder, expected):
    assert naming.nas_folder(partition, folder) == expected


@pytest.mark.parametrize(
    "name", ["..", "a/../../b.png", "x" * 300, "\u202egnp.exe", 'a:b*"?.png', "."]
)
def test_a_name_on_the_nas_is_one_harmless_segment(name):
    found = naming.nas_name(name, "ab" * 32, "png")

    assert re.fullmatch(r"[A-Za-z0-9._~-]{0,50}_abababab\.png", found)
    assert not found.startswith(".")


def test_a_design_keeps_what_people_called_it_on_the_nas():
    assert naming.nas_name("folder/Summer 1.jpeg", "ab" * 32, "jpg").startswith("Summer_1~")
    assert naming.nas_name("cat.png", "ab" * 32, "png") == "cat_abababab.png"
