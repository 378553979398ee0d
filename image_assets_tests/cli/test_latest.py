import datetime as dt
import json

import httpx
import pytest

from image_assets.core.model import ImageFormat, Level, Publishes, Receipt
from image_assets.core.recipes import Recipe
from image_assets.ports import Attempt
from image_assets.services.catalog import open_catalog
from image_assets.services.catalog.schema import latest
from image_assets_tests.journey import CAMERA
from image_assets_tests.services.catalog.samples import DAY, store

KEY = "apm/in_gate:daily:latest"
SOURCE = CAMERA + (
    "collections: [apm/in_gate, apm/out_gate], publishes: originals, destinations: [pinata],"
    " latest: {store: cloudflare_kv, destination: pinata}}"
)


@pytest.fixture
def near(shell):
    """A folder with a verified capture of a stream."""
    shell.point_at_rehearsal()
    (shell.folder / "sources.yaml").write_text(f"sources: [{SOURCE}]")
    shell.export(IMAGE_ASSETS_SOURCES="sources.yaml", UPLOAD_MAX_RETRIES="1")
    shell.rehearsal.clock.set(shell.rehearsal.clock.now())
    publish(shell, 10)
    return shell


def publish(shell, *minutes: int) -> None:
    with open_catalog(f"sqlite:///{shell.folder / 'data/catalog.db'}") as catalog:
        for minute in minutes:
            store(catalog, minute, f"capture {minute}")
        now = dt.datetime.now(dt.UTC)
        recipe = Recipe("thumbnail", formats=(ImageFormat.JPEG,))
        contents = catalog.uploads.publishable(DAY, Publishes.ORIGINALS, recipe)
        for upload in catalog.uploads.register("pinata", "default", contents, now=now):
            if catalog.uploads.begin(upload.id, "us", lease_until=now, now=now) is None:
                continue
            receipt = Receipt(f"https://host.test/{upload.id}", str(upload.id), f"cid{upload.id}")
            tried = Attempt(now, 1.0, "success")
            catalog.uploads.receive(upload.id, "us", receipt, attempt=tried, now=now)
            catalog.uploads.verified(upload.id, Level.L4, now=now)


def captured(shell) -> str:
    """What the store says, by its capture's minute."""
    value = json.loads(shell.run("latest", "get", KEY).stdout)
    return dt.datetime.fromisoformat(value["metadata"]["captured_at"]).strftime("%H:%M")


def a_second_passes(shell) -> None:
    shell.rehearsal.clock.advance(2)
    long_ago = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    address = f"sqlite:///{shell.folder / 'data/catalog.db'}"
    with open_catalog(address) as catalog, catalog.engine.begin() as connection:
        connection.execute(latest.update().values(written_at=long_ago))


def test_a_key_goes_through_a_persons_hands(near):
    first = near.run("latest", "release", KEY)
    publish(near, 11)
    a_second_passes(near)
    near.run("latest", "release", KEY)
    a_second_passes(near)
    newest = captured(near)
    back = near.run("latest", "rollback", KEY)
    a_second_passes(near)
    older = captured(near)
    publish(near, 12)
    held = near.run("latest", "list", "--json")
    let_go = near.run("latest", "release", KEY)

    assert (
        f"{KEY}: nobody held it\n{KEY}: published: sequence 1 of 2025-09-01 00:10" in first.stdout
    )
    assert "sequence 3 of 2025-09-01 00:10:00 UTC, held" in back.stdout
    assert (newest, older) == ("00:11", "00:10")
    assert [row.get("hold") for row in json.loads(held.stdout)] == [True, None]
    assert "sequence 4 of 2025-09-01 00:12:00 UTC ->" in let_go.stdout


def test_a_certain_picture_is_set_and_the_history_tells(near):
    near.run("latest", "release", KEY)
    a_second_passes(near)

    result = near.run("latest", "set", KEY, "20250901001000")
    history = json.loads(near.run("latest", "history", KEY, "--json").stdout)

    assert result.exit_code == 0
    assert [(e["sequence"], e["hold"]) for e in history] == [(2, True), (1, False)]


def test_a_store_that_lost_everything_is_given_it_again(near):
    near.run("latest", "release", KEY)
    a_second_passes(near)
    near.rehearsal.reset()
    lost = near.run("latest", "get", KEY)

    result = near.run("latest", "republish")

    assert (lost.exit_code, "has no value; the catalog announced sequence 1" in lost.output) == (
        1,
        True,
    )
    assert (result.exit_code, result.stdout) == (0, "cloudflare_kv: 1 nothing yet, 1 repaired\n")
    assert captured(near) == "00:10"


def test_a_value_that_differs_from_the_catalogs_is_told(near):
    near.run("latest", "release", KEY)
    a_second_passes(near)
    near.rehearsal.clock.advance(5)
    settings = near.rehearsal.environment()
    httpx.put(
        f"{settings['CLOUDFLARE_API_URL']}/accounts/{settings['CLOUDFLARE_ACCOUNT_ID']}"
        f"/storage/kv/namespaces/{settings['KV_NAMESPACE_ID']}/values/{KEY.replace('/', '%2F')}",
        content=b"somebody else's",
        headers={"Authorization": f"Bearer {settings['CLOUDFLARE_API_TOKEN']}"},
    )

    result = near.run("latest", "get", KEY)

    assert result.stdout.startswith("somebody else's")
    assert "differs from the catalog, which says sequence 1" in result.output


@pytest.mark.parametrize("command", ["get", "history", "rollback", "release"])
def test_a_key_that_nobody_announces_is_told_with_those_there_are(near, command):
    result = near.run("latest", command, "nobody")

    assert result.exit_code == 1
    assert f"no source announces the key 'nobody'; there are: {KEY}, apm/out_gate" in result.output


def test_a_pattern_that_gives_two_collections_one_key_is_refused(near):
    text = (near.folder / "sources.yaml").read_text().replace("apm/out_gate", "usa/in_gate")
    (near.folder / "sources.yaml").write_text(text)
    near.export(LATEST_KEY_PATTERN="{stream}:latest")

    result = near.run("latest", "list")

    assert result.exit_code == 1
    assert "two collections have the latest key 'in_gate:latest'" in result.output


@pytest.mark.parametrize("pattern", ["latest", "{interval}", "{other}:{collection}", "{collection"])
def test_a_pattern_that_spells_no_key_is_refused(near, pattern):
    near.export(LATEST_KEY_PATTERN=pattern)

    assert "LATEST_KEY_PATTERN" in near.run("latest", "list").output
