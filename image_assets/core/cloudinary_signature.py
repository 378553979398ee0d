"""How requests to Cloudinary are signed, and how it signs what it answers: the secret itself never travels.

https://cloudinary.com/documentation/authentication_signatures, signature version 2.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Algorithm = Literal["sha1", "sha256"]

_UNSIGNED = frozenset({"file", "api_key", "cloud_name", "resource_type", "signature"})


@dataclass(frozen=True, slots=True)
class CloudinaryAccount:
    """One cloud and a key to it, which works by signatures of that algorithm alone."""

    cloud_name: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    algorithm: Algorithm = "sha1"

    def signature(self, parameters: Mapping[str, str]) -> str:
        """The hex signature of a request's parameters; what is empty or never signed is left out."""
        signed = {k: v for k, v in parameters.items() if v and k not in _UNSIGNED}
        # An escaped & cannot pretend that another parameter begins.
        pairs = sorted(f"{name}={value}".replace("&", "%26") for name, value in signed.items())
        return self._digest("&".join(pairs), self.algorithm)

    def has_signed(self, signature: str, *, public_id: str, version: str) -> bool:
        """Whether Cloudinary signed an answer about that version of an asset with our secret."""
        # The algorithm of answers is the account's, whatever we sign with: its length tells.
        algorithm: Algorithm = "sha256" if len(signature) == 64 else "sha1"
        own = self._digest(f"public_id={public_id}&version={version}", algorithm)
        return hmac.compare_digest(own.encode(), signature.encode())

    def _digest(self, text: str, algorithm: Algorithm) -> str:
        return hashlib.new(algorithm, (text + self.api_secret).encode()).hexdigest()
