"""Etsy's rotating tokens: renewed once, kept before they are used, lost without a word to nobody."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from image_assets.core.errors import AuthenticationError, InDoubtError, TransientError
from image_assets.core.pkce import Pkce
from image_assets.ports.tokens import Grant
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.etsy import Etsy
from image_assets.services.etsy_tokens import Keys, Logins
from image_assets_tests.etsying import (
    RETRY,
    SHOPS,
    agree,
    app,
    clock,
    connect,
    granted,
    log_in,
)

ACME = ("acme", SHOPS["acme"])
TOKEN = "POST /etsy-oauth/token"


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with Rehearsal(Profile()) as rehearsal:
        rehearsal.clock.set(rehearsal.clock.now(), frozen=True)
        yield rehearsal


@pytest.fixture
def etsy(rehearsal: Rehearsal, catalog: Catalog, tmp_path: Path) -> Iterator[Etsy]:
    log_in(rehearsal, catalog.tokens, "acme", clock=clock(rehearsal))
    etsy = connect(rehearsal, catalog.tokens, tmp_path)
    yield etsy
    etsy.close()


def token(catalog: Catalog) -> Any:
    return catalog.tokens.token("acme", str(SHOPS["acme"]))


def test_nobody_logged_in_says_what_to_do(rehearsal, catalog, tmp_path):
    etsy = connect(rehearsal, catalog.tokens, tmp_path)

    with pytest.raises(AuthenticationError, match="image-assets etsy login --shop acme"):
        etsy.probe(*ACME)


def test_a_token_is_renewed_before_it_expires_and_the_new_one_is_kept(etsy, rehearsal, catalog):
    first = token(catalog)
    rehearsal.clock.advance(3600 - 60)

    etsy.probe(*ACME)

    second = token(catalog)
    assert (first.version, second.version, second.tried) == (1, 2, False)
    assert second.grant.refresh_token != first.grant.refresh_token
    assert (rehearsal.etsy_accounts.renewed, rehearsal.etsy_accounts.refused) == (1, 0)


def test_a_token_that_etsy_refuses_is_renewed_once(etsy, rehearsal, catalog):
    rehearsal.etsy_accounts._access.clear()  # as after a restart of theirs

    etsy.probe(*ACME)

    assert token(catalog).version == 2


def test_a_token_that_is_refused_again_and_again_ends_in_words(etsy, rehearsal):
    expired = {"error": "invalid_token", "error_description": "access token is expired"}
    body, kind = json.dumps(expired), {"Content-Type": "application/json"}
    rehearsal.inject("GET /etsy/", {"kind": "status", "status": 401, "body": body, "headers": kind})

    with pytest.raises(AuthenticationError, match="etsy login --shop acme"):
        etsy.probe(*ACME)


def test_a_login_that_was_revoked_says_what_to_do(etsy, rehearsal):
    rehearsal.etsy_accounts.revoke(501)

    with pytest.raises(AuthenticationError, match=r"no longer valid.*etsy login --shop acme"):
        etsy.probe(*ACME)


def test_a_renewal_whose_answer_is_lost_is_marked_and_then_says_what_to_do(
    etsy, rehearsal, catalog
):
    rehearsal.clock.advance(3600)
    rehearsal.inject(TOKEN, {"kind": "drop_after"}, times=1)

    with pytest.raises(TransientError, match="login is lost: image-assets etsy login"):
        etsy.probe(*ACME)
    marked = token(catalog).tried
    rehearsal.clock.advance(120)
    with pytest.raises(AuthenticationError, match="cut off before its token was kept"):
        etsy.probe(*ACME)

    assert marked
    assert rehearsal.etsy_accounts.refused == 1


def test_a_renewal_that_never_arrived_costs_nothing(etsy, rehearsal, catalog):
    rehearsal.clock.advance(3600)
    rehearsal.inject(TOKEN, {"kind": "status", "status": 503}, times=2)

    etsy.probe(*ACME)

    assert (token(catalog).version, token(catalog).tried) == (2, False)


def test_a_new_login_takes_the_place_of_a_lost_one(etsy, rehearsal, catalog):
    rehearsal.etsy_accounts.revoke(501)

    log_in(rehearsal, catalog.tokens, "acme", clock=clock(rehearsal))
    etsy.probe(*ACME)

    assert token(catalog).version == 2


def test_a_killed_renewal_is_taken_up_after_its_lease(etsy, rehearsal, catalog):
    rehearsal.clock.advance(3600)
    now = rehearsal.clock.now()
    until = rehearsal.clock.now().replace(microsecond=0)
    assert catalog.tokens.begin(*map(str, ACME), 1, "somebody killed", until=until, now=now)

    etsy.probe(*ACME)

    assert (token(catalog).version, token(catalog).tried) == (2, False)


def test_tokens_of_one_shop_are_not_anothers(rehearsal, catalog):
    log_in(rehearsal, catalog.tokens, clock=clock(rehearsal))

    acme, globex = (catalog.tokens.token(s, str(n)) for s, n in SHOPS.items())

    assert acme.grant.access_token.startswith("501.")
    assert globex.grant.access_token.startswith("502.")
    assert catalog.tokens.token("acme", str(SHOPS["globex"])) is None


RACE = """
import sys
from pathlib import Path
from image_assets.services.catalog import open_catalog
from image_assets.services.etsy_tokens import App, Keys, Logins
from image_assets.services.http import Retry

url, ready, *names = sys.argv[1:]
catalog = open_catalog(url)
Path(ready).touch()
sys.stdin.readline()
keys = Keys(catalog.tokens, Logins(App(*names), retry=Retry(attempts=2, delay=0.1, seconds=20.0)))
for _ in range(3):
    token = keys.key("acme", 11111111)
print(token.version, token.grant.access_token)
"""


def test_of_four_processes_one_renews_and_all_use_its_token(database_url, tmp_path):
    with Rehearsal(Profile(etsy_access_seconds=3600, latency=0.2)) as rehearsal:
        catalog = open_catalog(database_url)
        grant = granted(rehearsal, SHOPS["acme"])
        old = Grant(grant.access_token, grant.refresh_token, rehearsal.clock.now())
        catalog.tokens.keep("acme", str(SHOPS["acme"]), old, now=rehearsal.clock.now())
        known = app(rehearsal.environment())
        names = [getattr(known, name) for name in known.__slots__]
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACE, database_url, str(tmp_path / str(n)), *names],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(4)
        ]
        while not all((tmp_path / str(n)).exists() for n in range(4)):
            assert all(racer.poll() is None for racer in racers)
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        told = {racer.communicate(timeout=60)[0].strip() for racer in racers}

        kept = catalog.tokens.token("acme", str(SHOPS["acme"]))
        catalog.dispose()
        assert told == {f"2 {kept.grant.access_token}"}
        assert (rehearsal.etsy_accounts.renewed, rehearsal.etsy_accounts.refused) == (1, 0)


def test_a_code_is_good_once_and_with_its_verifier_alone(rehearsal):
    logins = Logins(app(rehearsal.environment()), retry=RETRY)
    pkce, other = Pkce.of(bytes(32)), Pkce.of(b"\1" * 32)
    codes = [
        httpx.URL(agree(rehearsal, SHOPS["acme"], logins.address(pkce, "s"))).params["code"]
        for _ in range(2)
    ]
    logins.exchange(codes[0], pkce)

    with pytest.raises(AuthenticationError, match="invalid_grant"):
        logins.exchange(codes[0], pkce)
    with pytest.raises(AuthenticationError, match="invalid_grant"):
        logins.exchange(codes[1], other)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 400, "body": '{"error": "TOKEN"}'},
        {"kind": "status", "status": 500, "body": "TOKEN"},
        {"kind": "non_json", "body": '{"access_token": "TOKEN", "refresh_token": 5'},
        {"kind": "non_json", "body": '{"access_token": "TOKEN", "expires_in": 1}'},
    ],
)
def test_no_message_repeats_a_token(rehearsal, catalog, fault, caplog):
    log_in(rehearsal, catalog.tokens, "acme", clock=clock(rehearsal))
    secret = token(catalog).grant.refresh_token
    body = str(fault["body"]).replace("TOKEN", secret)
    keys = Keys(
        catalog.tokens, Logins(app(rehearsal.environment()), retry=RETRY, clock=clock(rehearsal))
    )
    rehearsal.clock.advance(3600)
    rehearsal.inject(TOKEN, fault | {"body": body}, times=3)

    with pytest.raises((AuthenticationError, TransientError, InDoubtError)) as caught:
        keys.key(*ACME)

    assert secret not in f"{caught.value!r} {caught.value.__context__!r} {caplog.text}"
    assert secret not in repr(token(catalog))
