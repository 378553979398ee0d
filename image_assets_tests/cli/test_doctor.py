"""`image-assets doctor` says what is not well, and what to do."""

import shutil
from importlib.util import find_spec

import pytest

from image_assets_tests.journey import CAMERA

DEAD = "http://127.0.0.1:9/nobody"


@pytest.fixture
def near(shell):
    shell.point_at_rehearsal()
    shell.export(DOWNLOAD_MAX_RETRIES="1", UPLOAD_MAX_RETRIES="1")
    return shell


def states(output: str) -> dict[str, str]:
    """The table's second column by its first."""
    rows = [[cell.strip() for cell in line.split("│")] for line in output.splitlines()]
    return {row[1]: row[2] for row in rows if len(row) > 3 and row[1]}


WELL = {
    "data folder": "ok",
    "catalog": "ok",
    "source camera": "ok",
    "source inbox": "ok",
    "destination local": "ok",
    "destination pinata": "ok",
    "latest store cloudflare_kv": "ok",
}


def test_everything_is_well(near):
    result = near.run("doctor")

    assert (result.exit_code, states(result.output)) == (0, WELL)
    assert "lists 1 pictures of apm/in_gate" in result.output
    assert "proves up to L4" in result.output


def test_nothing_is_written_anywhere_else(near):
    near.run("doctor")

    methods = {request["method"] for request in near.rehearsal.requests()["requests"]}
    files = [f for f in (near.folder / "data").rglob("*") if f.is_file()]
    assert methods == {"GET"}
    assert {f.name.partition("-")[0] for f in files} == {"catalog.db"}


@pytest.mark.parametrize(
    ("variable", "what"),
    [
        ("PINATA_JWT", "destination pinata"),
        ("CLOUDFLARE_API_TOKEN", "latest store cloudflare_kv"),
        ("CLOUDFLARE_ACCOUNT_ID", "latest store cloudflare_kv"),
        ("KV_NAMESPACE_ID", "latest store cloudflare_kv"),
    ],
)
def test_a_key_that_is_missing_is_named_and_the_rest_is_looked_at(near, variable, what):
    near.environment.delenv(variable)

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)) == (1, WELL | {what: "not ok"})
    assert f"{variable} is not set" in result.output


@pytest.mark.parametrize(
    ("variable", "what", "remedy"),
    [
        ("PINATA_JWT", "destination pinata", "check PINATA_JWT"),
        ("CLOUDFLARE_API_TOKEN", "latest store cloudflare_kv", "check CLOUDFLARE_API_TOKEN"),
    ],
)
def test_a_key_that_is_refused_is_named_and_not_shown(near, variable, what, remedy):
    near.export(**{variable: "canary-4d1c"})

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)) == (1, WELL | {what: "not ok"})
    assert remedy in result.output
    assert "canary-4d1c" not in result.output


@pytest.mark.parametrize(
    ("variable", "what"),
    [
        ("DRAYDOG_INDEX_URL", "source camera"),
        ("PINATA_API_URL", "destination pinata"),
        ("CLOUDFLARE_API_URL", "latest store cloudflare_kv"),
    ],
)
def test_a_service_that_does_not_answer_is_named(near, variable, what):
    near.export(**{variable: DEAD})

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)) == (1, WELL | {what: "not ok"})
    assert "no connection" in result.output


def test_a_site_that_does_not_know_yesterday_does_answer(near):
    near.rehearsal.inject("GET /draydog/index", {"kind": "status", "status": 404})

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)) == (0, WELL)
    assert "the site does not know this day" in result.output


def test_a_data_folder_that_cannot_be_one_is_not_ok(near):
    (near.folder / "data").write_text("a file")

    result = near.run("doctor")

    assert result.exit_code == 1
    assert states(result.output)["data folder"] == "not ok"
    assert states(result.output)["catalog"] == "not ok"
    assert states(result.output)["source camera"] == "ok"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg2://me:canary-9b2e@127.0.0.1:9/catalog",
        "mysql://me:canary-9b2e@127.0.0.1/catalog",
        "canary-9b2e",
    ],
)
def test_a_catalog_that_cannot_be_opened_is_not_ok_and_its_password_is_not_shown(near, address):
    near.export(IMAGE_ASSETS_DATABASE_URL=address)

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)) == (1, WELL | {"catalog": "not ok"})
    assert "canary-9b2e" not in result.output


def test_a_source_that_is_a_folder_is_looked_at_as_well(near):
    (near.folder / "frames").mkdir()
    (near.folder / "sources.yaml").write_text(
        f"sources: [{{name: archive, kind: folder, root: {near.folder}/frames,"
        " collections: [hogan], start: 2025-09-01}]"
    )
    near.export(IMAGE_ASSETS_SOURCES="sources.yaml")

    result = near.run("doctor")

    assert result.exit_code == 0
    assert states(result.output)["source archive"] == "ok"


def test_a_destination_of_two_sources_is_looked_at_once(near):
    source = "collections: [apm/in_gate], destinations: [pinata]}"
    other = (CAMERA + source).replace("name: camera", "name: webcam")
    (near.folder / "sources.yaml").write_text(f"sources: [{CAMERA + source}, {other}]")
    near.export(IMAGE_ASSETS_SOURCES="sources.yaml")

    result = near.run("doctor")

    assert result.output.count("destination pinata") == 1


def test_an_env_file_in_the_folder_is_read(shell):
    shell.write_env(**shell.rehearsal.environment())

    assert shell.run("doctor").exit_code == 0


def test_settings_that_cannot_be_are_one_line(near):
    near.export(LOG_FORMAT="xml")

    result = near.run("doctor")

    assert result.exit_code == 1
    assert result.output.startswith("error: LOG_FORMAT")


BY_BROWSER = CAMERA + "collections: [apm/in_gate], listing: browser}"


def list_by_browser(near):
    (near.folder / "sources.yaml").write_text(f"sources: [{BY_BROWSER}]")
    near.export(IMAGE_ASSETS_SOURCES="sources.yaml")


def test_a_browser_is_looked_at_where_a_source_lists_by_it(near):
    list_by_browser(near)
    near.export(BROWSER_EXECUTABLE=str(near.folder / "nothing"))

    result = near.run("doctor")

    assert result.exit_code == 1
    assert states(result.output)["browser of camera"] == "not ok"
    assert "BROWSER_EXECUTABLE" in result.output or "image_assets[browser]" in result.output


@pytest.mark.ui
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is installed")
@pytest.mark.skipif(find_spec("playwright") is None, reason="Playwright is not installed")
def test_a_browser_that_starts_is_well(near):
    list_by_browser(near)

    result = near.run("doctor")

    assert states(result.output)["browser of camera"] == "ok"
    assert "lists 1 pictures of apm/in_gate" in result.output
