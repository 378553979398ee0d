"""Rotating tokens at rest: one row an account, renewed by one process at a time."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, exists, select, update

from image_assets.core.errors import RejectedError
from image_assets.ports.tokens import Grant, Token
from image_assets.services.catalog import leases
from image_assets.services.catalog.dialects import insert, lock
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.schema import leases as held_leases
from image_assets.services.catalog.schema import tenants
from image_assets.services.catalog.shops import tokens


@dataclass(frozen=True, slots=True)
class SqlTokens:
    """Fulfils `ports.tokens.Vault` for one service."""

    engine: Engine
    service: str = "etsy"

    def token(self, tenant: str, account: str) -> Token | None:
        """The newest token; None before anybody logged in."""
        with reading(self.engine) as connection:
            row = connection.execute(
                select(tokens)
                .join(tenants, tenants.c.id == tokens.c.tenant_id)
                .where(tenants.c.name == tenant, self._account(account))
            ).one_or_none()
            if row is None:
                return None
            name = self._lease(tenant, account, row.version)
            tried = connection.scalar(select(exists().where(held_leases.c.name == name)))
        grant = Grant(row.access_token, row.refresh_token or "", row.expires_at)
        return Token(grant, row.version, bool(tried))

    def keep(self, tenant: str, account: str, grant: Grant, *, now: dt.datetime) -> Token:
        """A new login: it takes the place of what was there."""
        with writing(self.engine) as connection:
            lock(connection, "tokens", tenant, account)
            connection.execute(
                insert(connection, tenants)
                .values(name=tenant, created_at=now)
                .on_conflict_do_nothing(index_elements=["name"])
            )
            number = tenant_id(connection, tenant)
            before = connection.scalar(select(tokens.c.version).where(self._this(number, account)))
            version = (before or 0) + 1
            identity = {"tenant_id": number, "service": self.service, "account": account}
            values = _values(grant) | {"version": version}
            connection.execute(
                insert(connection, tokens)
                .values(identity | values)
                .on_conflict_do_update(index_elements=list(identity), set_=values)
            )
            self._forget(connection, tenant, account, before)
            return Token(grant, version)

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
        with writing(self.engine) as connection:
            lock(connection, "tokens", tenant, account)
            this = self._this(tenant_id(connection, tenant), account)
            if connection.scalar(select(tokens.c.version).where(this)) != version:
                return False
            name = self._lease(tenant, account, version)
            return leases.take(connection, name, owner, until=until, now=now)

    def renewed(
        self,
        tenant: str,
        account: str,
        version: int,
        owner: str,
        grant: Grant,
        *,
        now: dt.datetime,
    ) -> Token:
        """The renewal came, and is recorded before anybody uses it.

        Raises:
            RejectedError: somebody logged in meanwhile: what they were given counts.
        """
        with writing(self.engine) as connection:
            lock(connection, "tokens", tenant, account)
            this = self._this(tenant_id(connection, tenant), account)
            changed = connection.execute(
                update(tokens)
                .where(this, tokens.c.version == version)
                .values(_values(grant) | {"version": version + 1})
            )
            if not changed.rowcount:
                raise RejectedError(f"{self.service}: shop {account} was logged in anew; run again")
            self._forget(connection, tenant, account, version)
            return Token(grant, version + 1)

    def give_back(self, tenant: str, account: str, version: int, owner: str) -> None:
        """The renewal was certainly not carried out."""
        with writing(self.engine) as connection:
            leases.give_back(connection, self._lease(tenant, account, version), owner)

    def _forget(
        self, connection: Connection, tenant: str, account: str, version: int | None
    ) -> None:
        name = self._lease(tenant, account, version or 0)
        connection.execute(delete(held_leases).where(held_leases.c.name == name))

    def _lease(self, tenant: str, account: str, version: int) -> str:
        return f"token {self.service} {tenant} {account} {version}"

    def _account(self, account: str) -> ColumnElement[bool]:
        return and_(tokens.c.service == self.service, tokens.c.account == account)

    def _this(self, tenant: int, account: str) -> ColumnElement[bool]:
        return and_(tokens.c.tenant_id == tenant, self._account(account))


def _values(grant: Grant) -> dict[str, Any]:
    return {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "expires_at": grant.expires_at,
    }
