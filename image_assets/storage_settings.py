"""The settings of S3: a bucket for the store, and one to publish in. A part of `settings.Settings`.

The keys have the names that every tool of Amazon's reads; unset, boto3 looks where it always does
(its own files, the role of this machine).
"""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class StorageSettings(BaseSettings):
    """Where the store lies, and how S3 is asked."""

    # Store in S3, or a service that speaks like it (docs/storage.md)
    image_assets_store: Literal["local", "s3"] = Field(
        "local",
        description="`local`: pictures lie in the data folder; `s3`: in S3_BUCKET (scratch files and reports stay).",
    )
    s3_bucket: str | None = Field(None, description="S3: the bucket of the store.")
    s3_prefix: str = Field(
        "",
        pattern=r"^([^/\\]+(/[^/\\]+)*)?$",
        description="S3: what every key of ours begins with.",
    )
    s3_endpoint_url: str | None = Field(
        None,
        description="S3: the service, such as https://storage.googleapis.com; Amazon's when unset.",
    )
    s3_public_endpoint_url: str | None = Field(
        None,
        description="S3: the service as readers of signed links reach it; S3_ENDPOINT_URL when unset.",
    )
    s3_region: str | None = Field(None, description="S3: the bucket's region.")
    aws_access_key_id: SecretStr | None = Field(
        None, description="S3: who we are; boto3's own chain (files, roles) when unset."
    )
    aws_secret_access_key: SecretStr | None = Field(None, description="S3: our key.")
    aws_session_token: SecretStr | None = Field(None, description="S3: of a session's key.")
    s3_addressing: Literal["auto", "path", "virtual"] = Field(
        "auto",
        description="S3: where the bucket is named; `auto`: in the path with S3_ENDPOINT_URL.",
    )
    s3_checksums: Literal["sha256", "md5"] = Field(
        "sha256", description="S3: `md5` for services that refuse x-amz-checksum headers."
    )
    s3_creates: Literal["conditional", "checked"] = Field(
        "conditional",
        description="S3: `checked` for services without If-None-Match on writes: look, write, look.",
    )
    s3_reread: bool = Field(
        False,
        description="S3: verifying reads every object, not the checksum that the service keeps.",
    )
    s3_part_bytes: int = Field(
        64 * 1024 * 1024,
        ge=5 * 1024 * 1024,
        le=5_000_000_000,
        description="S3: larger files are sent in parts of this size.",
    )
    s3_connections: int = Field(16, ge=1, le=128, description="S3: connections kept at most.")
    s3_timeout: float = Field(30.0, gt=0, description="S3: seconds of silence that end a request.")
    s3_max_retries: int = Field(3, ge=1, le=20, description="S3: attempts at one request.")
    s3_retry_delay: float = Field(
        1.0, ge=0, description="S3: seconds before the second attempt; doubles, with jitter."
    )

    # Publishing in a bucket: the destination `s3`. What is unset is as for the store.
    s3_publish_bucket: str | None = Field(None, description="S3: the bucket that is published in.")
    s3_publish_prefix: str = Field(
        "",
        pattern=r"^([^/\\]+(/[^/\\]+)*)?$",
        description="S3: what every published key begins with.",
    )
    s3_publish_base_url: str | None = Field(
        None,
        description="S3: where the world reads what lies below that prefix; unset, only signed links read it.",
    )
    s3_publish_endpoint_url: str | None = Field(None, description="S3: the service to publish at.")
    s3_publish_region: str | None = Field(None, description="S3: the region of that bucket.")
    s3_publish_access_key_id: SecretStr | None = Field(None, description="S3: who publishes.")
    s3_publish_secret_access_key: SecretStr | None = Field(None, description="S3: that one's key.")
    s3_publish_read_back: bool = Field(
        True, description="S3: a publication is proven by reading it as everybody does."
    )
