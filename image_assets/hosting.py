"""From settings to image hosts: one function for each destination, and the table of them.

Also what uploads of a folder need beside a host.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from image_assets.core import naming
from image_assets.core.model import ImageFormat
from image_assets.core.taking import Takes
from image_assets.ports import Contents, ImageHost, Probing, Repeated, Taking
from image_assets.publishing_settings import HostRendering
from image_assets.services.attempt_log import AttemptLog
from image_assets.services.decoding import DecodingPool
from image_assets.services.hosts.chevereto import CheveretoHost
from image_assets.services.hosts.cloudinary import CloudinaryHost
from image_assets.services.hosts.imgbb import ImgbbHost
from image_assets.services.hosts.imgur import ImgurHost
from image_assets.services.hosts.kubo import KuboHost
from image_assets.services.hosts.local import LocalHost
from image_assets.services.hosts.pinata import PinataHost
from image_assets.services.http import Politeness, Retry
from image_assets.services.local_folder import InPlace, PlainFolder
from image_assets.services.optimising import OptimisingHost, ProbingOptimisingHost
from image_assets.services.pace import SharedWindow
from image_assets.services.persistence import watched
from image_assets.services.served import Served
from image_assets.settings import Settings
from image_assets.storage import s3_host, store

_MOST_SHARED = 1000
"""Requests a minute up to which processes tell each other of theirs: more are slow to keep in a file."""


def host(settings: Settings, destination: str) -> ImageHost:
    """The host behind a destination.

    Raises:
        MissingSettingError: it needs a credential that is not set.
    """
    plain = HOSTS[destination](settings)
    return _fitting(settings, destination, plain) if settings.optimise_uploads else plain


def local(settings: Settings) -> ImageHost:
    """A folder that `image-assets serve` shows."""
    return LocalHost(settings.data_dir / naming.PUBLIC, settings.public_base_url)


def pinata(settings: Settings) -> ImageHost:
    """IPFS at Pinata."""
    return PinataHost(
        jwt=settings.require("pinata_jwt", "publishing at Pinata"),
        network=settings.pinata_network,
        group_id=settings.pinata_group_id,
        uploads_url=settings.pinata_uploads_url,
        api_url=settings.pinata_api_url,
        gateway_url=settings.pinata_gateway_url,
        pace=plan(settings, "pinata", settings.pinata_requests_per_minute),
        retry=retry(settings),
        timeout=settings.upload_timeout,
        read_back=settings.pinata_read_back,
        most=settings.image_assets_max_bytes,
    )


def freeimage(settings: Settings) -> ImageHost:
    """freeimage.host."""
    url = settings.freeimage_api_url
    return CheveretoHost(
        "freeimage",
        key=settings.require("freeimage_api_key", "publishing at freeimage.host"),
        url=url,
        served=served(settings, "freeimage", url),
        same_address=settings.freeimage_same_address,
        pace=pace(settings, "freeimage"),
        retry=retry(settings),
        timeout=settings.upload_timeout,
    )


def chevereto(settings: Settings) -> ImageHost:
    """Another site that runs Chevereto."""
    purpose = "publishing at a site that runs Chevereto"
    url = settings.require("chevereto_api_url", purpose)
    return CheveretoHost(
        "chevereto",
        key=settings.require("chevereto_api_key", purpose),
        url=url,
        served=served(settings, "chevereto", *filter(None, (url, settings.chevereto_images_url))),
        same_address=settings.chevereto_same_address,
        max_bytes=settings.chevereto_max_bytes,
        pace=pace(settings, "chevereto"),
        retry=retry(settings),
        timeout=settings.upload_timeout,
    )


def imgbb(settings: Settings) -> ImageHost:
    """Pictures at imgbb, for ever or for a while."""
    url = settings.imgbb_api_url
    return ImgbbHost(
        key=settings.require("imgbb_api_key", "publishing at imgbb"),
        served=served(settings, "imgbb", url),
        url=url,
        expiration=settings.imgbb_expiration,
        pace=pace(settings, "imgbb"),
        retry=retry(settings),
        timeout=settings.upload_timeout,
    )


def imgur(settings: Settings) -> ImageHost:
    """Pictures of nobody's account at Imgur."""
    return ImgurHost(
        settings.require("imgur_client_id", "publishing at Imgur"),
        served(settings, "imgur", settings.imgur_images_url),
        api_url=settings.imgur_api_url,
        images_url=settings.imgur_images_url,
        pace=pace(settings, "imgur"),
        retry=retry(settings),
        timeout=settings.upload_timeout,
    )


def cloudinary(settings: Settings) -> ImageHost:
    """A cloud at Cloudinary."""
    return CloudinaryHost(
        settings.cloudinary_account,
        served(settings, "cloudinary", settings.cloudinary_delivery_url),
        api_url=settings.cloudinary_api_url,
        max_bytes=settings.cloudinary_max_bytes,
        retry=retry(settings),
        timeout=settings.upload_timeout,
    )


def kubo(settings: Settings) -> ImageHost:
    """A node of IPFS of our own."""
    return KuboHost(
        api_url=settings.kubo_api_url,
        gateway_url=settings.kubo_gateway_url,
        authorization=settings.kubo_header,
        retry=retry(settings),
        timeout=settings.upload_timeout,
        read_back=settings.kubo_read_back,
    )


def retry(settings: Settings) -> Retry:
    """All attempts within two minutes, or within twice the time one may take if that is longer."""
    longest = max(120.0, 2 * settings.upload_timeout)
    return Retry(settings.upload_max_retries, settings.upload_retry_delay, seconds=longest)


def pace(settings: Settings, name: str) -> Politeness:
    """One upload at a time, so far apart, to hosts that do not say what they allow.

    The distance holds between all processes that share a data folder, and from one run to the next.
    """
    if not (pause := settings.upload_pause):
        return Politeness(1)
    shared = SharedWindow(settings.data_dir / naming.PACE / name, 1)
    return Politeness(1, requests=1, per=pause, shared=shared)


def plan(settings: Settings, name: str, a_minute: int) -> Politeness:
    """So many requests in any minute, over all processes that share a data folder."""
    few = a_minute <= _MOST_SHARED
    shared = SharedWindow(settings.data_dir / naming.PACE / name, a_minute) if few else None
    return Politeness(4, requests=a_minute, per=60.0, shared=shared)


def served(settings: Settings, name: str, *trusted: str) -> Served:
    """The reader of what a host shows, with decoding processes of its own for what it reads.

    Args:
        settings: all of them.
        name: the host's, for messages.
        trusted: configured addresses; every other one must be public.
    """
    return Served(
        name, trusted, _pool(settings), retry=retry(settings), timeout=settings.upload_timeout
    )


def _fitting(settings: Settings, destination: str, plain: ImageHost) -> ImageHost:
    """The host, behind what makes content fit it where settings ask for that."""
    wish = settings.upload_renderings.get(destination)  # type: ignore[call-overload]
    takes = plain.takes if isinstance(plain, Taking) else None  # None: anything that we have
    if wish is None and takes is None:
        return plain
    wish, takes = wish or HostRendering(), takes or Takes.alike(ImageFormat, None)
    narrowed = takes.within(wish.formats, wish.max_bytes)
    kind = ProbingOptimisingHost if isinstance(plain, Probing) else OptimisingHost
    return kind(plain, narrowed, wish.bounds, _pool(settings))


def _pool(settings: Settings) -> DecodingPool:
    return DecodingPool(
        workers=1,
        memory_mb=settings.image_assets_decode_memory_mb,
        seconds=settings.image_assets_decode_seconds,
        max_pixels=settings.image_assets_max_pixels,
        max_bytes=settings.image_assets_max_bytes,
    )


def contents(settings: Settings) -> Contents:
    """Contents where they lie: in the store, or in a folder of this machine."""
    return InPlace(store(settings))


def folder(root: Path, moved: Path | None = None) -> PlainFolder:
    """A folder of this machine, and where its files go once they are published."""
    return PlainFolder(root.absolute(), moved and moved.absolute())


def attempt_log(file: Path, *, exif: bool = False) -> AttemptLog:
    """The log of attempts in that file."""
    return AttemptLog(file, exif)


def tries() -> AbstractContextManager[Repeated]:
    """Sees the tries of calls to hosts in the block."""
    return watched()


HOSTS: dict[str, Callable[[Settings], ImageHost]] = {
    "chevereto": chevereto,
    "cloudinary": cloudinary,
    "freeimage": freeimage,
    "imgbb": imgbb,
    "imgur": imgur,
    "kubo": kubo,
    "local": local,
    "pinata": pinata,
    "s3": s3_host,
}
"""Every destination that a source may name (`sources.Destination`)."""
