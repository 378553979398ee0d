"""Shops at the rehearsal's Etsy: logging them in as a browser would, and services whose time is its own."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from image_assets.core.pkce import Pkce
from image_assets.ports.tokens import Grant, Vault
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.etsy import Etsy
from image_assets.services.etsy_tokens import App, Keys, Logins
from image_assets.services.http import Clock, Retry

SHOPS = {"acme": 11_111_111, "globex": 22_222_222}
"""Folders of an inbox, and the rehearsal's shops."""

REDIRECT = Profile().etsy_redirects[0]

RETRY = Retry(attempts=3, delay=0.01, seconds=20.0)

ENTRY = """\
    etsy:
      shops: {acme: 11111111, globex: 22222222}
      title: "{name} - Art Print"
      description: "A print of {name}, made for {shop}. Number {design}."
      price: 18.50
      quantity: 5
      taxonomy_id: 1027
      shipping_profile_id: 77
      readiness_state_id: 88
      tags: [print, "{name}"]
"""


def app(environment: Mapping[str, str]) -> App:
    """The rehearsal's app."""
    names = ("KEYSTRING", "SHARED_SECRET", "OAUTH_URL", "TOKEN_URL")
    return App(*(environment[f"ETSY_{name}"] for name in names), REDIRECT)


def clock(rehearsal: Rehearsal) -> Clock:
    """Time as the rehearsal has it: waiting costs none."""
    time = rehearsal.clock
    return Clock(time.epoch, time.now, time.advance, lambda: 1.0)


def agree(rehearsal: Rehearsal, shop_id: int, address: str) -> str:
    """What the browser of a shop's owner does with a login's address: where it ends."""
    rehearsal.etsy_accounts.signed_in = rehearsal.profile.etsy_shops[shop_id]
    answer = httpx.get(address)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def granted(rehearsal: Rehearsal, shop_id: int, **own: Any) -> Grant:
    """The tokens of a login from its beginning to its end."""
    logins = Logins(app(rehearsal.environment()), retry=RETRY, **own)
    pkce = Pkce.of(secrets.token_bytes(32))
    ended = agree(rehearsal, shop_id, logins.address(pkce, "a state"))
    return logins.exchange(parse_qs(urlsplit(ended).query)["code"][0], pkce)


def log_in(rehearsal: Rehearsal, vault: Vault, *shops: str, **own: Any) -> None:
    """Log shops in for good; all of them without names."""
    for shop in shops or SHOPS:
        grant = granted(rehearsal, SHOPS[shop], **own)
        vault.keep(shop, str(SHOPS[shop]), grant, now=rehearsal.clock.now())


def connect(rehearsal: Rehearsal, vault: Vault, folder: Path, **changes: Any) -> Etsy:
    """A client in the rehearsal's time."""
    environment, time = rehearsal.environment(), clock(rehearsal)
    keys = Keys(vault, Logins(app(environment), retry=RETRY, clock=time))
    known: dict[str, Any] = {
        "api_url": environment["ETSY_API_URL"],
        "pace": folder / "pace",
        "per_second": 1000,
        "retry": RETRY,
        "clock": time,
    }
    return Etsy(app(environment), keys, **(known | changes))
