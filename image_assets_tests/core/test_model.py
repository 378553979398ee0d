import datetime as dt

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    MissingSettingError,
    NotFoundError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
    UnreadableImageError,
    VerificationError,
)
from image_assets.core.model import SETTLED, Entry, ImageFormat, ImageState, Partition

DAY = Partition("camera", "apm/in_gate", "2025-09-01")


@pytest.mark.parametrize(
    ("format", "extension", "mime"),
    [
        (ImageFormat.PNG, "png", "image/png"),
        (ImageFormat.JPEG, "jpg", "image/jpeg"),
        (ImageFormat.WEBP, "webp", "image/webp"),
        (ImageFormat.GIF, "gif", "image/gif"),
        (ImageFormat.BMP, "bmp", "image/bmp"),
    ],
)
def test_a_format_knows_its_extension_and_media_type(format, extension, mime):
    assert (format.extension, format.mime) == (extension, mime)


def test_only_what_is_missing_costs_another_request():
    assert set(ImageState) - SETTLED == {ImageState.MISSING}


@pytest.mark.parametrize("name", ["source", "collection", "key", "tenant"])
def test_a_partition_without_a_part_is_not_built(name):
    parts = {"source": "s", "collection": "c", "key": "k", "tenant": "t"} | {name: ""}

    with pytest.raises(ValueError, match=f"needs a {name}"):
        Partition(**parts)


def test_a_partition_is_said_in_words():
    assert str(DAY) == "camera apm/in_gate 2025-09-01"


def test_a_cameras_partition_has_a_day():
    assert DAY.day == dt.date(2025, 9, 1)


def test_a_batch_has_none():
    with pytest.raises(ValueError, match="batch-7"):
        _ = Partition("inbox", "shop", "batch-7").day


def test_partitions_are_ordered_by_source_collection_and_key():
    later = Partition("camera", "apm/in_gate", "2025-09-02")
    other = Partition("camera", "apm/out_gate", "2025-09-01")

    assert sorted([other, later, DAY]) == [DAY, later, other]


def test_capture_times_are_aware():
    with pytest.raises(ValueError, match="aware UTC"):
        Entry("k", "name", dt.datetime(2025, 9, 1))  # noqa: DTZ001


def test_an_entry_may_have_no_capture_time():
    assert Entry("k", "name").captured_at is None


@pytest.mark.parametrize(
    "permanent",
    [
        RejectedError("x"),
        UnreadableImageError("truncated"),
        AuthenticationError("x"),
        NotFoundError("x"),
        MissingSettingError("PINATA_JWT", "publishing"),
        VerificationError("x"),
    ],
)
def test_what_only_a_change_can_cure_is_permanent(permanent):
    assert isinstance(permanent, PermanentError)
    assert isinstance(permanent, ImageAssetsError)


@pytest.mark.parametrize("waiting", [TransientError("x"), QuotaExhaustedError("x")])
def test_what_waiting_may_cure_is_not_permanent(waiting):
    assert not isinstance(waiting, PermanentError)


def test_a_missing_setting_names_its_variable_and_its_purpose():
    error = MissingSettingError("PINATA_JWT", "publishing to Pinata")

    assert str(error) == "PINATA_JWT is not set; publishing to Pinata needs it (see .env.example)"


def test_an_unreadable_picture_says_why_in_a_code_and_in_words():
    error = UnreadableImageError("truncated", "the file ends early")

    assert (error.reason, str(error)) == ("truncated", "the file ends early")
    assert str(UnreadableImageError("empty")) == "empty"
