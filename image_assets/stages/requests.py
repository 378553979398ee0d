"""Taking a request for pictures: its base looked at and kept, the request written down; then it is answered."""

import datetime as dt
import hashlib
import logging
import secrets
from dataclasses import dataclass, field

from image_assets.core import naming
from image_assets.core.errors import RejectedError
from image_assets.core.generation import AspectRatio
from image_assets.core.model import Blob, ImageFormat
from image_assets.ports import Accepted, Decoder, FileStore, NewRequest, RequestsCatalog

log = logging.getLogger(__name__)

BASES = frozenset({ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP})
"""The formats that a picture to work from may have: those that generators read."""

_SAME_TYPE = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_NO_TYPE = frozenset({"", "application/octet-stream"})


class WrongTypeError(RejectedError):
    """A picture is not of the type that it was said to be, or of one that nobody reads."""


class OtherRequestError(RejectedError):
    """An idempotency key was used before, for another request."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that came along: its bytes, and the media type that was said of it."""

    content: bytes = field(repr=False)
    type: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks for."""

    script: str = field(repr=False)
    aspect_ratio: AspectRatio = AspectRatio.LANDSCAPE_16_9
    count: int = 1
    image: Upload | None = None
    idempotency_key: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """The rooms that taking requests needs, together.

    `model` is who will draw, `daily` how many pictures may be asked for in a UTC day.
    """

    catalog: RequestsCatalog
    store: FileStore
    decoder: Decoder
    model: str
    daily: int | None = None

    def take(self, tenant: str, order: Order, *, now: dt.datetime) -> Accepted:
        """Write the request down; one that came before under the same idempotency key is found.

        Raises:
            UnreadableImageError: the picture is none that we accept; WrongTypeError: it is another
                than it was said to be; OtherRequestError: the key was another request's;
            QuotaExhaustedError: no more may be asked for today.
        """
        base = self._keep(tenant, order.image) if order.image is not None else None
        # Nobody guesses it: who knows the key may see the request.
        key = f"req_{secrets.token_hex(16)}"
        request = NewRequest(
            key,
            order.script,
            self.model,
            order.aspect_ratio,
            order.count,
            _digest(order, base),
            base,
            order.idempotency_key,
            order.client,
        )
        accepted = self.catalog.add(tenant, request, now=now, daily=self.daily)
        if not accepted.same:
            raise OtherRequestError("that Idempotency-Key was used before, for another request")
        if base is not None and accepted.base_path not in (None, base.path):
            self.store.delete(base.path)  # the bytes were here already, under an older name
        log.info("%s: %s", accepted.key, "asked for again" if accepted.again else "asked for")
        return accepted

    def _keep(self, tenant: str, image: Upload) -> Blob:
        """The picture in the store, decoded in full before."""
        sha256 = hashlib.sha256(image.content).hexdigest()
        with self.store.scratch() as scratch:
            file = scratch / "base"
            file.write_bytes(image.content)
            picture = self.decoder.inspect(file)
            _check_type(image.type, picture.format)
            path = naming.base_path(tenant, sha256, picture.format)
            self.store.put(file, path)
        size = len(image.content)
        return Blob(sha256, path, size, picture.format, picture.width, picture.height)


def _check_type(said: str, found: ImageFormat) -> None:
    """See that a picture is what it was said to be, and of use.

    Raises:
        WrongTypeError: it is not.
    """
    if found not in BASES:
        raise WrongTypeError(f"a base image is PNG, JPEG or WebP, not {found.value.upper()}")
    plain = said.partition(";")[0].strip().lower()
    if plain not in _NO_TYPE and _SAME_TYPE.get(plain, plain) != found.mime:
        raise WrongTypeError(f"the image is {found.mime}, and was sent as {_shown(plain)}")


def _shown(type: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in type)[:80]


def _digest(order: Order, base: Blob | None) -> str:
    """What tells two requests under one idempotency key apart."""
    parts = (order.script, order.aspect_ratio.value, str(order.count), base.sha256 if base else "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
