"""The stand-in of a node says yes and no as Kubo does; identifiers are those of published vectors."""

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal

HELLO = {
    "v0": "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD",
    "v1": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
}
V1 = {"cid-version": "1", "raw-leaves": "true"}


@pytest.fixture
def node(rehearsal: Rehearsal):
    address = rehearsal.environment()["KUBO_API_URL"]
    key = {"Authorization": "Bearer rehearsal-kubo-token", "User-Agent": "us"}
    with httpx.Client(base_url=f"{address}/api/v0", headers=key, trust_env=False) as client:
        yield client


def add(node: httpx.Client, content: bytes = b"hello world", **options: str) -> httpx.Response:
    return node.post("/add", params=options, files={"file": ("hw.txt", content)})


def test_an_added_file_is_pinned_and_told_on_a_line_with_its_size_as_text(node):
    answer = add(node, **V1)

    assert answer.text.endswith("\n")
    assert answer.json() == {"Name": "hw.txt", "Hash": HELLO["v1"], "Size": "11"}
    pins = node.post("/pin/ls", params={"arg": HELLO["v1"], "type": "recursive"}).json()["Keys"]
    assert pins[HELLO["v1"]]["Type"] == "recursive"


def test_what_is_not_said_is_kubos_own_default(node):
    assert add(node).json()["Hash"] == HELLO["v0"]


def test_only_a_hash_keeps_nothing(node, rehearsal):
    assert add(node, **V1, **{"only-hash": "true"}).json()["Hash"] == HELLO["v1"]
    assert len(rehearsal.kubo) == 0


def test_every_command_is_a_post(node):
    answer = node.get("/version")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert node.post("/version").json()["Version"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"User-Agent": "Mozilla/5.0"}]
)
def test_browsers_are_refused(node, headers):
    assert node.post("/version", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("authorization", "command", "status"),
    [
        ("", "version", 403),
        ("Bearer wrong", "version", 403),
        ("Basic cmVhZGVyOnJlaGVhcnNhbC1rdWJvLWxvb2s=", "version", 200),
        ("Basic cmVhZGVyOnJlaGVhcnNhbC1rdWJvLWxvb2s=", "add", 403),
    ],
)
def test_who_may_do_what_is_in_its_authorizations(node, authorization, command, status):
    answer = node.post(f"/{command}", headers={"Authorization": authorization})

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("command", "argument", "message"),
    [
        ("pin/ls", HELLO["v1"], f"path '/ipfs/{HELLO['v1']}' is not pinned"),
        ("pin/rm", HELLO["v1"], "not pinned or pinned indirectly"),
        ("cat", HELLO["v1"], "block was not found locally (offline): ipld: could not find "),
        ("cat", "nonsense", "invalid path"),
    ],
)
def test_a_command_that_fails_is_500_with_a_message(node, command, argument, message):
    answer = node.post(f"/{command}", params={"arg": argument})

    assert answer.status_code == 500
    assert answer.json()["Message"].startswith(message)
    assert (answer.json()["Code"], answer.json()["Type"]) == (0, "error")


def test_what_is_unpinned_is_there_until_it_is_collected(node, rehearsal):
    add(node, **V1)
    gateway = f"{rehearsal.environment()['KUBO_GATEWAY_URL']}/ipfs/{HELLO['v1']}"
    node.post("/pin/rm", params={"arg": HELLO["v1"]}).raise_for_status()

    before = httpx.get(gateway, trust_env=False)
    collected = node.post("/repo/gc").json()
    after = httpx.get(gateway, trust_env=False)

    assert (before.content, after.status_code) == (b"hello world", 504)
    assert collected == {"Key": {"/": HELLO["v1"]}}


def test_a_full_disk_shows_in_no_status(tmp_path):
    with Rehearsal(Profile(kubo_disk_bytes=5)) as rehearsal:
        address = rehearsal.environment()["KUBO_API_URL"]
        key = {"Authorization": "Bearer rehearsal-kubo-token"}
        with httpx.Client(base_url=f"{address}/api/v0", headers=key, trust_env=False) as node:
            answer = add(node, **V1)

            assert (answer.status_code, answer.json()["Hash"]) == (200, HELLO["v1"])
        assert len(rehearsal.kubo) == 0


def test_pins_and_bytes_outlive_the_rehearsal(tmp_path):
    for _ in range(2):
        with Rehearsal(state=tmp_path) as rehearsal:
            repo = rehearsal.kubo
            if len(repo) == 0:
                repo.keep("a", b"kept")
                repo.keep("b", b"unpinned")
                repo.pin("a", "name")
                repo.pin("b")
                repo.unpin("b")
                repo.collect()

    assert (repo.pins(), repo.read("b")) == ({"a": "name"}, None)


def test_an_unknown_command_is_told_as_such(node):
    answer = node.post("/files/ls")

    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
