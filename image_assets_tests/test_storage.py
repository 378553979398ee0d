"""Settings become the store and the host that they describe; nothing is asked meanwhile."""

import pytest

from image_assets import buckets, compose
from image_assets.core.errors import MissingSettingError
from image_assets.ports import Presigning
from image_assets.services.hosts.s3 import S3Host
from image_assets.services.s3.door import Names
from image_assets.services.store.local import LocalStore
from image_assets.services.store.s3 import S3Store
from image_assets.settings import isolated

S3 = {
    "IMAGE_ASSETS_STORE": "s3",
    "S3_BUCKET": "pictures",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "canary-secret",
}


@pytest.fixture
def made(tmp_path):
    opened = []

    def made(**own: str) -> S3Store:
        store = buckets.store(isolated({**S3, "IMAGE_ASSETS_DATA_DIR": str(tmp_path), **own}))
        opened.append(store)
        return store

    yield made
    for store in opened:
        store.close()


def test_a_disk_is_the_default():
    assert isinstance(compose.store(isolated({})), LocalStore)


def test_a_disk_signs_no_links():
    assert not isinstance(compose.store(isolated({})), Presigning)


@pytest.mark.parametrize("missing", ["S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_what_a_bucket_needs_is_named(missing):
    settings = isolated({name: value for name, value in S3.items() if name != missing})

    with pytest.raises(MissingSettingError, match=f"{missing} is not set"):
        compose.store(settings)


def test_the_bucket_is_named_as_the_service_has_it(made):
    amazons = made(S3_REGION="eu-central-1").presigned("a", 60)
    anothers = made(S3_ENDPOINT_URL="https://s3.example", S3_REGION="eu-central-1").presigned(
        "a", 60
    )
    told = made(S3_ENDPOINT_URL="https://s3.example", S3_ADDRESSING="virtual").presigned("a", 60)

    assert amazons.startswith("https://pictures.s3.eu-central-1.amazonaws.com/a?")
    assert anothers.startswith("https://s3.example/pictures/a?")
    assert told.startswith("https://pictures.s3.example/a?")


def test_a_secret_never_shows(made):
    store = made()

    assert (
        "canary-secret"
        not in f"{store!r} {store.bucket!r} {store.bucket.door!r} {store.presigned('a', 60)}"
    )
    assert {"AKIA", "canary-secret"} <= set(isolated(S3).secrets)


def publishing(**own: str) -> S3Host:
    host = compose.host(isolated({**S3, "S3_PUBLISH_BUCKET": "shown", **own}), "s3")
    assert isinstance(host, S3Host)
    return host


def test_the_host_needs_a_bucket_of_its_own():
    with pytest.raises(MissingSettingError, match="S3_PUBLISH_BUCKET is not set"):
        compose.host(isolated(S3), "s3")


def test_the_host_asks_where_the_store_is_unless_told_otherwise():
    at_the_stores = publishing(S3_ENDPOINT_URL="https://s3.example")
    elsewhere = publishing(
        S3_ENDPOINT_URL="https://s3.example",
        S3_PUBLIC_ENDPOINT_URL="https://pictures.example",
        S3_PUBLISH_ENDPOINT_URL="https://r2.example",
    )

    assert at_the_stores.address("a").startswith("https://s3.example/shown/a")
    assert elsewhere.address("a").startswith("https://r2.example/shown/a")
    at_the_stores.close()
    elsewhere.close()


def test_messages_name_the_settings_that_are_in_force():
    as_the_store = publishing(S3_ENDPOINT_URL="http://127.0.0.1:9")
    own = publishing(
        S3_ENDPOINT_URL="http://127.0.0.1:9",
        S3_PUBLISH_REGION="auto",
        S3_PUBLISH_ACCESS_KEY_ID="AKIB",
        S3_PUBLISH_SECRET_ACCESS_KEY="another",
    )

    assert as_the_store.names == Names(bucket="S3_PUBLISH_BUCKET")
    assert own.names.region == "S3_PUBLISH_REGION"
    assert own.names.credential == "S3_PUBLISH_ACCESS_KEY_ID and S3_PUBLISH_SECRET_ACCESS_KEY"
    as_the_store.close()
    own.close()


def test_a_key_for_publishing_comes_whole():
    with pytest.raises(MissingSettingError, match="S3_PUBLISH_SECRET_ACCESS_KEY"):
        publishing(S3_PUBLISH_ACCESS_KEY_ID="AKIB")


@pytest.mark.parametrize("prefix", ["/a", "a/", "a//b", "/"])
def test_a_prefix_that_would_be_another_in_every_tool_is_refused(prefix):
    with pytest.raises(ValueError, match="s3_prefix"):
        isolated({"S3_PREFIX": prefix})
