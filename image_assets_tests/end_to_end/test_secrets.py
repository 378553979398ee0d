"""A canary in every credential, through runs that fail in every way: it is found nowhere.

The runs are real: settings from the environment, an instance on disk with its own log at DEBUG, the
catalog on PostgreSQL, services over loopback that refuse, echo what they got, dawdle and hang up.
"""

import contextlib
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from image_assets import logs
from image_assets.defs.build import build_definitions
from image_assets.defs.resources import opened
from image_assets.rehearsal import Rehearsal
from image_assets.services.catalog.columns import metadata
from image_assets.services.catalog.engine import open_engine
from image_assets.settings import Settings, load, variables
from image_assets_tests.end_to_end.live import ROOT
from image_assets_tests.journey import AT_ONCE, CAMERA, LOCAL, ONE_A_DAY, PINATA, STREAM, asset
from image_assets_tests.leaks import holding

PINATA_KEY = "canary-pinata-6f1d/+="
CLOUDFLARE_KEY = "canary-cloudflare-2b8e"
PASSWORD = "canary-password-9c47"
CANARY = "canary-"
SOURCE = CAMERA + (
    "collections: [apm/in_gate], publishes: originals, destinations: [local, pinata],"
    " latest: {store: cloudflare_kv, destination: local}}"
)
ECHO = f"the key 'Bearer {PINATA_KEY}' or {CLOUDFLARE_KEY} is not known here"
TROUBLES: Mapping[str, Mapping[str, object]] = {
    "refused": {},  # the keys are wrong, and the stand-ins say so
    "echoed": {"kind": "status", "status": 403, "body": ECHO},
    "echoed as bad": {"kind": "status", "status": 400, "body": ECHO},
    "broken": {"kind": "status", "status": 500, "body": ECHO},
    "no json": {"kind": "non_json", "body": ECHO},
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
        self._said.append(f"{self.format(record)} {vars(record)}")


@pytest.fixture(scope="module")
def address(postgres: sa.Engine) -> str:
    """A catalog on PostgreSQL that takes any password."""
    with postgres.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE secrets"))
    url = postgres.url.set(database="secrets", password=PASSWORD)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="module", params=["text", "json"])
def evidence(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, address: str
) -> Iterator[Evidence]:
    found = Evidence(tmp_path_factory.mktemp(request.param), address)
    with (
        Rehearsal(ONE_A_DAY) as rehearsal,
        pytest.MonkeyPatch.context() as environment,
        listening(found),
    ):
        for name in variables():
            environment.delenv(name, raising=False)
        for name, value in settings(found, rehearsal, request.param).items():
            environment.setenv(name, value)
        run_into(found, rehearsal, environment)
    yield found
    with open_engine(address).begin() as connection:
        metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))


def settings(found: Evidence, rehearsal: Rehearsal, style: str) -> dict[str, str]:
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
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": style,
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
    """One day of runs for each trouble, then one without a database."""
    found.home.mkdir()
    text = (ROOT / "dagster_home/dagster.yaml").read_text()
    (found.home / "dagster.yaml").write_text(text.replace("log_level: INFO", "log_level: DEBUG"))
    loaded = load()
    logs.configure(loaded.log_level, loaded.log_format, loaded.secrets)
    with dg.DagsterInstance.from_config(str(found.home)) as instance:
        run = runner(loaded, instance)
        for number, (name, fault) in enumerate(TROUBLES.items(), 1):
            if fault:
                rehearsal.inject("(POST|GET|PUT) /(pinata|cloudflare)", fault)
            key = f"2025-09-{number:02}|{STREAM}"
            found.failures[f"pinata {name}"] = run(["images", LOCAL, PINATA], key)
            found.failures[f"cloudflare {name}"] = run(["latest"], STREAM)
            rehearsal.clear_faults()
        for name, dead in dead_databases().items():
            environment.setenv("IMAGE_ASSETS_DATABASE_URL", dead)
            found.failures[name] = run(["images"], f"2025-09-20|{STREAM}")


def dead_databases() -> dict[str, str]:
    return {
        "database dead": f"postgresql+psycopg2://me:{PASSWORD}@127.0.0.1:9/catalog",
        "database unknown": f"mysql://me:{PASSWORD}@127.0.0.1/catalog",
        "database no address": f"me:{PASSWORD}@nowhere",
    }


def runner(loaded: Settings, instance: dg.DagsterInstance) -> Callable[[list[str], str], str]:
    job = build_definitions(loaded).resolve_implicit_global_asset_job_def()

    def run(stages: list[str], key: str) -> str:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[asset(stage) for stage in stages],
            partition_key=key,
            raise_on_error=False,
        )
        log = instance.all_logs(result.run_id)
        return "\n".join(entry.to_json() for entry in log if "FAILURE" in entry.to_json())

    return run


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("pinata refused", "check PINATA_JWT"),
        ("cloudflare refused", "check CLOUDFLARE_API_TOKEN"),
        ("pinata echoed", "the key 'Bearer ***' or"),
        ("cloudflare echoed", "or *** is not known here"),
        ("pinata echoed as bad", "answered 400"),
        ("cloudflare broken", "answered 500"),
        ("pinata no json", "which is not JSON"),
        ("pinata slow", "took too long"),
        ("cloudflare slow", "took too long"),
        ("pinata dropped", "broken or cut answer"),
        ("cloudflare dropped", "broken or cut answer"),
        ("pinata in doubt", "may have been carried out"),
        ("database dead", "the database did not answer"),
        ("database unknown", "mysql will not do"),
        ("database no address", "is not a database URL"),
    ],
)
def test_every_trouble_was_met_and_is_told(evidence, trouble, words):
    assert words in evidence.failures[trouble]


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

    assert "answered 403" in said
    assert holding(evidence.folder, CANARY) == []


def test_no_record_of_any_logger_held_a_canary_even_before_it_was_written(evidence):
    loggers = ("image_assets.stages", "image_assets.services", "httpcore", "sqlalchemy")

    assert all(any(name in record for record in evidence.records) for name in loggers)
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
    from image_assets.settings import isolated

    keys = {
        "PINATA_JWT": PINATA_KEY,
        "CLOUDFLARE_API_TOKEN": CLOUDFLARE_KEY,
        "CLOUDFLARE_ACCOUNT_ID": "a",
        "KV_NAMESPACE_ID": "b",
        "IMAGE_ASSETS_DATA_DIR": str(tmp_path),
    }
    given = isolated(keys)

    with opened(given) as services:
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
