"""What a bucket says of its objects."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from image_assets.services.s3.bodies import hex_of
from image_assets.services.s3.calls import StrangeAnswerError

WRITER, SHA256 = "writer", "sha256"
"""The names of our metadata."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a bucket says of an object.

    `sha256` is the checksum that the service compared on arrival and keeps, where it keeps one of the
    whole object; `claimed` is what its writer wrote beside it.
    """

    size: int
    modified_at: dt.datetime
    sha256: str | None
    claimed: str | None
    writer: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a listing, by our key."""

    key: str
    size: int
    modified_at: dt.datetime


def held_of(answer: Any) -> Held:
    """What the headers of an object say.

    Raises:
        StrangeAnswerError: they are no object's.
    """
    if not answer.get("ETag") or "LastModified" not in answer:
        raise StrangeAnswerError("a success without an ETag and a date")
    labels = answer.get("Metadata", {})
    return Held(
        answer["ContentLength"],
        answer["LastModified"].astimezone(dt.UTC),
        hex_of(answer.get("ChecksumSHA256")),
        labels.get(SHA256),
        labels.get(WRITER),
    )
