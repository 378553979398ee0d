"""A canary in every credential, through runs that fail in every way: it is found nowhere.

The runs are real: settings from the environment, an instance on disk with its own log at DEBUG, the
catalog on PostgreSQL, services over loopback that refuse, echo what they got, dawdle and hang up.
"""

import contextlib
import datetime as dt
import logging
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import dagster as dg
import pytest
import sqlalchemy as sa

from image_assets import logs
from image_assets.defs.build import build_definitions
from image_assets.defs.resources import opened
from image_assets.rehearsal import Rehearsal
from image_assets.services.catalog.columns import metadata
from image_assets.services.catalog.engine import open_engine
from image_assets.settings import Settings, isolated, load, variables
from image_assets_tests.end_to_end.live import ROOT
from image_assets_tests.etsying import ENTRY
from image_assets_tests.journey import AT_ONCE, AUTUMN, LOCAL, ONE_A_DAY, PINATA, STREAM, asset
from image_assets_tests.leaks import holding
from image_assets_tests.services.nas.servers import USER, SftpThread, free_port, known_hosts

PINATA_KEY = "canary-pinata-6f1d/+="
CLOUDFLARE_KEY = "canary-cloudflare-2b8e"
PASSWORD = "canary-password-9c47"
NAS_PASSWORD = "canary-nas-71aa/+="
ETSY_KEY = "canary-etsy-40ce/+="
INBOX = "  - name: inbox\n    kind: inbox\n" + ENTRY
CANARY = "canary-"
SOURCE = AUTUMN + (
    "collections: [apm/in_gate], publishes: originals, destinations: [local, pinata], nas: true,"
    " latest: {store: cloudflare_kv, destination: local}}"
)
FIRST = dt.date(2025, 9, 1)
LATEST = {
    "refused": "check CLOUDFLARE_API_TOKEN",
    "echoed": "the key '***' is not known here",
    "broken": "answered 500",
    "slow": "took too long",
    "dropped": "broken or cut answer",
}


NAS = {
    "refused": "check QNAP_USERNAME and QNAP_PASSWORD",
    "echoed": "the NAS refuses (the password '***' is not known here)",
    "dropped": "the connection broke",
    "unknown": "is not a known host",
    "down": "the connection broke",
}


class Echoing(asyncssh.SFTPServer):
    """Takes nothing, and repeats the password it was given."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        raise asyncssh.SFTPFailure(f"the password '{NAS_PASSWORD}' is not known here")


class Dropping(asyncssh.SFTPServer):
    """Hangs up where a file is to be written."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self.channel.abort()
        raise asyncssh.SFTPConnectionLost("gone")


def troubles(key: str) -> dict[str, dict[str, object]]:
    """What a service does with a request; where it talks back, it repeats the key it was given."""
    echo = f"the key 'Bearer {key}' is not known here"
    return {
        "refused": {},  # the key is wrong, and the stand-in says so
        "echoed": {"kind": "status", "status": 403, "body": echo},
        "echoed as bad": {"kind": "status", "status": 400, "body": echo},
        "broken": {"kind": "status", "status": 500, "body": echo},
        "no json": {"kind": "non_json", "body": echo},
        "slow": {"kind": "delay", "seconds": 0.6},
        "dropped": {"kind": "drop_before"},
        "in doubt": {"kind": "drop_after"},
    }


@dataclass
class Evidence:
    """All that runs left behind."""

    folder: Path
    address: str
    records: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"


class Listener(logging.Handler):
    """Keeps every record of every logger as it was made, before anything was taken out of it."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(f"{record.name} {self.format(record)} {vars(record)}")


@pytest.fixture(scope="module")
def address(postgres: sa.Engine) -> str:
    """A catalog on PostgreSQL that takes any password."""
    with postgres.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE secrets"))
    url = postgres.url.set(database="secrets", password=PASSWORD)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory, address: str) -> Evidence:
    found = Evidence(tmp_path_factory.mktemp("evidence"), address)
    with (
        Rehearsal(ONE_A_DAY) as rehearsal,
        pytest.MonkeyPatch.context() as environment,
        listening(found),
    ):
        for name in variables():
            environment.delenv(name, raising=False)
        for name, value in settings(found, rehearsal).items():
            environment.setenv(name, value)
        run_into(found, rehearsal, environment)
    return found


def settings(found: Evidence, rehearsal: Rehearsal) -> dict[str, str]:
    sources = found.folder / "sources.yaml"
    sources.write_text(f"sources: [{SOURCE}]")
    return {
        **rehearsal.environment(),
        **AT_ONCE,
        "UPLOAD_MAX_RETRIES": "1",
        "UPLOAD_TIMEOUT": "0.3",
        "UPLOAD_WORKERS": "1",
        "IMAGE_ASSETS_SOURCES": str(sources),
        "IMAGE_ASSETS_DATA_DIR": str(found.folder / "data"),
        "IMAGE_ASSETS_DATABASE_URL": found.address,
        "PINATA_JWT": PINATA_KEY,
        "CLOUDFLARE_API_TOKEN": CLOUDFLARE_KEY,
        "QNAP_HOST": "127.0.0.1",
        "QNAP_USERNAME": USER,
        "QNAP_PASSWORD": NAS_PASSWORD,
        "NAS_BASE_PATH": "/Graphics",
        "NAS_MAX_RETRIES": "1",
        "NAS_TIMEOUT": "5",
        "LOG_LEVEL": "DEBUG",
    }


@contextlib.contextmanager
def listening(found: Evidence) -> Iterator[None]:
    """Everything that is said, by logger or by stream, is kept."""
    root, ours = logging.getLogger(), logging.getLogger("image_assets")
    levels, handlers = (root.level, ours.level), list(ours.handlers)
    root.addHandler(listener := Listener(found.records))
    root.setLevel(logging.DEBUG)
    with (
        (found.folder / "stdout.txt").open("w") as out,
        (found.folder / "stderr.txt").open("w") as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        yield
    root.removeHandler(listener)
    ours.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def run_into(found: Evidence, rehearsal: Rehearsal, environment: pytest.MonkeyPatch) -> None:
    """Every trouble, while logs are text and while they are JSON; then no database."""
    found.home.mkdir()
    text = (ROOT / "dagster_home/dagster.yaml").read_text()
    (found.home / "dagster.yaml").write_text(text.replace("log_level: INFO", "log_level: DEBUG"))
    loaded = load()
    with dg.DagsterInstance.from_config(str(found.home)) as instance:
        taken = Runs(loaded, instance)
        names = list(troubles(""))
        half = len(names) // 2
        taken.range(["images", LOCAL], 1, 2 * half)
        for style, first, met in (("text", 1, names[:half]), ("json", 1 + half, names[half:])):
            logs.configure(loaded.log_level, style, loaded.secrets)
            meet(rehearsal, "(POST|GET) /pinata", [troubles(PINATA_KEY)[name] for name in met])
            told = taken.range([PINATA], first, first + half - 1)
            found.failures |= {f"pinata {name}": told for name in met}
        for number, name in enumerate(LATEST):
            logs.configure(loaded.log_level, ("text", "json")[number % 2], loaded.secrets)
            if fault := troubles(CLOUDFLARE_KEY)[name]:
                rehearsal.inject("(PUT|GET) /cloudflare", fault)
            found.failures[f"cloudflare {name}"] = taken.latest()
            rehearsal.clear_faults()
        taken.range(["designs"], 1, len(NAS) + 1)
        for number, name in enumerate([*NAS, "works"], start=1):
            logs.configure(loaded.log_level, ("text", "json")[number % 2], loaded.secrets)
            with nas(found.folder / f"nas {name}", name, environment):
                found.failures[f"nas {name}"] = taken.range(["nas"], number, number)
        for name, dead in dead_databases().items():
            environment.setenv("IMAGE_ASSETS_DATABASE_URL", dead)
            found.failures[name] = taken.range(["images"], 1, 1)


def meet(rehearsal: Rehearsal, route: str, faults: list[dict[str, object]]) -> None:
    """One trouble for each day: whom no fault strikes, the stand-in refuses for his key."""
    for fault in faults:
        if fault:
            rehearsal.inject(route, fault, times=1)


@contextlib.contextmanager
def nas(folder: Path, trouble: str, environment: pytest.MonkeyPatch) -> Iterator[None]:
    """A NAS by SFTP with this trouble, or none; what it says itself is not ours."""
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    (folder / "root" / "Graphics").mkdir(parents=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    speaks = {"echoed": Echoing, "dropped": Dropping}.get(trouble, asyncssh.SFTPServer)
    password = "another" if trouble == "refused" else NAS_PASSWORD
    with SftpThread(folder / "root", key, password=password, speaks=speaks) as server:
        port = free_port() if trouble == "down" else server.port
        trusted = known_hosts(folder / "known_hosts", port + (trouble == "unknown"), key)
        environment.setenv("QNAP_PORT", str(port))
        environment.setenv("NAS_KNOWN_HOSTS", str(trusted))
        yield


def dead_databases() -> dict[str, str]:
    return {
        "database dead": f"postgresql+psycopg2://me:{PASSWORD}@127.0.0.1:9/catalog",
        "database unknown": f"mysql://me:{PASSWORD}@127.0.0.1/catalog",
        "database no address": f"me:{PASSWORD}@nowhere",
    }


class Runs:
    """Runs of the definitions as Dagster loads them, and what their failures say."""

    def __init__(self, loaded: Settings, instance: dg.DagsterInstance) -> None:
        self._job = build_definitions(loaded).resolve_implicit_global_asset_job_def()
        self._instance = instance

    def range(self, stages: list[str], first: int, last: int) -> str:
        start, end = (f"{FIRST + dt.timedelta(days=n - 1)}|{STREAM}" for n in (first, last))
        tag = "dagster/asset_partition_range"
        return self._run(stages, tags={f"{tag}_start": start, f"{tag}_end": end})

    def latest(self) -> str:
        return self._run(["latest"], partition_key=STREAM)

    def _run(self, stages: list[str], **of: object) -> str:
        result = self._job.execute_in_process(
            instance=self._instance,
            asset_selection=[asset(stage) for stage in stages],
            raise_on_error=False,
            **of,  # type: ignore[arg-type]
        )
        told = [entry.to_json() for entry in self._instance.all_logs(result.run_id)]
        return "\n".join(event for event in told if "FAILURE" in event)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("refused", "check PINATA_JWT"),
        ("echoed", "answered 403 Forbidden: the key '***' is not known here"),
        ("echoed as bad", "answered 400 Bad Request: the key '***' is not known"),
        ("broken", "answered 500"),
        ("no json", "which is not JSON: the key '***' is not known here"),
        ("slow", "took too long"),
        ("dropped", "broken or cut answer"),
        ("in doubt", "may have been carried out"),
    ],
)
def test_every_trouble_of_an_upload_was_met_and_is_told(evidence, trouble, words):
    assert words in evidence.failures[f"pinata {trouble}"]


@pytest.mark.parametrize(("trouble", "words"), LATEST.items())
def test_every_trouble_of_latest_was_met_and_is_told(evidence, trouble, words):
    assert words in evidence.failures[f"cloudflare {trouble}"]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("database dead", "the database did not answer"),
        ("database unknown", "mysql will not do"),
        ("database no address", "is not a database URL"),
    ],
)
def test_every_trouble_of_the_catalog_was_met_and_is_told(evidence, trouble, words):
    assert words in evidence.failures[trouble]


@pytest.mark.parametrize(("trouble", "words"), NAS.items())
def test_every_trouble_of_the_nas_was_met_and_is_told(evidence, trouble, words):
    assert words in evidence.failures[f"nas {trouble}"]


def test_a_nas_that_works_takes_the_design_and_tells_no_failure(evidence):
    assert evidence.failures["nas works"] == ""
    assert len(list((evidence.folder / "nas works/root/Graphics/in_gate").iterdir())) == 1


def test_the_dagster_home_holds_no_canary(evidence):
    files = {f.suffix for f in evidence.home.rglob("*") if f.is_file()}

    assert {".db", ".err"} <= files  # event and run databases, and captured streams
    assert holding(evidence.home, CANARY) == []


def test_what_dagster_stores_compressed_holds_no_canary(evidence):
    (runs,) = evidence.home.rglob("runs.db")
    with contextlib.closing(sqlite3.connect(runs)) as database:
        bodies = [
            zlib.decompress(row[0])
            for row in database.execute("SELECT snapshot_body FROM snapshots")
        ]

    assert bodies
    assert not [body for body in bodies if CANARY.encode() in body]


def test_the_store_and_the_streams_hold_no_canary(evidence):
    said = (evidence.folder / "stderr.txt").read_text()

    assert "answered 403" in said  # as text
    assert '"level": "ERROR"' in said  # as JSON
    assert holding(evidence.folder, CANARY) == []


def test_no_record_of_any_logger_held_a_canary_even_before_it_was_written(evidence):
    names = {record.partition(" ")[0] for record in evidence.records}

    assert {"image_assets", "alembic"} <= {name.partition(".")[0] for name in names}
    assert [record[:300] for record in evidence.records if CANARY in record] == []


def test_the_catalog_holds_no_canary(evidence):
    with open_engine(evidence.address).connect() as connection:
        rows = [
            str(row)
            for table in metadata.sorted_tables
            for row in connection.execute(sa.select(table))
        ]

    assert any("answered 403" in row for row in rows)
    assert [row for row in rows if CANARY in row] == []


def test_services_and_settings_do_not_show_their_keys(tmp_path):
    sources = tmp_path / "sources.yaml"
    sources.write_text(f"sources:\n  - {SOURCE}\n{INBOX}")
    keys = {
        "PINATA_JWT": PINATA_KEY,
        "CLOUDFLARE_API_TOKEN": CLOUDFLARE_KEY,
        "CLOUDFLARE_ACCOUNT_ID": "a",
        "KV_NAMESPACE_ID": "b",
        "QNAP_HOST": "127.0.0.1",
        "QNAP_USERNAME": USER,
        "QNAP_PASSWORD": NAS_PASSWORD,
        "ETSY_KEYSTRING": ETSY_KEY,
        "ETSY_SHARED_SECRET": ETSY_KEY,
        "IMAGE_ASSETS_SOURCES": str(sources),
        "IMAGE_ASSETS_DATA_DIR": str(tmp_path),
    }
    given = isolated(keys)

    with opened(given) as services:
        assert services["etsy"].budget.used == 0  # it is there
        shown = f"{given!r} {given} {services!r} {[str(s) for s in services.values()]}"

    assert CANARY not in shown


@pytest.mark.parametrize("write", ["text", "sqlite", "utf-16", "quoted"])
def test_the_search_itself_finds_a_canary(tmp_path, write):
    file = tmp_path / "deep/in/here.db"
    file.parent.mkdir(parents=True)
    if write == "sqlite":
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE t (x TEXT)")
            database.execute("INSERT INTO t VALUES (?)", (f"so: {PINATA_KEY}",))
            database.commit()
    else:
        spelled = {"quoted": "canary-pinata-6f1d%2F%2B%3D"}.get(write, PINATA_KEY)
        file.write_bytes(spelled.encode("utf-16-le" if write == "utf-16" else "utf-8"))

    assert holding(tmp_path, PINATA_KEY) == ["deep/in/here.db"]
