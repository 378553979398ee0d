"""Links by which Pinata's private files are read: signed by the account, good for a while."""

import hashlib
import hmac
from urllib.parse import urlencode

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Request

_ALGORITHM = "PINATA1"


class Links:
    """Signs addresses, and tells whether one is signed. No two rehearsals sign alike."""

    def __init__(self, clock: Clock, key: bytes) -> None:
        self._clock, self._key = clock, key

    def signed(self, url: str, *, date: int, expires: int, method: str) -> str:
        """The address, with who may ask for it how and until when."""
        about = {
            "X-Algorithm": _ALGORITHM,
            "X-Date": str(date),
            "X-Expires": str(expires),
            "X-Method": method,
        }
        path = "/" + url.partition("//")[2].partition("/")[2]
        return f"{url}?{urlencode(about | {'X-Signature': self._signature(path, about)})}"

    def opens(self, request: Request, path: str) -> bool:
        """Whether a request for `path` has a good signature that is still valid."""
        about = request.parameters()
        signature = about.pop("X-Signature", "")
        if about.get("X-Method") != request.method or about.get("X-Algorithm") != _ALGORITHM:
            return False
        try:
            ends = int(about["X-Date"]) + int(about["X-Expires"])
        except (KeyError, ValueError):
            return False
        right = hmac.compare_digest(signature, self._signature(path, about))
        return right and self._clock.epoch() < ends

    def _signature(self, path: str, about: dict[str, str]) -> str:
        told = urlencode([("path", path), *sorted(about.items())])
        return hmac.new(self._key, told.encode(), hashlib.sha256).hexdigest()
