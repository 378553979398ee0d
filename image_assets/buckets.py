"""From settings to buckets: the store in S3, what lies in it, and the host that publishes in one.

`storage` imports this when a bucket is asked for: boto3 takes a while to load.
"""

from dataclasses import dataclass

from pydantic import SecretStr

from image_assets.services.hosts.s3 import S3Host
from image_assets.services.politeness import Retry
from image_assets.services.s3.bucket import Bucket
from image_assets.services.s3.door import Door, Names
from image_assets.services.store.local import LocalStore
from image_assets.services.store.s3 import S3Store
from image_assets.services.store.s3_inventory import S3Inventory
from image_assets.settings import Settings

Keys = tuple[str | None, str | None, str | None]
"""Key id, key and session token; all None where boto3 is to look for itself."""

_STORE, _HOST = "the store in S3", "publishing in S3"


@dataclass(frozen=True, slots=True)
class Service:
    """Who is asked, by address and region; Amazon's own where nothing is said."""

    endpoint: str | None
    public_endpoint: str | None
    region: str | None


def store(settings: Settings) -> S3Store:
    """The store in S3_BUCKET; scratch files and reports in the data folder.

    Raises:
        MissingSettingError: no bucket is named, or half of a key is missing.
    """
    bucket = settings.require("s3_bucket", _STORE)
    door = _door(
        settings,
        bucket,
        settings.s3_prefix,
        _keys(settings, _STORE),
        Service(settings.s3_endpoint_url, settings.s3_public_endpoint_url, settings.s3_region),
        Names(),
    )
    return S3Store(
        Bucket(door, retry=_retry(settings)),
        LocalStore(settings.data_dir),
        part_bytes=settings.s3_part_bytes,
        reread=settings.s3_reread,
    )


def inventory(settings: Settings) -> S3Inventory:
    """What lies in the store."""
    return S3Inventory(store(settings))


def host(settings: Settings) -> S3Host:
    """The destination `s3`: S3_PUBLISH_BUCKET, and for what is unset there, the store's settings.

    Raises:
        MissingSettingError: no bucket is named, or half of a key is missing.
    """
    bucket = settings.require("s3_publish_bucket", _HOST)
    return S3Host(
        _publishing_door(settings, bucket),
        base_url=settings.s3_publish_base_url,
        retry=_retry(settings),
        read_back=settings.s3_publish_read_back,
    )


def _publishing_door(settings: Settings, bucket: str) -> Door:
    own = settings.s3_publish_access_key_id is not None
    keys = _publishing_keys(settings) if own else _keys(settings, _HOST)
    stores = Names()
    names = Names(
        "S3_PUBLISH_BUCKET",
        "S3_PUBLISH_ENDPOINT_URL" if settings.s3_publish_endpoint_url else stores.endpoint,
        "S3_PUBLISH_REGION" if settings.s3_publish_region else stores.region,
        "S3_PUBLISH_ACCESS_KEY_ID and S3_PUBLISH_SECRET_ACCESS_KEY" if own else stores.credential,
    )
    elsewhere = settings.s3_publish_endpoint_url
    service = Service(
        elsewhere or settings.s3_endpoint_url,
        None if elsewhere else settings.s3_public_endpoint_url,
        settings.s3_publish_region or settings.s3_region,
    )
    return _door(settings, bucket, settings.s3_publish_prefix, keys, service, names)


def _keys(settings: Settings, purpose: str) -> Keys:
    key_id, secret = settings.aws_access_key_id, settings.aws_secret_access_key
    if key_id is None and secret is None:
        return None, None, None
    token = _open(settings.aws_session_token)
    return (
        settings.require("aws_access_key_id", purpose),
        settings.require("aws_secret_access_key", purpose),
        token,
    )


def _publishing_keys(settings: Settings) -> Keys:
    key_id = _open(settings.s3_publish_access_key_id)
    return key_id, settings.require("s3_publish_secret_access_key", _HOST), None


def _open(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _door(
    settings: Settings,
    bucket: str,
    prefix: str,
    keys: Keys,
    service: Service,
    names: Names,
) -> Door:
    by_path = {"path": True, "virtual": False}
    key_id, secret, token = keys
    return Door(
        bucket,
        prefix,
        endpoint_url=service.endpoint,
        public_endpoint_url=service.public_endpoint,
        region=service.region,
        key_id=key_id,
        secret=secret,
        token=token,
        path_style=by_path.get(settings.s3_addressing, service.endpoint is not None),
        conditional=settings.s3_creates == "conditional",
        checksums=settings.s3_checksums == "sha256",
        connections=settings.s3_connections,
        timeout=settings.s3_timeout,
        names=names,
    )


def _retry(settings: Settings) -> Retry:
    longest = max(120.0, 2 * settings.s3_timeout)
    return Retry(settings.s3_max_retries, settings.s3_retry_delay, seconds=longest)
