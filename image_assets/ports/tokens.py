"""Tokens that change with every use: kept so that no two processes renew one at the same time."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login, or a renewal, gives. Neither token ever shows."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Token:
    """A grant as it is kept; its version grows with every renewal.

    `tried`: a renewal of this very version began, and its end was not recorded yet, or never.
    """

    grant: Grant
    version: int
    tried: bool = False


class Vault(Protocol):
    """Tokens by tenant, service and account."""

    def token(self, tenant: str, account: str) -> Token | None:
        """The newest token; None before anybody logged in."""
        ...

    def keep(self, tenant: str, account: str, grant: Grant, *, now: dt.datetime) -> Token:
        """A new login: it takes the place of what was there."""
        ...

    def begin(
        self,
        tenant: str,
        account: str,
        version: int,
        owner: str,
        *,
        until: dt.datetime,
        now: dt.datetime,
    ) -> bool:
        """Renew this version alone; False while another does, or when there is a newer one."""
        ...

    def renewed(
        self, tenant: str, account: str, version: int, owner: str, grant: Grant, *, now: dt.datetime
    ) -> Token:
        """The renewal came, and is recorded before anybody uses it."""
        ...

    def give_back(self, tenant: str, account: str, version: int, owner: str) -> None:
        """The renewal was certainly not carried out."""
        ...
