"""Where a bucket is, who we are there, and the client that asks."""

import functools
import logging
import threading
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from image_assets.core.errors import PermanentError

_CONNECT_SECONDS = 10.0
_making = threading.Lock()  # threads may share clients, and not what makes them


@dataclass(frozen=True, slots=True)
class Names:
    """The settings that messages tell to check."""

    bucket: str = "S3_BUCKET"
    endpoint: str = "S3_ENDPOINT_URL"
    region: str = "S3_REGION"
    credential: str = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


@dataclass(frozen=True, slots=True)
class Door:
    """One bucket, and how it is asked.

    Args:
        bucket: its name.
        prefix: what every key of ours begins with, without a slash at its ends.
        endpoint_url: the service; Amazon's own when not given.
        public_endpoint_url: the service as others reach it, for signed links.
        region: the bucket's.
        key_id: who we are; boto3 looks where it always does when not given.
        secret: our key.
        token: of a session, where the key is one's.
        path_style: the bucket in the path instead of the host name.
        conditional: the service knows `If-None-Match: *` on writes; else it is asked before and
            after, which leaves a moment in which two writers may both write.
        checksums: SHA-256 beside every object, compared and kept by the service; MD5 on the way
            alone for services that know no other.
        connections: kept at most.
        timeout: seconds of silence that end a request.
        names: the settings that messages tell to check.
    """

    bucket: str
    prefix: str = ""
    endpoint_url: str | None = None
    public_endpoint_url: str | None = None
    region: str | None = None
    key_id: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    path_style: bool = False
    conditional: bool = True
    checksums: bool = True
    connections: int = 16
    timeout: float = 30.0
    names: Names = Names()

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold."""
        return tuple(filter(None, (self.key_id, self.secret, self.token)))


@functools.cache
def _session() -> Any:
    """One for the process: to read the description of S3 takes most of a second."""
    return boto3.session.Session()


def connect(door: Door, *, public: bool = False) -> Any:
    """A client that asks once: how often it asks again is decided here and not there.

    Raises:
        PermanentError: the address or the region is none.
    """
    # Its debug log holds signatures and whole answers.
    logging.getLogger("botocore").setLevel(logging.INFO)
    config = Config(
        signature_version="s3v4",  # the default signs links by version 2 for some addresses
        s3={"addressing_style": "path" if door.path_style else "virtual"},
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=min(_CONNECT_SECONDS, door.timeout),
        read_timeout=door.timeout,
        max_pool_connections=door.connections,
        # We give checksums of our own, and hash what we read: older services refuse boto3's.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    endpoint = (door.public_endpoint_url if public else None) or door.endpoint_url
    try:
        with _making:
            session = _session()
            return session.client(
                "s3",
                # Where the region is neither given nor known to boto3, S3 itself falls back to this.
                region_name=door.region or session.region_name or "us-east-1",
                endpoint_url=endpoint,
                config=config,
                aws_access_key_id=door.key_id,
                aws_secret_access_key=door.secret,
                aws_session_token=door.token,
            )
    except (BotoCoreError, ValueError) as error:
        names = door.names
        raise PermanentError(
            f"{door}: {error}; check {names.endpoint} and {names.region}"
        ) from error
