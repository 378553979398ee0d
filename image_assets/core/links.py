"""The addresses of exports, open or signed, and the way back to their keys in the store."""

import re
from dataclasses import dataclass

from image_assets.core import naming
from image_assets.core.errors import MissingSettingError, NotFoundError, PermanentError
from image_assets.core.model import DEFAULT_TENANT
from image_assets.core.signing import DOWNLOAD, Signer

STATIC = "/static/output/"

# What `naming.segment` lets through, and nothing that a path or a header could read in another way.
_NAME = re.compile(
    r"(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,254}/){0,8}[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,254}"
)
_MOST = 900


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses of exports as these settings give them.

    Args:
        base: where the application is reached, without a slash at the end.
        signer: what signs; None where no secret is set.
        signed: whether an export's address is a signed one.
        lifetime: seconds a link lives where nothing else is asked for.
    """

    base: str
    signer: Signer | None = None
    signed: bool = False
    lifetime: int = 3600

    def url(self, key: str, *, now: int, tenant: str = DEFAULT_TENANT) -> str:
        """Where the export of this store key is found: an open address, or one signed now."""
        if self.signed:
            return self.download(key, now=now, tenant=tenant)
        return f"{self.base}{STATIC}{name_of(key)}"

    def download(
        self,
        key: str,
        *,
        now: int,
        seconds: int | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> str:
        """A signed address of the export that lives so many seconds.

        Raises:
            MissingSettingError: there is no secret to sign with.
            PermanentError: nothing may live so long, or the tenant cannot be spelled.
        """
        if self.signer is None:
            raise MissingSettingError("SIGNING_SECRET", "signing links")
        name = name_of(key)
        expires = now + (self.lifetime if seconds is None else seconds)
        try:
            claim = self.signer.sign(name, expires, now=now, tenant=tenant)
        except ValueError as error:
            raise PermanentError(f"{name}: {error}") from error
        return f"{self.base}{DOWNLOAD}{name}?{claim.query}"


def name_of(key: str) -> str:
    """The name of an export in addresses: its key below the exports' folder.

    Raises:
        NotFoundError: the key is no export's.
    """
    if not is_key(key):
        raise NotFoundError(f"{key[:100]!r} is no export: their keys begin with {naming.EXPORTS}/")
    return key.removeprefix(f"{naming.EXPORTS}/")


def key_of(name: str) -> str:
    """The store key of an export by its name in addresses: the way back from `name_of`.

    Raises:
        NotFoundError: no export could have that name.
    """
    if not is_name(name):
        raise NotFoundError(f"{name[:100]!r} is no export's name")
    return f"{naming.EXPORTS}/{name}"


def is_key(key: str) -> bool:
    """Whether an export could have this key in the store."""
    name = key.removeprefix(f"{naming.EXPORTS}/")
    return name != key and is_name(name)


def is_name(name: str) -> bool:
    """Whether an export could have this name in addresses."""
    return len(name) <= _MOST and _NAME.fullmatch(name) is not None
