"""A canary in the credential of every service that is asked over HTTP, each against a server that echoes.

Whatever it answers, it repeats all that it was sent: head, address and body. No error, log line or repr
shows the canary, and no address carries it. `test_secrets` follows some of them through whole runs.
"""

import base64
import datetime as dt
import hashlib
import json
import logging
import tempfile
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from image_assets import compose, etsy_shops, hosting, notifying
from image_assets.core.errors import ImageAssetsError
from image_assets.core.generation import AspectRatio
from image_assets.core.listings import Kind, ListingText, WhoMade
from image_assets.core.model import Blob, Content, ImageFormat, Receipt
from image_assets.core.notices import Message, Notice, NoticeKind
from image_assets.core.pkce import Pkce
from image_assets.ports import Statement
from image_assets.ports.generation import Wish
from image_assets.ports.tokens import Grant
from image_assets.rehearsal.clock import Clock
from image_assets.services.catalog.columns import metadata
from image_assets.settings import Settings, isolated
from image_assets_tests.drawing import picture
from image_assets_tests.journey import AT_ONCE, AUTUMN, journey
from image_assets_tests.leaks import holding

PLAIN = "canary-7f1d/+="

STATUSES = (200, 302, 400, 401, 404, 429, 500)
QUICK = {**AT_ONCE, "UPLOAD_MAX_RETRIES": "1", "UPLOAD_TIMEOUT": "5", "UPLOAD_PAUSE": "0"}


@dataclass
class Echo:
    """A server that answers with a status and everything it was sent, in its body and in a redirect."""

    statuses: list[int] = field(default_factory=lambda: [200])
    as_json: bool = False
    addresses: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def __enter__(self) -> "Echo":
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Nothing: what is logged here is not ours."""

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self._answer
                raise AttributeError(name)

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else self._chunks()
                echo.addresses.append(self.path)
                told = f"{self.path}\n{self.headers}\n".encode() + body
                echo.heard.append(told)
                status = echo.statuses[0]
                said = echo.body(told, status)
                self.send_response(status)
                if status == 302:
                    where = urllib.parse.quote(told.decode("latin-1")[:2000], safe="")
                    self.send_header("Location", f"http://127.0.0.1:9/{where}?{where}")
                kind = "application/json" if echo.as_json else "text/html"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(said)

            def _chunks(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return b""
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hangs up may
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def body(self, told: bytes, status: int) -> bytes:
        if not self.as_json:
            return told
        text = told.decode("latin-1")
        error = {"code": 1, "message": text, "reason": text}
        answer = {"success": status == 200, "status_code": status, "status_txt": text}
        return json.dumps(answer | {"error": error, "errors": [error], "Message": text}).encode()


def spellings(secret: str) -> set[str]:
    """How a secret, or a part of it that gives it away, may be written."""
    plain = {secret, secret.strip()}
    coded = {base64.b64encode(one.encode()).decode() for one in (secret, f"canary-user:{secret}")}
    escaped = {json.dumps(one)[1:-1] for one in plain}
    quoted = {urllib.parse.quote(one, safe="") for one in plain}
    return plain | coded | escaped | quoted | {"canary-7f1d"}


@dataclass(frozen=True)
class Case:
    """A service with its canaries, and everything that is asked of it."""

    settings: dict[str, str]
    ask: Callable[[Settings, Path], None]
    secrets: tuple[str, ...] = (PLAIN,)
    in_address: bool = False
    """The address is the credential."""
    signs: bool = False
    """The credential signs, and is never sent."""


def host(name: str) -> Callable[[Settings, Path], None]:
    def ask(settings: Settings, file: Path) -> None:
        built = hosting.HOSTS[name](settings)
        body = file.read_bytes()
        sha256 = hashlib.sha256(body).hexdigest()
        content = Content(sha256, str(file), len(body), ImageFormat.JPEG, f"{sha256}.jpg")
        address = next(v for k, v in settings.model_dump().items() if _is_address(k, v, name))
        receipt = Receipt(f"{address}/pictures/1.jpg", "1", None)
        calls: list[Callable[[], object]] = [
            lambda: built.upload(content, file),
            lambda: built.find(content, file),
            lambda: built.verify(content, file, receipt),
            lambda: built.remove(receipt),
            getattr(built, "probe", lambda: None),
        ]
        each_on_its_own(calls, built)

    return ask


def _is_address(name: str, value: object, host: str) -> bool:
    return name.startswith(host) and isinstance(value, str) and value.startswith("http://127")


def each_on_its_own(calls: list[Callable[[], object]], asked: object) -> None:
    """Make every call; what it raises is told to the log, chain and all."""
    log = logging.getLogger("image_assets.canaries")
    for call in calls:
        try:
            call()
        except ImageAssetsError as error:
            log.warning("%r", error, exc_info=True)
    log.warning("%r %s", asked, asked)
    close = getattr(asked, "close", None)
    if close is not None:
        close()


def kv(settings: Settings, _: Path) -> None:
    store = compose.latest_store(settings, "cloudflare_kv")
    calls: list[Callable[[], object]] = [
        lambda: store.get("key"),
        lambda: store.put("key", "value", {"sequence": 1}),
        lambda: store.get_many(["key"]),
        lambda: store.put_many({"other": Statement("value")}),
    ]
    each_on_its_own(calls, store)


def gemini(settings: Settings, _: Path) -> None:
    generator = compose.generator(settings)
    each_on_its_own([lambda: generator.draw(Wish("a truck", AspectRatio.SQUARE))], generator)


def etsy(settings: Settings, file: Path) -> None:
    """With a token that is good, which every call sends, and with one that is to be renewed first."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        own = settings.model_copy(update={"image_assets_data_dir": Path(folder)})
        now, far = Clock(None).now(), Clock(None).now() + dt.timedelta(hours=1)
        image = Blob("a" * 64, "x", 1, ImageFormat.JPEG, 1, 1)
        with compose.catalog(own) as catalog, etsy_shops.etsy(own) as site:
            shop, logins, pkce = ("acme", 1), etsy_shops.logins(own), Pkce.of(bytes(32))
            catalog.tokens.keep("acme", "1", Grant(PLAIN, PLAIN, far), now=now)
            calls: list[Callable[[], object]] = [
                lambda: site.drafts(*shop),
                lambda: site.create(*shop, LISTING),
                lambda: site.label(*shop, 1, LISTING),
                lambda: site.ranks(*shop, 1),
                lambda: site.add_image(*shop, 1, file, image, 1),
                lambda: logins.exchange(PLAIN, pkce),
                lambda: catalog.tokens.keep("acme", "1", Grant(PLAIN, PLAIN, now), now=now),
                lambda: site.probe(*shop),
            ]
            token = catalog.tokens.token("acme", "1")
            each_on_its_own(calls, (site, logins, token))


def channel(settings: Settings, _: Path) -> None:
    now = Clock(None).now()
    notice = Notice(NoticeKind.TEST, "it", "works", 1, "default", now, now)
    for one in notifying.channels(settings):
        message = Message("msg_1", one.channel.name, now, (notice,))
        calls = [partial(one.channel.send, message), one.channel.probe]
        each_on_its_own(calls, one.channel)


LISTING = ListingText(
    "d", "t", "d", Decimal(1), 1, WhoMade.I_DID, "made_to_order", 1, Kind.DOWNLOAD
)
HOOK = "canary-7f1d-team/canary-7f1d-bot/canary-7f1d-token"
WHSEC = "whsec_" + base64.b64encode(b"canary-7f1d canary-7f1d canary").decode()
CASES: dict[str, Case] = {
    "freeimage": Case(
        {"FREEIMAGE_API_URL": "{url}", "FREEIMAGE_API_KEY": PLAIN}, host("freeimage")
    ),
    "chevereto": Case(
        {"CHEVERETO_API_URL": "{url}", "CHEVERETO_API_KEY": PLAIN}, host("chevereto")
    ),
    "imgbb": Case({"IMGBB_API_URL": "{url}", "IMGBB_API_KEY": PLAIN}, host("imgbb")),
    "imgur": Case(
        {"IMGUR_API_URL": "{url}", "IMGUR_IMAGES_URL": "{url}/i", "IMGUR_CLIENT_ID": PLAIN},
        host("imgur"),
    ),
    "cloudinary": Case(
        {
            "CLOUDINARY_API_URL": "{url}",
            "CLOUDINARY_DELIVERY_URL": "{url}/d",
            "CLOUDINARY_URL": f"cloudinary://canary-7f1d-key:{urllib.parse.quote(PLAIN, safe='')}@cloud",
        },
        host("cloudinary"),
        ("canary-7f1d-key", PLAIN),
    ),
    "s3": Case(
        {
            "S3_PUBLISH_ENDPOINT_URL": "{url}",
            "S3_PUBLISH_BUCKET": "bucket",
            "S3_PUBLISH_BASE_URL": "{url}/read",
            "S3_PUBLISH_REGION": "us-east-1",
            "S3_PUBLISH_ACCESS_KEY_ID": "AKID-not-secret",
            "S3_PUBLISH_SECRET_ACCESS_KEY": PLAIN,
            "S3_MAX_RETRIES": "1",
        },
        host("s3"),
        signs=True,
    ),
    "pinata": Case(
        {
            "PINATA_UPLOADS_URL": "{url}/u",
            "PINATA_API_URL": "{url}/a",
            "PINATA_GATEWAY_URL": "{url}/g",
            "PINATA_JWT": PLAIN,
            "PINATA_REQUESTS_PER_MINUTE": "60000",
        },
        host("pinata"),
    ),
    "kubo": Case(
        {
            "KUBO_API_URL": "{url}",
            "KUBO_GATEWAY_URL": "{url}/g",
            "KUBO_AUTHORIZATION": f"basic:canary-user:{PLAIN}",
        },
        host("kubo"),
    ),
    "cloudflare": Case(
        {
            "CLOUDFLARE_API_URL": "{url}",
            "CLOUDFLARE_API_TOKEN": PLAIN,
            "CLOUDFLARE_ACCOUNT_ID": "a",
            "KV_NAMESPACE_ID": "n",
        },
        kv,
    ),
    "gemini": Case(
        {"GEMINI_API_URL": "{url}", "GEMINI_API_KEY": PLAIN, "GEMINI_MAX_RETRIES": "1"}, gemini
    ),
    "etsy": Case(
        {
            "ETSY_API_URL": "{url}/api",
            "ETSY_OAUTH_URL": "{url}/connect",
            "ETSY_TOKEN_URL": "{url}/token",
            "ETSY_KEYSTRING": PLAIN,
            "ETSY_SHARED_SECRET": PLAIN,
            "ETSY_MAX_RETRIES": "1",
            "ETSY_TIMEOUT": "5",
            "ETSY_REQUESTS_PER_SECOND": "1000",
        },
        etsy,
    ),
    "slack": Case(
        {"SLACK_WEBHOOK_URL": "{url}/services/" + HOOK}, channel, (HOOK,), in_address=True
    ),
    "webhook": Case(
        {
            "NOTIFY_WEBHOOK_URL": "{url}/canary-7f1d-path?token=canary-7f1d-token",
            "NOTIFY_WEBHOOK_SECRET": WHSEC,
        },
        channel,
        (WHSEC, "canary-7f1d-path", "canary-7f1d-token"),
        in_address=True,
    ),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("file") / "picture.jpg"
    made.write_bytes(picture(1))
    return made


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Every record of every logger as it was made, before anything was taken out of it."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.setLevel(logging.DEBUG)
    spell = logging.Formatter().format
    return lambda: "\n".join(f"{spell(r)} {vars(r)}" for r in caplog.records)


@pytest.mark.parametrize("as_json", [False, True], ids=["page", "json"])
@pytest.mark.parametrize("name", CASES)
def test_no_answer_makes_a_service_tell_its_secret(name, as_json, file, said, capsys):
    case = CASES[name]
    with Echo(as_json=as_json) as echo:
        given = {key: value.replace("{url}", echo.url) for key, value in case.settings.items()}
        settings = isolated(QUICK | given)
        for status in STATUSES:
            echo.statuses[0] = status
            case.ask(settings, file)

    shown = said() + "".join(capsys.readouterr()) + f"{settings!r} {settings}"
    hidden = {spelling for secret in case.secrets for spelling in spellings(secret)}
    assert [spelling for spelling in hidden if spelling in shown] == []
    assert len(echo.addresses) >= len(STATUSES)
    if not case.in_address:
        addresses = "\n".join(echo.addresses)
        assert [spelling for spelling in hidden if spelling in addresses] == []
    heard = b"\n".join(echo.heard).decode("latin-1")
    assert any(spelling in heard for spelling in hidden) is not case.signs


HOSTS = [name for name in CASES if name in hosting.HOSTS]
PUBLISHING = AUTUMN + (
    f"collections: [apm/in_gate], publishes: originals, destinations: [{', '.join(HOSTS)}]}}"
)


@pytest.mark.parametrize(("status", "as_json"), [(403, False), (200, True)])
def test_no_run_leaves_a_hosts_secret_behind(tmp_path, status, as_json):
    """Every host at once, refused or answered with nonsense: events, metadata, catalog, notifications."""
    with Echo([status], as_json=as_json) as echo, dg.DagsterInstance.local_temp() as instance:
        given = {
            key: value.replace("{url}", echo.url)
            for name in HOSTS
            for key, value in CASES[name].settings.items()
        }
        with journey(
            tmp_path / "data", source=PUBLISHING, instance=instance, **QUICK | given
        ) as camera:
            assert camera.run("images").success
            run = camera.run(*[f"uploaded_urls/{name}" for name in HOSTS])
            told = [entry.to_json() for entry in instance.all_logs(run.run_id)]
            with camera.catalog.engine.connect() as connection:
                tables = metadata.sorted_tables
                rows = [str(row) for t in tables for row in connection.execute(sa.select(t))]

    hidden = {s for name in HOSTS for secret in CASES[name].secrets for s in spellings(secret)}
    assert len(run.failed_steps()) == len(HOSTS)
    assert [spelling for spelling in hidden if spelling in "\n".join([*told, *rows])] == []
    assert holding(tmp_path, "canary-7f1d") == []


def test_every_secret_of_the_settings_is_a_canary_here_or_in_the_runs():
    """A new secret needs a line above, or a run in `test_secrets`."""
    elsewhere = {
        "image_assets_database_url",  # test_secrets
        "qnap_password",  # test_secrets
        "signing_secret",  # signs links, and is sent nowhere
        "signing_secret_previous",
        "aws_access_key_id",  # the store's: the same client as the destination s3
        "aws_secret_access_key",
        "aws_session_token",
        "cloudinary_api_key",  # CLOUDINARY_URL spells both
        "cloudinary_api_secret",
    }
    here = {name.lower() for case in CASES.values() for name in case.settings}
    secret = {
        name
        for name, known in Settings.model_fields.items()
        if "SecretStr" in str(known.annotation)
    }

    assert secret - here == elsewhere
