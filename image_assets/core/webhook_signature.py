"""How webhooks are signed (Standard Webhooks 1): by HMAC over id, time and the exact bytes of the body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

TOLERANCE = 300
"""Seconds by which a receiver's clock may differ."""

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64  # bytes of a key


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A key that both sides know."""

    key: bytes = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "WebhookSecret":
        """The key that `whsec_` and base64 spell.

        Raises:
            ValueError: they spell none of 24 to 64 bytes; the text is not repeated.
        """
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("it is not whsec_ and base64") from None
        if not _LEAST <= len(key) <= _MOST:
            raise ValueError(f"it has {len(key)} bytes, not {_LEAST} to {_MOST}")
        return cls(key)

    def signature(self, message_id: str, timestamp: int, body: bytes) -> str:
        """What the header `webhook-signature` holds; `timestamp` in seconds since 1970."""
        signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
        digest = hmac.new(self.key, signed, hashlib.sha256).digest()
        return f"v1,{base64.b64encode(digest).decode()}"

    def has_signed(
        self, signatures: str, message_id: str, timestamp: int, body: bytes, *, now: float
    ) -> bool:
        """Whether one of the signatures (separated by spaces) is ours, and no older than it may be."""
        own = self.signature(message_id, timestamp, body).encode()
        ours = [hmac.compare_digest(own, given.encode()) for given in signatures.split(" ")]
        return any(ours) and abs(now - timestamp) <= TOLERANCE
