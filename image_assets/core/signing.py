"""Links that expire: how they are signed, and which are good.

A signature is HMAC-SHA256 over version, key id, method, path, expiry and tenant, each behind its length,
so that no two of them can be read in two ways. It is spelled `v1.{key id}.{base64url}`.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from image_assets.core.model import DEFAULT_TENANT

DOWNLOAD = "/api/download/"
LEAST_BYTES = 32  # of a secret: as many as the hash has
_VERSION = "v1"
_METHOD = "GET"  # a link to read; HEAD reads less
_LEAST_LETTERS = 8  # different ones: of thirty-two random hex digits there are always more
_PLACEHOLDERS = re.compile(
    r"default.?secret|change.?(me|this|it)|your.?(secure|secret|own|key)|secret.?key|replace.?(me|this)"
    r"|placeholder|example|insecure|password|12345678",
    re.IGNORECASE,
)
# One spelling and no other: a link that was changed in any way is another link.
_QUERY = re.compile(
    r"expires=(?P<expires>[1-9][0-9]{0,11})&signature=(?P<signature>[A-Za-z0-9._-]{1,128})"
    r"(?:&tenant=(?P<tenant>[A-Za-z0-9._~-]{1,100}))?",
    re.ASCII,
)
_TENANT = re.compile(r"[A-Za-z0-9._~-]{1,100}", re.ASCII)


class Verdict(StrEnum):
    """What a link is worth."""

    GOOD = "good"
    EXPIRED = "expired"  # signed by us, and its time is over
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that signs. Its id is derived from it: whoever changes the secret changes the id."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Eight hex digits that say which secret it is, and nothing about it."""
        return hmac.digest(self.secret, b"image_assets key id", "sha256").hex()[:8]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link says of itself: epoch seconds, a signature, and whose file it is."""

    expires: int
    signature: str
    tenant: str = DEFAULT_TENANT

    @property
    def query(self) -> str:
        """The link's query: the way back from `claim`."""
        tenant = "" if self.tenant == DEFAULT_TENANT else f"&tenant={self.tenant}"
        return f"expires={self.expires}&signature={self.signature}{tenant}"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long links live, in seconds.

    Args:
        most: from signing to expiry, at most.
        skew: how far the clocks of who signs and who judges may be apart.
        compatible: whether links of the first system are good as well: hex HMAC-SHA256 over
            `{file name}:{expires}`, under the same secrets.
    """

    most: int
    skew: int = 0
    compatible: bool = False


class Signer:
    """Signs with the first of its keys and takes the links of all.

    Args:
        keys: at least one; the one in use first.
        terms: how long links live.
    """

    def __init__(self, keys: Sequence[Key], terms: Terms) -> None:
        if not keys:
            raise ValueError("a signer needs a key")
        self._keys = {key.id: key for key in reversed(keys)}
        self._current = keys[0]
        self._terms = terms

    def sign(self, name: str, expires: int, *, now: int, tenant: str = DEFAULT_TENANT) -> Claim:
        """The claim that opens the export of this name until `expires`; times in epoch seconds.

        Raises:
            ValueError: it is over already, or beyond what a link may live; no such tenant can be.
        """
        if not now < expires <= now + self._terms.most:
            raise ValueError(
                f"a link may live from 1 to {self._terms.most} seconds, not {expires - now}"
            )
        if _TENANT.fullmatch(tenant) is None:
            raise ValueError(f"{tenant[:100]!r} cannot be spelled in a link")
        return Claim(expires, _signature(self._current, name, expires, tenant), tenant)

    def judge(self, name: str, query: str, *, now: int) -> tuple[Verdict, Claim | None]:
        """Whether a link with this raw query opens the export of this name at `now` (epoch seconds).

        The claim is there unless the link is refused. Nobody learns why it was, and that it has
        expired only who has a signature of ours.
        """
        found = claim(query)
        if found is None or not self._is_ours(name, found):
            return Verdict.REFUSED, None
        if found.expires > now + self._terms.most + self._terms.skew:
            return Verdict.REFUSED, None
        if now > found.expires + self._terms.skew:
            return Verdict.EXPIRED, found
        return Verdict.GOOD, found

    def _is_ours(self, name: str, claim: Claim) -> bool:
        key = self._keys.get(claim.signature.partition(".")[2].partition(".")[0], self._current)
        expected = _signature(key, name, claim.expires, claim.tenant)
        ours = hmac.compare_digest(expected, claim.signature)
        return ours or (self._terms.compatible and self._is_of_the_first_system(name, claim))

    def _is_of_the_first_system(self, name: str, claim: Claim) -> bool:
        if claim.tenant != DEFAULT_TENANT:
            return False
        message = f"{name}:{claim.expires}".encode()
        signatures = [hmac.digest(k.secret, message, "sha256").hex() for k in self._keys.values()]
        return any([hmac.compare_digest(known, claim.signature) for known in signatures])


def claim(query: str) -> Claim | None:
    """What a raw query claims; None where it is not spelled exactly as a link's is."""
    match = _QUERY.fullmatch(query)
    if match is None or match["tenant"] == DEFAULT_TENANT:
        return None
    return Claim(int(match["expires"]), match["signature"], match["tenant"] or DEFAULT_TENANT)


def weakness(secret: str) -> str | None:
    """Why nobody should sign with this secret; None of one that is good."""
    if len(secret.encode()) < LEAST_BYTES:
        return f"is shorter than {LEAST_BYTES} bytes"
    if _PLACEHOLDERS.search(secret):
        return "is a placeholder that everybody knows"
    repeats = (secret + secret).find(secret, 1) < len(secret)
    if repeats or len(set(secret)) < _LEAST_LETTERS:
        return "repeats itself"
    return None


def _signature(key: Key, name: str, expires: int, tenant: str) -> str:
    fields = (_VERSION, key.id, _METHOD, f"{DOWNLOAD}{name}", str(expires), tenant)
    message = b"".join(_behind_its_length(text.encode()) for text in fields)
    digest = base64.urlsafe_b64encode(hmac.digest(key.secret, message, "sha256"))
    return f"{_VERSION}.{key.id}.{digest.decode().rstrip('=')}"


def _behind_its_length(field: bytes) -> bytes:
    return len(field).to_bytes(4, "big") + field
