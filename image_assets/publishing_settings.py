"""The settings of image hosts: one class for each, whose keys and addresses they are.

A part of `settings.Settings`, which reads them.
"""

import base64
import datetime as dt
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings

from image_assets.core.cloudinary_signature import CloudinaryAccount
from image_assets.core.errors import MissingSettingError, PermanentError
from image_assets.core.looks import LookTerms
from image_assets.core.model import ImageFormat
from image_assets.core.optimising import Bounds
from image_assets.core.recipes import LEAST_BYTES, LONGEST_SIDE
from image_assets.sources import Destination


class FreeimageSettings(BaseSettings):
    """freeimage.host (original 0)."""

    freeimage_api_key: SecretStr | None = Field(None, description="freeimage.host: the key.")
    freeimage_api_url: str = Field(
        "https://freeimage.host", description="freeimage.host: root of the site."
    )
    freeimage_same_address: bool = Field(
        True,
        description="freeimage.host gives a picture it has its first address, so sending again is safe.",
    )


class CheveretoSettings(BaseSettings):
    """Any other site that runs Chevereto with its API version 1."""

    chevereto_api_url: str | None = Field(
        None, description="Chevereto: root of the site, without /api/1."
    )
    chevereto_api_key: SecretStr | None = Field(None, description="Chevereto: the key.")
    chevereto_images_url: str | None = Field(
        None, description="Chevereto: where it shows pictures, if that is no public address."
    )
    chevereto_same_address: bool = Field(
        False, description="That site gives a picture it has its first address."
    )
    chevereto_max_bytes: int | None = Field(
        None, ge=1, description="Larger files are not offered to that site; unknown when unset."
    )


class ImgbbSettings(BaseSettings):
    """imgbb."""

    imgbb_api_key: SecretStr | None = Field(None, description="imgbb: the key.")
    imgbb_api_url: str = Field("https://api.imgbb.com", description="imgbb: root of the API.")
    imgbb_expiration: int | None = Field(
        None,
        ge=60,
        le=15_552_000,
        description="imgbb: seconds a picture stays; for ever when unset.",
    )


class ImgurSettings(BaseSettings):
    """Imgur."""

    imgur_client_id: SecretStr | None = Field(
        None, description="Imgur: the id of a registered client."
    )
    imgur_api_url: str = Field("https://api.imgur.com", description="Imgur: root of the API.")
    imgur_images_url: str = Field(
        "https://i.imgur.com", description="Imgur: where it shows pictures."
    )


class CloudinarySettings(BaseSettings):
    """Cloudinary."""

    cloudinary_url: SecretStr | None = Field(
        None,
        description="Cloudinary: `cloudinary://key:secret@cloud`; each of the next three goes before it.",
    )
    cloudinary_cloud_name: str | None = Field(None, description="Cloudinary: the cloud.")
    cloudinary_api_key: SecretStr | None = Field(None, description="Cloudinary: the key.")
    cloudinary_api_secret: SecretStr | None = Field(
        None, description="Cloudinary: the key's secret, which signs and is never sent."
    )
    cloudinary_signature: Literal["sha1", "sha256"] = Field(
        "sha1", description="Cloudinary: how the account is told to sign."
    )
    cloudinary_api_url: str = Field(
        "https://api.cloudinary.com", description="Cloudinary: root of the API."
    )
    cloudinary_delivery_url: str = Field(
        "https://res.cloudinary.com", description="Cloudinary: where it shows pictures."
    )
    cloudinary_max_bytes: int = Field(
        10_000_000, ge=1, description="Cloudinary: largest picture of the plan."
    )

    @property
    def cloudinary_account(self) -> CloudinaryAccount:
        """The cloud, and who we are there.

        Raises:
            MissingSettingError: it is not said.
            PermanentError: CLOUDINARY_URL is none.
        """
        named = (self.cloudinary_cloud_name, self.cloudinary_api_key, self.cloudinary_api_secret)
        own = (v.get_secret_value() if isinstance(v, SecretStr) else v for v in named)
        parts = [mine or told for mine, told in zip(own, self._cloudinary_parts, strict=True)]
        for name, part in zip(("CLOUD_NAME", "API_KEY", "API_SECRET"), parts, strict=True):
            if not part:
                raise MissingSettingError(f"CLOUDINARY_{name}", "publishing at Cloudinary")
        cloud, key, secret = map(str, parts)
        return CloudinaryAccount(cloud, key, secret, self.cloudinary_signature)

    @property
    def _cloudinary_parts(self) -> tuple[str | None, str | None, str | None]:
        """Cloud, key and secret as the address spells them; None of what it does not."""
        if self.cloudinary_url is None:
            return None, None, None
        try:
            url = urlsplit(self.cloudinary_url.get_secret_value())
        except ValueError:
            url = urlsplit("")
        if url.scheme != "cloudinary" or not url.netloc:
            raise PermanentError(
                "CLOUDINARY_URL is no account; it is spelled cloudinary://key:secret@cloud"
            )
        # Not `hostname`, which is in lower case: clouds have names.
        cloud = url.netloc.rpartition("@")[2].partition(":")[0]
        return cloud, unquote(url.username or ""), unquote(url.password or "")

    @property
    def cloudinary_secrets(self) -> tuple[str, ...]:
        """What CLOUDINARY_URL holds besides being a secret itself."""
        try:
            return tuple(filter(None, self._cloudinary_parts[1:]))
        except PermanentError:
            return ()


class PinataSettings(BaseSettings):
    """Pinata (original 3)."""

    pinata_jwt: SecretStr | None = Field(
        None, description="Pinata: JWT with the right to write files."
    )
    pinata_group_id: str | None = Field(None, description="Pinata: group for new files.")
    pinata_uploads_url: str = Field(
        "https://uploads.pinata.cloud", description="Pinata: where files are sent."
    )
    pinata_api_url: str = Field(
        "https://api.pinata.cloud", description="Pinata: where files are listed."
    )
    pinata_gateway_url: str = Field(
        "https://gateway.pinata.cloud", description="Pinata: where files are read."
    )
    pinata_requests_per_minute: int = Field(
        60, ge=1, description="Pinata: the plan's limit (Free 60, Picnic 250, Fiesta 500)."
    )
    pinata_network: Literal["public", "private"] = Field(
        "public",
        description="Pinata: `public` is read by everybody on IPFS, `private` by signed links alone.",
    )
    pinata_read_back: bool = Field(
        False,
        description="Pinata: a publication is proven by reading it from the gateway as well.",
    )


class KuboSettings(BaseSettings):
    """A node of IPFS of our own."""

    kubo_api_url: str = Field(
        "http://127.0.0.1:5001", description="Kubo: where the node's RPC listens, without /api/v0."
    )
    kubo_gateway_url: str = Field(
        "http://127.0.0.1:8080", description="Kubo: where readers find it, without /ipfs."
    )
    kubo_authorization: SecretStr | None = Field(
        None,
        description="Kubo: `bearer:token` or `basic:user:password`, as its API.Authorizations spells it.",
    )
    kubo_read_back: bool = Field(
        True, description="Kubo: a publication is proven by reading its bytes from the node."
    )

    @property
    def kubo_header(self) -> str | None:
        """The Authorization header that KUBO_AUTHORIZATION stands for, by Kubo's own rules."""
        if self.kubo_authorization is None:
            return None
        secret = self.kubo_authorization.get_secret_value()
        kind, colon, rest = secret.partition(":")
        if not colon:
            return f"Bearer {secret}"
        if kind == "basic" and ":" in rest:
            rest = base64.b64encode(rest.encode()).decode()
        return f"{kind.capitalize()} {rest}"

    @property
    def kubo_secrets(self) -> tuple[str, ...]:
        """What KUBO_AUTHORIZATION holds besides being a secret itself, and what is sent of it."""
        if self.kubo_authorization is None or self.kubo_header is None:
            return ()
        secret = self.kubo_authorization.get_secret_value()
        return tuple(filter(None, (self.kubo_header.partition(" ")[2], secret.rpartition(":")[2])))


class HostRendering(BaseModel):
    """What is made, for one host, of what it does not take: narrower than what it takes, if at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    formats: tuple[ImageFormat, ...] | None = Field(None, min_length=1)
    max_bytes: int | None = Field(None, ge=LEAST_BYTES)
    width: int = Field(LONGEST_SIDE, ge=1, le=LONGEST_SIDE)
    height: int = Field(LONGEST_SIDE, ge=1, le=LONGEST_SIDE)
    quality: int = Field(Bounds().quality, ge=1, le=100)

    @property
    def bounds(self) -> Bounds:
        """What its renderings may be at most."""
        return Bounds(self.width, self.height, self.quality)


class OptimisingSettings(BaseSettings):
    """What happens to pictures that a host does not take as they are."""

    optimise_uploads: bool = Field(
        False,
        description="What a host does not take (size, format) is published as a rendering; else it is refused.",
    )
    upload_renderings: dict[Destination, HostRendering] = Field(
        {},
        description='Such renderings by host (JSON): `{"imgur": {"max_bytes": 2000000, "formats": ["jpeg"]}}`.',
    )


class LinkSettings(BaseSettings):
    """How what was published is looked at again (docs/verification.md)."""

    link_check_days: float = Field(
        30.0, gt=0, description="Days after which a published picture is looked at again."
    )
    link_check_confirm_hours: float = Field(
        6.0, gt=0, description="Two looks this far apart make a picture gone, or changed."
    )
    link_check_most: int = Field(
        200, ge=1, description="Most pictures of one host that one check looks at."
    )
    link_check_per_minute: float = Field(60.0, gt=0, description="Most looks a minute at one host.")

    @property
    def look_terms(self) -> LookTerms:
        """How pictures are looked at."""
        return LookTerms(
            dt.timedelta(days=self.link_check_days),
            dt.timedelta(hours=self.link_check_confirm_hours),
            self.link_check_most,
            self.link_check_per_minute,
        )


class PublishingSettings(
    FreeimageSettings,
    CheveretoSettings,
    ImgbbSettings,
    ImgurSettings,
    CloudinarySettings,
    LinkSettings,
    PinataSettings,
    KuboSettings,
    OptimisingSettings,
):
    """How every image host is asked, and each of them."""

    upload_pause: float = Field(
        1.0,
        ge=0,
        description="Seconds between two uploads to a host that says nothing of its limits.",
    )
