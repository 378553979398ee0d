"""Proof Key for Code Exchange (RFC 7636): what a login shows at its beginning, and proves at its end."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

_LEAST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Pkce:
    """A verifier, which never leaves us before the code is exchanged, and its S256 challenge."""

    verifier: str = field(repr=False)
    challenge: str

    @classmethod
    def of(cls, secret: bytes) -> "Pkce":
        """The pair that random bytes make.

        Raises:
            ValueError: fewer than 32: they could be guessed.
        """
        if len(secret) < _LEAST_BYTES:
            raise ValueError(f"a verifier is made of {_LEAST_BYTES} random bytes at least")
        verifier = _spelled(secret)
        return cls(verifier, challenge(verifier))


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier: RFC 7636, section 4.2."""
    return _spelled(hashlib.sha256(verifier.encode("ascii")).digest())


def fulfils(verifier: str, wanted: str) -> bool:
    """Whether a verifier is the one whose challenge was shown."""
    return verifier.isascii() and hmac.compare_digest(challenge(verifier), wanted)


def _spelled(value: bytes) -> str:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
