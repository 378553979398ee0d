"""From settings to services behind their ports; definitions, command line and delivery wire nothing."""

import datetime as dt
import os
import socket
from pathlib import Path

from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.ports import Decoder, FileStore, ImageHost, ImageSource, LatestStore
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.cloudflare_kv import CloudflareKV
from image_assets.services.decoding import DecodingPool
from image_assets.services.draydog import DrayDog, IndexListing
from image_assets.services.folder import FolderSource
from image_assets.services.hosts.local import LocalHost
from image_assets.services.hosts.pinata import PinataHost
from image_assets.services.http import Http, Politeness, Retry
from image_assets.services.local_latest import LocalLatestStore
from image_assets.services.store.local import LocalStore
from image_assets.settings import Settings, SourceKind, SourceSpec


def catalog(settings: Settings) -> Catalog:
    """The catalog, brought up to date."""
    return open_catalog(settings.database_url)


def store(settings: Settings) -> LocalStore:
    """The store of bytes."""
    return LocalStore(settings.image_assets_data_dir.absolute())


def decoder(settings: Settings) -> DecodingPool:
    """The pool of decoding processes; they start when they are first needed."""
    return DecodingPool(
        workers=settings.image_assets_decode_workers,
        memory_mb=settings.image_assets_decode_memory_mb,
        seconds=settings.image_assets_decode_seconds,
        max_pixels=settings.image_assets_max_pixels,
        max_bytes=settings.image_assets_max_bytes,
    )


def source(settings: Settings, name: str) -> ImageSource:
    """The named source, as the sources file describes it."""
    spec = spec_of(settings, name)
    if spec.kind is SourceKind.FOLDER:
        assert spec.root is not None  # the spec refuses to exist without
        return FolderSource(spec.root, spec.index)
    return DrayDog(
        IndexListing(_camera_http(settings, settings.draydog_index_url)),
        _camera_http(settings, settings.draydog_cdn_url),
    )
