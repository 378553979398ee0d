"""From settings to services behind their ports; definitions, command line and delivery wire nothing."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from image_assets import cameras, hosting
from image_assets.core import naming
from image_assets.core.errors import MissingSettingError, PermanentError
from image_assets.core.links import Links
from image_assets.core.signing import Key, Signer, Terms, weakness
from image_assets.ports import (
    ImageHost,
    ImageSource,
    LatestStore,
    OldDownloads,
    Outlet,
    PictureFolder,
    Presigning,
)
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.cloudflare_kv import CloudflareKV
from image_assets.services.decoding import DecodingPool
from image_assets.services.folder import FolderSource
from image_assets.services.gemini import Gemini
from image_assets.services.http import Http, Politeness, Retry
from image_assets.services.inbox import InboxFolder
from image_assets.services.local_latest import LocalLatestStore
from image_assets.services.nas import Share
from image_assets.services.nas.door import Door
from image_assets.services.nas.line import Line
from image_assets.services.nas.mounted import MountedLine
from image_assets.services.old_downloads import OldDownloadsFolder
from image_assets.services.picture_folder import PicturesBelow
from image_assets.services.store.local import LocalStore
from image_assets.services.store.outlets import BucketOutlet, LocalOutlet
from image_assets.services.visualization import VisualizationFolder
from image_assets.settings import Settings
from image_assets.sources import SourceKind, SourceSpec
from image_assets.storage import Store, inventory, store

__all__ = ["Catalog", "DecodingPool", "LocalStore", "Store", "inventory", "store"]

_HOW_TO_MAKE_ONE = "make one with: openssl rand -hex 32"
_ARRIVING = dt.timedelta(seconds=5)
"""A file in a folder that changed more recently may still be arriving."""


def catalog(settings: Settings) -> Catalog:
    """The catalog, brought up to date."""
    return open_catalog(settings.database_url)


def store_at(root: Path) -> LocalStore:
    """A store of bytes elsewhere."""
    return LocalStore(root)


def pictures_below(root: Path, *, without: Path | None = None) -> PictureFolder:
    """The pictures of any folder, but for those below `without`."""
    return PicturesBelow(root, without)


def old_downloads(
    root: Path, *, without: Path | None = None, is_ours: Callable[[Path], bool]
) -> OldDownloads:
    """A folder of old downloads, but for the files that are ours already."""
    return OldDownloadsFolder(root, without=without, is_ours=is_ours)


def outlet(settings: Settings) -> Outlet:
    """The store, to give files out from."""
    kept = store(settings)
    return BucketOutlet(kept) if isinstance(kept, Presigning) else LocalOutlet(kept)


def local_outlet(settings: Settings) -> Outlet:
    """What is on this machine's disk wherever the store is: reports, and what `local` published."""
    return LocalOutlet(LocalStore(settings.data_dir))


def links(settings: Settings) -> Links:
    """The addresses of exports.

    Raises:
        MissingSettingError: links are to be signed, and there is no secret to do so.
        PermanentError: a secret is too weak to sign with.
    """
    base = settings.public_base_url.rstrip("/")
    return Links(base, _signer(settings), settings.sign_urls, settings.url_signature_expiry)


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
    spec = settings.source(name)
    if spec.kind is SourceKind.FOLDER:
        assert spec.root is not None  # a spec without one cannot be built
        return FolderSource(
            spec.root, spec.index, max_bytes=settings.image_assets_max_bytes, settle=_ARRIVING
        )
    if spec.kind is SourceKind.INBOX:
        return inbox(settings, spec)
    if spec.kind is SourceKind.VISUALIZATION:
        return plots(settings, spec)
    if spec.kind is SourceKind.GENERATED:
        raise PermanentError(f"source {name} is drawn by request: POST /api/thumbnails")
    site = cameras.described(settings, spec)
    http = Http(
        "camera site",
        site.roots.values(),
        politeness=_politeness(settings),
        retry=_retry(
            settings.download_max_retries, settings.download_retry_delay, settings.download_timeout
        ),
        timeout=settings.download_timeout,
        headers={"User-Agent": settings.download_user_agent},
    )
    return cameras.source(settings, spec, http)


def inbox(settings: Settings, spec: SourceSpec) -> InboxFolder:
    """The inbox of a source: `inbox` in the data folder where the sources file names none."""
    return InboxFolder(
        spec.name,
        spec.root or settings.data_dir / spec.name,
        spec.collections,
        settle=settings.settle,
        batch_bytes=settings.inbox_batch_bytes,
        max_bytes=min(settings.design_max_bytes, settings.image_assets_max_bytes),
    )


def plots(settings: Settings, spec: SourceSpec) -> VisualizationFolder:
    """The folder of visualisations: `{source}` in the data folder where the sources file names none."""
    return VisualizationFolder(
        spec.name,
        spec.root or settings.data_dir / spec.name,
        spec.collections,
        settle=settings.visualization_settle,
        max_bytes=settings.image_assets_max_bytes,
    )


def generator(settings: Settings) -> Gemini:
    """Who draws pictures on request.

    Raises:
        MissingSettingError: its key is not set.
    """
    timeout = settings.gemini_timeout
    return Gemini(
        api_key=settings.require("gemini_api_key", "generating pictures"),
        model=settings.gemini_model,
        api_url=settings.gemini_api_url,
        image_size=settings.gemini_image_size,
        requests_per_minute=settings.gemini_requests_per_minute,
        retry=_retry(settings.gemini_max_retries, settings.gemini_retry_delay, timeout),
        timeout=timeout,
    )


def host(settings: Settings, destination: str) -> ImageHost:
    """The host behind a destination.

    Raises:
        MissingSettingError: it needs a credential that is not set.
    """
    return hosting.host(settings, destination)


def latest_store(settings: Settings, name: str) -> LatestStore:
    """The named store of latest keys.

    Raises:
        MissingSettingError: it needs a credential that is not set.
    """
    return _LATEST_STORES[name](settings)


def nas(settings: Settings) -> Share:
    """The shops' NAS; nothing is connected before it is asked.

    Raises:
        MissingSettingError: it is not said where it is, or who we are.
    """
    mounted = settings.nas_protocol == "mounted"
    name, connect = _mounted_nas(settings) if mounted else _remote_nas(settings)
    return Share(
        name,
        connect,
        connections=settings.nas_connections,
        retry=_retry(settings.nas_max_retries, settings.nas_retry_delay, settings.nas_timeout),
    )


def _mounted_nas(settings: Settings) -> tuple[str, Callable[[], Line]]:
    base = Path(settings.nas_base_path)
    return str(base), lambda: MountedLine(base)


def _remote_nas(settings: Settings) -> tuple[str, Callable[[], Line]]:
    by_smb = settings.nas_protocol == "smb"
    purpose = "storing designs on the NAS"
    door = Door(
        host=settings.require("qnap_host", purpose),
        port=settings.qnap_port or (445 if by_smb else 22),
        username=settings.require("qnap_username", purpose),
        password=None
        if settings.qnap_password is None and settings.nas_key_file is not None
        else settings.require("qnap_password", purpose),
        key_file=settings.nas_key_file,
        known_hosts=settings.nas_known_hosts,
        timeout=settings.nas_timeout,
    )
    line = _smb_line() if by_smb else _sftp_line()
    return str(door), lambda: line(door, settings.nas_base_path)


def _sftp_line() -> Callable[[Door, str], Line]:
    with _nas_extra():
        from image_assets.services.nas.sftp import SftpLine  # an extra, and slow to import
    return SftpLine


def _smb_line() -> Callable[[Door, str], Line]:
    with _nas_extra():
        from image_assets.services.nas.smb import SmbLine  # an extra, and slow to import
    return SmbLine


@contextmanager
def _nas_extra() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise PermanentError(
            f"the NAS needs the extra `nas` ({error.name} is absent): pip install 'image-assets[nas]'"
        ) from error


def _cloudflare_kv(settings: Settings) -> LatestStore:
    purpose = "announcing in Cloudflare KV"
    return CloudflareKV(
        api_token=settings.require("cloudflare_api_token", purpose),
        account_id=settings.require("cloudflare_account_id", purpose),
        namespace_id=settings.require("kv_namespace_id", purpose),
        api_url=settings.cloudflare_api_url,
        lifetime=settings.latest_ttl_seconds,
        retry=_upload_retry(settings),
        timeout=settings.upload_timeout,
    )


def _local_latest(settings: Settings) -> LatestStore:
    return LocalLatestStore(settings.data_dir / naming.LATEST)


def _signer(settings: Settings) -> Signer | None:
    names = ("signing_secret", "signing_secret_previous")
    keys = [_signing_key(settings, name) for name in names if getattr(settings, name) is not None]
    if settings.signing_secret is None:
        if settings.sign_urls or settings.signing_compatibility or keys:
            raise MissingSettingError("SIGNING_SECRET", f"signing links ({_HOW_TO_MAKE_ONE})")
        return None
    most, skew = settings.url_signature_max_expiry, settings.url_signature_skew
    return Signer(keys, Terms(most, skew, settings.signing_compatibility))


def _signing_key(settings: Settings, name: str) -> Key:
    secret = settings.require(name, "signing links")
    if (reason := weakness(secret)) is not None:
        raise PermanentError(f"{name.upper()} {reason}, so anybody could sign; {_HOW_TO_MAKE_ONE}")
    return Key(secret.encode())


def _politeness(settings: Settings) -> Politeness:
    """How much one camera site is asked; spread evenly over each second where that is bounded."""
    rate = settings.download_requests_per_second
    return Politeness(
        settings.download_connections,
        requests=None if rate is None else 1,
        per=60.0 if rate is None else 1 / rate,
        bandwidth=settings.download_bytes_per_second,
        rest=settings.download_date_pause,
        patient=True,
    )


def _upload_retry(settings: Settings) -> Retry:
    return _retry(settings.upload_max_retries, settings.upload_retry_delay, settings.upload_timeout)


def _retry(attempts: int, delay: float, timeout: float) -> Retry:
    """All attempts within two minutes, or within twice the time one may take if that is longer."""
    return Retry(attempts, delay, seconds=max(120.0, 2 * timeout))


_LATEST_STORES: dict[str, Callable[[Settings], LatestStore]] = {
    "cloudflare_kv": _cloudflare_kv,
    "local": _local_latest,
}
