"""`image-assets etsy` as a shop's owner and an operator meet it, against the rehearsal."""

import json
import re
import socket
import threading
from dataclasses import replace

import httpx
import pytest

from image_assets import compose
from image_assets.core.errors import AuthenticationError, PermanentError, TransientError
from image_assets.services.redirect import Redirect, code_in, listens
from image_assets.settings import load
from image_assets_tests.cli.conftest import Shell
from image_assets_tests.etsying import ENTRY, SHOPS, log_in
from image_assets_tests.stages.test_listings import fill

SOURCE = "sources:\n  - name: inbox\n    kind: inbox\n    mockups: [mug, bag]\n" + ENTRY
KEY = "acme:20250901-000000-001"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def etsy(shell: Shell) -> Shell:
    (shell.folder / "sources.yaml").write_text(SOURCE)
    shell.point_at_rehearsal()
    shell.export(IMAGE_ASSETS_SOURCES="sources.yaml", ETSY_REQUESTS_PER_SECOND="1000")
    return shell


@pytest.fixture
def filled(etsy: Shell) -> Shell:
    with compose.catalog(load()) as catalog:
        fill(catalog, etsy.folder / "data")
        log_in(etsy.rehearsal, catalog.tokens)
    return etsy


class Browser:
    """Waits for a login's address to be printed, opens it and follows where it leads."""

    def __init__(self, shell: Shell, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
        self.ended: list[httpx.Response] = []
        redirect = f"http://127.0.0.1:{port}/oauth/redirect"
        shell.export(ETSY_REDIRECT_URL=redirect)
        registered = replace(shell.rehearsal.profile, etsy_redirects=(redirect,))
        monkeypatch.setattr(shell.rehearsal.etsy_accounts, "_profile", registered)
        monkeypatch.setattr("image_assets.cli.etsy._print_address", self.open)
        self.strangers: list[int] = []

    def open(self, address: str) -> None:
        threading.Thread(target=self._visit, args=(address,), daemon=True).start()

    def _visit(self, address: str) -> None:
        where = httpx.get(address).headers["location"]
        for stranger in (
            where.partition("?")[0] + "?code=x&state=y",
            where.replace("/oauth", "/o"),
        ):
            self.strangers.append(httpx.get(stranger).status_code)
        self.ended.append(httpx.get(where))


def test_a_browser_that_comes_back_with_our_state_logs_the_shop_in(etsy, monkeypatch):
    browser = Browser(etsy, monkeypatch, free_port())

    done = etsy.run("etsy", "login", "--shop", "acme")

    assert done.exit_code == 0, done.output
    assert "acme is logged in to shop 11111111, which has 0 drafts" in done.output
    assert browser.strangers == [400, 404]
    with compose.catalog(load()) as catalog:
        token = catalog.tokens.token("acme", str(SHOPS["acme"]))
    assert token is not None
    assert token.grant.access_token not in done.output


def test_without_a_browser_the_address_it_ended_at_is_pasted(etsy, monkeypatch):
    told: list[str] = []

    def paste(prompt: str, *, hide_input: bool) -> str:
        assert hide_input
        return str(httpx.get(told[0]).headers["location"])

    monkeypatch.setattr("image_assets.cli.etsy._print_address", told.append)
    monkeypatch.setattr("image_assets.cli.etsy.typer.prompt", paste)

    done = etsy.run("etsy", "login", "--shop", "acme", "--code")

    assert done.exit_code == 0, done.output
    assert re.search(r"code_challenge_method=S256", told[0])


def test_nobody_who_comes_ends_in_words(etsy):
    etsy.export(
        ETSY_REDIRECT_URL=f"http://127.0.0.1:{free_port()}/oauth/redirect",
        ETSY_LOGIN_SECONDS="0.1",
    )

    done = etsy.run("etsy", "login", "--shop", "acme")

    assert done.exit_code == 1
    assert "nobody came back from Etsy" in done.output


def test_which_shop_has_to_be_said_where_there_are_two(etsy):
    assert "with --shop: acme, globex" in etsy.run("etsy", "login").output
    assert "no shop 'other' at Etsy" in etsy.run("etsy", "login", "--shop", "other").output


def test_without_keys_the_variable_is_named(etsy, monkeypatch):
    monkeypatch.delenv("ETSY_SHARED_SECRET")

    done = etsy.run("etsy", "login", "--shop", "acme")

    assert (done.exit_code, "ETSY_SHARED_SECRET is not set" in done.output) == (1, True)


def test_status_shows_who_is_logged_in_and_what_etsy_says(etsy):
    with compose.catalog(load()) as catalog:
        log_in(etsy.rehearsal, catalog.tokens, "acme")

    done = etsy.run("etsy", "status")

    assert done.exit_code == 1
    assert re.search(r"acme .*11111111 .*renewed 0 times, until .* 0 drafts", done.output)
    assert "etsy login --shop globex" in done.output
    assert "1 of 5000 requests of 24 hours used" in done.output


def test_a_preview_is_the_exact_listing_and_sends_nothing(filled):
    before = filled.rehearsal.requests()["total"]

    shown = json.loads(filled.run("etsy", "preview", KEY, "--json").output)
    dry = filled.run("etsy", "list", KEY, "--dry-run")
    after = filled.rehearsal.requests()["total"]
    made = filled.run("etsy", "list", KEY)

    assert after == before
    assert "3 drafts would be made; nothing was sent" in dry.output
    assert (made.exit_code, "3 drafted" in made.output) == (0, True), made.output
    drafts = filled.rehearsal.etsy.of(SHOPS["acme"])
    sent = {d.skus[0]: (d.fields["title"], d.fields["price"], len(d.images)) for d in drafts}
    assert {
        one["sku"]: (one["title"], round(float(one["price"]) * 100), len(one["images"]))
        for one in shown
    } == sent
    assert {one["state"] for one in shown} == {"draft"}


def test_a_key_that_is_no_batch_of_a_shop_is_told(filled):
    assert "is no batch" in filled.run("etsy", "preview", "acme").output
    other = filled.run("etsy", "preview", "other:20250901-000000-001")
    assert "its shop has no number at Etsy" in other.output


def test_the_doctor_looks_at_each_shop(etsy):
    with compose.catalog(load()) as catalog:
        log_in(etsy.rehearsal, catalog.tokens, "acme")

    done = etsy.run("doctor").output

    assert "shop 11111111 answers, it has 0 drafts" in done
    assert "nobody logged in for globex" in done


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("http://127.0.0.1:1/x?code=c&state=other", PermanentError, "state is another"),
        ("http://127.0.0.1:1/x?code=c", PermanentError, "state is another"),
        ("http://127.0.0.1:1/x?state=ours", PermanentError, "holds no code"),
        ("http://127.0.0.1:1/x?error=access_denied&state=ours", AuthenticationError, "not agree"),
    ],
)
def test_an_address_that_is_not_this_logins_is_refused(address, error, words):
    with pytest.raises(error, match=words):
        code_in(address, "ours")


def test_only_this_machines_addresses_are_listened_at():
    assert listens("http://127.0.0.1:3003/oauth/redirect")
    assert not listens("https://shop.example/oauth")
    with pytest.raises(PermanentError, match="--code"):
        Redirect("https://shop.example/oauth")


def test_a_port_that_is_taken_says_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PermanentError, match="use --code"):
            Redirect(f"http://127.0.0.1:{port}/")


def test_who_only_connects_keeps_nobody_out():
    port = free_port()
    with Redirect(f"http://127.0.0.1:{port}/x") as back:
        with socket.create_connection(("127.0.0.1", port)):
            pass
        with pytest.raises(TransientError, match="nobody came back"):
            back.code("ours", 0.2)
