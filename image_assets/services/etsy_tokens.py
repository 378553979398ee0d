"""Logging in to Etsy with PKCE, and tokens that change with every use: renewed by one process at a time.

The refresh token dies with its use. So a renewal begins with a lease in the vault, and its outcome is
written there before anybody uses it; a process that was killed in between leaves the lease as a mark.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    TransientError,
)
from image_assets.core.pkce import Pkce
from image_assets.ports.tokens import Grant, Token, Vault
from image_assets.services import etsy_answers
from image_assets.services.http import Clock, Http, Politeness, Retry

log = logging.getLogger(__name__)

SCOPES = ("listings_r", "listings_w")
"""What we ask for: to see and to write listings; never to delete, never to sell."""

_MARGIN = dt.timedelta(seconds=90)
"""A token that expires sooner is renewed first."""

_LOOK_AGAIN = 0.2  # seconds, while another process renews


@dataclass(frozen=True, slots=True)
class App:
    """The app that is registered at Etsy, and where it logs in."""

    keystring: str = field(repr=False)
    shared_secret: str = field(repr=False)
    oauth_url: str
    token_url: str
    redirect_url: str


class Logins:
    """Codes and refresh tokens for tokens, at Etsy's token service."""

    def __init__(
        self, app: App, *, retry: Retry, timeout: float = 30.0, clock: Clock | None = None
    ) -> None:
        self._app, self._retry, self._timeout = app, retry, timeout
        self.clock = clock or Clock()

    @property
    def seconds(self) -> float:
        """What one call may take."""
        return self._retry.seconds

    def address(self, pkce: Pkce, state: str) -> str:
        """Where a shop's owner says yes."""
        asked = {
            "response_type": "code",
            "client_id": self._app.keystring,
            "redirect_uri": self._app.redirect_url,
            "scope": " ".join(SCOPES),
            "state": state,
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._app.oauth_url}?{urlencode(asked)}"

    def exchange(self, code: str, pkce: Pkce) -> Grant:
        """The first tokens of a login.

        Raises:
            AuthenticationError: the code is not, or no longer, good.
        """
        return self._ask(
            {
                "grant_type": "authorization_code",
                "redirect_uri": self._app.redirect_url,
                "code": code,
                "code_verifier": pkce.verifier,
            }
        )

    def renew(self, refresh_token: str) -> Grant:
        """The next tokens; sent once at most, for the one that is sent dies with it.

        Raises:
            AuthenticationError: the login is over.
            InDoubtError: nobody knows whether it died.
        """
        return self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _ask(self, given: Mapping[str, str]) -> Grant:
        read = etsy_answers.grant(self.clock.now)
        http = Http(
            "etsy",
            (self._app.token_url,),
            politeness=Politeness(1, clock=self.clock),
            retry=self._retry,
            timeout=self._timeout,
            credential="ETSY_KEYSTRING",
            secrets=(*given.values(), self._app.keystring, self._app.shared_secret),
            clock=self.clock,
        )
        try:
            answer = http.request(
                "POST",
                self._app.token_url,
                repeatable=False,
                data={"client_id": self._app.keystring, **given},
                check=read,
                explain=etsy_answers.explain_token,
            )
        finally:
            http.close()
        return read(answer)


class Keys:
    """The access token of each shop, renewed when it is time; threads and processes may share the vault."""

    def __init__(self, vault: Vault, logins: Logins) -> None:
        self._vault, self._logins = vault, logins
        self._clock = logins.clock
        self._owner = f"process {uuid.uuid4().hex}"

    def key(self, shop: str, shop_id: int, *, beyond: int = 0) -> Token:
        """A token that is good for a while; newer than the version `beyond`, which was refused.

        Raises:
            AuthenticationError: somebody has to log in; says how.
            TransientError: another process has been renewing it for too long.
        """
        account, began = str(shop_id), self._clock.monotonic()
        while True:
            token = self._vault.token(shop, account)
            if token is None:
                raise AuthenticationError(f"etsy: nobody logged in for {shop}; {_how(shop)}")
            if token.version > beyond and token.grant.expires_at - _MARGIN > self._clock.now():
                return token
            renewed = self._renewed(shop, account, token)
            if renewed is not None:
                return renewed
            if self._clock.monotonic() - began > 2 * self._lease.total_seconds():
                raise TransientError(f"etsy: another process has been renewing {shop}'s login")
            self._clock.sleep(_LOOK_AGAIN)

    @property
    def _lease(self) -> dt.timedelta:
        return dt.timedelta(seconds=self._logins.seconds + 10)

    def _renewed(self, shop: str, account: str, token: Token) -> Token | None:
        """The next token; None while another process is at it."""
        now, version = self._clock.now(), token.version
        owner = f"{self._owner} {uuid.uuid4().hex[:8]}"  # threads are as strange to each other
        until = now + self._lease
        if not self._vault.begin(shop, account, version, owner, until=until, now=now):
            return None
        if token.tried:
            log.warning("etsy: an earlier renewal of %s's login was cut off; it may be lost", shop)
        try:
            grant = self._logins.renew(token.grant.refresh_token)
        except InDoubtError as error:
            # The mark stays: whether the old token died, only asking with it tells, once.
            raise TransientError(f"{error}; if it was, the login is lost: {_how(shop)}") from None
        except AuthenticationError as error:
            self._vault.give_back(shop, account, version, owner)
            raise self._over(shop, token, error) from None
        except ImageAssetsError:
            self._vault.give_back(shop, account, version, owner)
            raise
        log.info("etsy: renewed the login of %s", shop)
        return self._vault.renewed(shop, account, version, owner, grant, now=self._clock.now())

    def _over(self, shop: str, token: Token, error: ImageAssetsError) -> AuthenticationError:
        cut = " (an earlier renewal was cut off before its token was kept)" if token.tried else ""
        return AuthenticationError(f"{error}{cut}; for {shop}: {_how(shop)}")


def _how(shop: str) -> str:
    return f"image-assets etsy login --shop {shop}"
