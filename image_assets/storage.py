"""From settings to the store: on a disk of this machine, or in a bucket."""

from typing import Protocol

from image_assets.ports import FileStore, ImageHost, Inventory, Shelf
from image_assets.services.store.inventory import LocalInventory
from image_assets.services.store.local import LocalStore
from image_assets.settings import Settings


class Store(FileStore, Shelf, Protocol):
    """A store as stages and delivery need it."""


def store(settings: Settings) -> Store:
    """The store of bytes.

    Raises:
        MissingSettingError: it lies in a bucket, and none is named.
    """
    if settings.image_assets_store == "s3":
        from image_assets import buckets  # boto3 is slow to import

        return buckets.store(settings)
    return LocalStore(settings.data_dir)


def inventory(settings: Settings) -> Inventory:
    """What lies in the store."""
    if settings.image_assets_store == "s3":
        from image_assets import buckets  # boto3 is slow to import

        return buckets.inventory(settings)
    return LocalInventory(settings.data_dir)


def s3_host(settings: Settings) -> ImageHost:
    """The destination `s3`: a bucket to publish in."""
    from image_assets import buckets  # boto3 is slow to import

    return buckets.host(settings)
