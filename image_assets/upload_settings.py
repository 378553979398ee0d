"""The settings of uploads, and of batches of them as original 0 had them.

A part of `settings.Settings`, which reads them.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from image_assets.sources import Destination

_CREDENTIALS: dict[Destination, tuple[str, ...]] = {
    "chevereto": ("chevereto_api_url", "chevereto_api_key"),
    "cloudinary": (
        "cloudinary_url",
        "cloudinary_cloud_name",
        "cloudinary_api_key",
        "cloudinary_api_secret",
    ),
    "freeimage": ("freeimage_api_key",),
    "imgbb": ("imgbb_api_key",),
    "imgur": ("imgur_client_id",),
    "kubo": ("kubo_authorization",),
    "pinata": ("pinata_jwt",),
    "s3": ("s3_publish_bucket", "s3_publish_access_key_id", "s3_publish_secret_access_key"),
}
"""The settings of each host that are there for nothing else."""


class UploadSettings(BaseSettings):
    """How uploads are tried, and what a batch of them is where the command does not say."""

    upload_workers: int = Field(4, ge=1, le=32, description="Parallel uploads to one destination.")
    upload_timeout: float = Field(30.0, gt=0, description="Seconds one upload may take.")
    upload_max_retries: int = Field(3, ge=1, le=20, description="Attempts at one upload.")
    upload_retry_delay: float = Field(
        2.0, ge=0, description="Seconds before the second attempt; doubles, with jitter."
    )
    upload_host: Destination = Field("freeimage", description="The host of batches of uploads.")
    upload_source_dir: Path = Field(
        Path("img/ready"), description="The folder whose pictures are uploaded."
    )
    upload_moved_dir: Path = Field(
        Path("img/generated"), description="Where `--move-uploaded` puts what is published."
    )
    upload_log: Path = Field(
        Path("logs/image_uploads.csv"), description="The log of attempts, nine columns of CSV."
    )
    upload_count: int = Field(10, ge=1, description="Pictures of one batch.")
    upload_count_limit: int = Field(20, ge=1, description="Most pictures of one batch.")

    @property
    def configured_hosts(self) -> tuple[Destination, ...]:
        """The hosts of which anything is set, so that somebody means to publish there."""
        return tuple(
            host
            for host, names in _CREDENTIALS.items()
            if any(getattr(self, name) is not None for name in names)
        )
