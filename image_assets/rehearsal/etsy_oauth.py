"""Etsy's logins: codes with PKCE, and tokens of which the refresh token dies with its use."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Refusal, Reply, Request, Route, dispatch, json_reply
from image_assets.rehearsal.profile import Profile

BASE = "/etsy-oauth"

_CODE_SECONDS = 60
_SCOPES = {"listings_r", "listings_w", "listings_d", "shops_r", "transactions_r"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a login asked for, until its code is exchanged."""

    user: int
    redirect_uri: str
    challenge: str = field(repr=False)
    scopes: frozenset[str] = frozenset()
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Access:
    """Whom an access token lets in."""

    user: int
    scopes: frozenset[str]
    until: float


class Accounts:
    """Who is logged in. `signed_in` is whose browser it is; `refused` counts refresh tokens that were dead."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile, self._clock = profile, clock
        self._lock = threading.Lock()
        self._routes = (
            Route("GET", "/connect", self._connect),
            Route("POST", "/token", self._token),
        )
        self.reset()

    def reset(self) -> None:
        """Nobody ever logged in."""
        with self._lock:
            self._codes: dict[str, Asked] = {}
            self._access: dict[str, Access] = {}
            self._refresh: dict[str, Access] = {}
            self.signed_in = min(self._profile.etsy_shops.values())
            self.refused = self.renewed = 0

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the login's address."""
        return dispatch(self._routes, request, lambda _: json_reply(404, {"error": "Not found"}))

    def admitted(self, token: str | None) -> Access:
        """Whom a token lets in.

        Raises:
            Refusal: 401: it is none, has expired or was revoked.
        """
        with self._lock:
            found = self._access.get(token or "")
        if found is None:
            raise _refused(401, "invalid_token", "the token is not known or was revoked")
        if found.until <= self._clock.epoch():
            raise _refused(401, "invalid_token", "access token is expired")
        return found

    def revoke(self, user: int) -> None:
        """The shop's owner takes the app's right back."""
        with self._lock:
            for held in (self._access, self._refresh):
                for token in [t for t, access in held.items() if access.user == user]:
                    del held[token]

    def _connect(self, request: Request) -> Reply:
        """The page on which the owner says yes; here he always does."""
        asked = request.parameters()
        scopes = frozenset(asked.get("scope", "").split())
        known = asked.get("redirect_uri") in self._profile.etsy_redirects
        if asked.get("client_id") != self._profile.etsy_keystring or not known:
            raise _refused(400, "invalid_request", "client_id or redirect_uri is not registered")
        if asked.get("response_type") != "code" or not scopes or not scopes <= _SCOPES:
            raise _refused(400, "invalid_request", "response_type or scope")
        if (
            asked.get("code_challenge_method") != "S256"
            or len(asked.get("code_challenge", "")) != 43
        ):
            raise _refused(400, "invalid_request", "a code_challenge by S256 is required")
        code = secrets.token_urlsafe(24)
        until = self._clock.epoch() + _CODE_SECONDS
        with self._lock:
            self._codes[code] = Asked(
                self.signed_in, asked["redirect_uri"], asked["code_challenge"], scopes, until
            )
        told = urlencode({"code": code, "state": asked.get("state", "")})
        return Reply(302, b"", {"Location": f"{asked['redirect_uri']}?{told}"})

    def _token(self, request: Request) -> Reply:
        given = _fields(request)
        if given.get("client_id") != self._profile.etsy_keystring:
            raise _refused(400, "invalid_request", "client_id is not known")
        match given.get("grant_type"):
            case "authorization_code":
                return self._exchanged(given)
            case "refresh_token":
                return self._renewed(given)
        raise _refused(400, "unsupported_grant_type", "grant_type")

    def _exchanged(self, given: Mapping[str, str]) -> Reply:
        with self._lock:
            asked = self._codes.pop(given.get("code", ""), None)
        if asked is None or asked.until <= self._clock.epoch():
            raise _refused(400, "invalid_grant", "code is not known, was used or has expired")
        if asked.redirect_uri != given.get("redirect_uri"):
            raise _refused(400, "invalid_grant", "redirect_uri is another")
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked.challenge:
            raise _refused(400, "invalid_grant", "code_verifier does not match")
        return self._give(asked.user, asked.scopes)

    def _renewed(self, given: Mapping[str, str]) -> Reply:
        with self._lock:
            # It dies here, whether the answer arrives or not; of two that race one is refused.
            held = self._refresh.pop(given.get("refresh_token", ""), None)
            self.refused += held is None
            self.renewed += held is not None
        if held is None or held.until <= self._clock.epoch():
            raise _refused(400, "invalid_grant", "refresh_token is invalid")
        return self._give(held.user, held.scopes)

    def _give(self, user: int, scopes: frozenset[str]) -> Reply:
        access, refresh = (f"{user}.{secrets.token_urlsafe(32)}" for _ in range(2))
        seconds, now = self._profile.etsy_access_seconds, self._clock.epoch()
        with self._lock:
            self._access[access] = Access(user, scopes, now + seconds)
            self._refresh[refresh] = Access(user, scopes, now + 90 * 86_400)
        return json_reply(
            200,
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": seconds,
                "refresh_token": refresh,
            },
        )


def _fields(request: Request) -> dict[str, str]:
    """A form's fields, or JSON's."""
    body = request.body.decode("utf-8", "replace")
    if request.content_type == "application/json":
        try:
            told = json.loads(body)
        except ValueError:
            told = None
        return {k: str(v) for k, v in told.items()} if isinstance(told, dict) else {}
    return dict(parse_qsl(body))


def _refused(status: int, error: str, description: str) -> Refusal:
    return Refusal(json_reply(status, {"error": error, "error_description": description}))
