"""`image-assets doctor` says what is not well, and what to do."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import asyncssh
import pytest
import sqlalchemy as sa

from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.catalog.schema import designs, images
from image_assets.services.nas.mounted import MARKER
from image_assets_tests.journey import CAMERA
from image_assets_tests.services.catalog.samples import (
    OTHER_SHOP,
    add_tenant,
    design,
    sha256,
    store,
)
from image_assets_tests.services.nas.servers import PASSWORD, USER, SftpThread, known_hosts

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


ASKED_BY_POST = {
    # Sites that run Chevereto can only be asked by an upload of nothing; a node is asked for a hash.
    "/chevereto/api/1/upload",
    "/freeimage/api/1/upload",
    "/imgbb/1/upload",
    "/cloudinary/v1_1/rehearsal/image/explicit",
    "/kubo/api/v0/add",
}
WELL = {
    "data folder": "ok",
    "catalog": "ok",
    "fingerprints": "ok",
    "source camera": "ok",
    "source inbox": "ok",
    "source visualization": "ok",
    "source generated": "ok",
    "destination local": "ok",
    "destination pinata": "ok",
    "destination chevereto": "ok",
    "destination cloudinary": "ok",
    "destination freeimage": "ok",
    "destination imgbb": "ok",
    "destination imgur": "ok",
    "destination kubo": "ok",
    "latest store cloudflare_kv": "ok",
    "notifications to slack": "ok",
    "notifications to webhook": "ok",
}


def test_everything_is_well(near):
    result = near.run("doctor")

    assert (result.exit_code, states(result.output)) == (0, WELL)
    assert "lists 1 pictures of apm/in_gate" in result.output
    assert "proves up to L4" in result.output


def test_nothing_is_written_anywhere_else(near):
    near.run("doctor")

    posted = {r["path"] for r in near.rehearsal.requests()["requests"] if r["method"] != "GET"}
    files = [f for f in (near.folder / "data").rglob("*") if f.is_file()]
    channels = {path for path in posted if path.startswith(("/slack/", "/webhook/"))}
    assert len(channels) == 2  # an empty post that Slack refuses, and a look without a body
    assert posted - channels == ASKED_BY_POST
    assert not any(map(len, near.rehearsal.shelves.values()))
    assert {f.name.partition("-")[0] for f in files} == {"catalog.db"}


@pytest.mark.parametrize(
    ("variable", "what"),
    [
        ("PINATA_JWT", "destination pinata"),
        ("CLOUDFLARE_API_TOKEN", "latest store cloudflare_kv"),
        ("CLOUDFLARE_ACCOUNT_ID", "latest store cloudflare_kv"),
        ("KV_NAMESPACE_ID", "latest store cloudflare_kv"),
        ("GEMINI_API_KEY", "source generated"),
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

    left = {what: state for what, state in WELL.items() if what != "fingerprints"}
    assert (result.exit_code, states(result.output)) == (1, left | {"catalog": "not ok"})
    assert "canary-9b2e" not in result.output


def catalog_of(near) -> Catalog:
    return open_catalog(f"sqlite:///{near.folder}/data/catalog.db")


def test_pictures_of_shops_are_counted_as_well(near):
    with catalog_of(near) as catalog:
        add_tenant(catalog, "other")
        store(catalog, 1, "truck")
        store(catalog, 1, "truck", partition=OTHER_SHOP, path="images/other/truck.jpg")

    assert "2 pictures, 0 designs, 0 exports, of 2 tenants" in near.run("doctor").output


def test_designs_of_another_version_are_counted_and_their_remedy_is_named(near):
    with catalog_of(near) as catalog:
        for minute, word in enumerate(("truck", "crane", "gone")):
            store(catalog, minute, word)
        design(catalog)
        with catalog.engine.begin() as connection:
            connection.execute(sa.update(designs).values(version="0"))
            lost = {"state": "expired", "blob_id": None}
            gone = images.c.sha256 == sha256("gone")
            connection.execute(sa.update(images).where(gone).values(lost))

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)) == (1, WELL | {"fingerprints": "not ok"})
    assert "2 designs have a fingerprint of another version" in result.output
    assert "image-assets refingerprint; 1 others stay as they are" in result.output


def with_nas(near, *, source: str = "nas: true") -> Path:
    near.rehearsal.clear_faults()
    (near.folder / "frames").mkdir()
    (near.folder / "sources.yaml").write_text(
        f"sources: [{{name: archive, kind: folder, root: {near.folder}/frames,"
        f" collections: [hogan], start: 2025-09-01, {source}}}]"
    )
    base = near.folder / "nas"
    base.mkdir()
    near.export(
        IMAGE_ASSETS_SOURCES="sources.yaml",
        NAS_PROTOCOL="mounted",
        NAS_BASE_PATH=str(base),
        NAS_MAX_RETRIES="1",
    )
    return base


def test_a_nas_is_looked_at_and_nothing_stays_there(near):
    base = with_nas(near)
    (base / MARKER).touch()

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)["NAS"]) == (0, "ok")
    assert "takes designs of archive" in result.output
    assert [file.name for file in base.iterdir()] == [MARKER]


def test_a_nas_that_is_not_mounted_is_told(near):
    with_nas(near)

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)["NAS"]) == (1, "not ok")
    assert "the NAS is not mounted (no .image_assets_nas)" in result.output


def test_a_nas_that_no_source_uses_says_so(near):
    (with_nas(near, source="nas: false") / MARKER).touch()

    assert "no source has `nas: true`" in near.run("doctor").output


def test_a_source_that_wants_a_nas_names_the_variable_that_is_missing(near):
    with_nas(near)
    near.export(NAS_PROTOCOL="sftp")

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)["NAS"]) == (1, "not ok")
    assert "QNAP_HOST is not set" in result.output


@pytest.fixture
def sftp(near, tmp_path_factory):
    """A NAS by SFTP whose host we know."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    root = tmp_path_factory.mktemp("sftp")
    with_nas(near)
    (root / "Graphics").mkdir()
    with SftpThread(root, key) as server:
        near.export(
            NAS_PROTOCOL="sftp",
            QNAP_HOST="127.0.0.1",
            QNAP_PORT=str(server.port),
            QNAP_USERNAME=USER,
            QNAP_PASSWORD=PASSWORD,
            NAS_BASE_PATH="/Graphics",
            NAS_KNOWN_HOSTS=str(known_hosts(near.folder / "known_hosts", server.port, key)),
        )
        yield root / "Graphics"


def test_a_nas_by_sftp_is_written_to_under_a_temporary_name(near, sftp):
    result = near.run("doctor")

    assert (result.exit_code, states(result.output)["NAS"]) == (0, "ok")
    assert list(sftp.iterdir()) == []


def test_a_nas_whose_host_key_nobody_knows_says_how_it_becomes_known(near, sftp):
    (near.folder / "known_hosts").write_text("")

    result = near.run("doctor")

    assert (result.exit_code, states(result.output)["NAS"]) == (1, "not ok")
    assert "ssh-keyscan -p" in result.output


def test_a_base_that_is_not_on_the_nas_is_told(near, sftp):
    near.export(NAS_BASE_PATH="/Elsewhere")

    result = near.run("doctor")

    assert states(result.output)["NAS"] == "not ok"
    assert "/Elsewhere is not there; check NAS_BASE_PATH" in result.output


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
