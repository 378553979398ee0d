import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal
from image_assets_tests.rehearsal.conftest import NOON

PNG = b"\x89PNG\r\n\x1a\n" + b"drawn by nobody"


def counting(size: int) -> bytes:
    """The bytes of the published vectors: i mod 251."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


Upload = Callable[..., httpx.Response]


@pytest.fixture
def upload(client: httpx.Client, profile: Profile) -> Upload:
    def post(content: bytes = PNG, filename: str = "a.png", **fields: str) -> httpx.Response:
        return client.post(
            "/pinata/uploads/v3/files",
            headers={"Authorization": f"Bearer {profile.pinata_jwt}"},
            files={"file": (filename, content)},
            data=fields,
        )

    return post


@pytest.fixture
def api(rehearsal: Rehearsal, profile: Profile) -> Any:
    headers = {"Authorization": f"Bearer {profile.pinata_jwt}"}
    with httpx.Client(
        base_url=f"{rehearsal.address}/pinata/api", headers=headers, verify=False
    ) as client:
        yield client


def data(reply: httpx.Response) -> Any:
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


VECTORS = [
    (0, "v0", "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"),
    (0, "v1", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
    (1000, "v0", "QmPeaZux8qE8eZibqtC1v6h1pBFvVBz2YkSAdwU8VBXJNR"),
    (1000, "v1", "bafkreicojquuwmy7piqjti3zx3buxh47ya64i2vumxmzr5gwqpnfgsd6nu"),
    (262_144, "v1", "bafkreibruh455iawsviqslif5c7uurdcfdemh22mtnytyzvnzn75kpejxy"),
    (262_145, "v0", "QmUSjGawaz4ptvREcMKSMJneWCa5j8dAz2wSAAvHtW2rnB"),
    (262_145, "v1", "bafybeiexg2oqkfnj56l7fcmawswqbijt5shq4b5rg6a546uwpkqqzwjioi"),
    (262_145, "unixfs-v1-2025", "bafkreidkcavdl3yt2jt36sd4cuqnqk2p6vaxq66iykemz6mk527hnbqbni"),
    (1_048_577, "v1", "bafybeig7rd7v2ygpkiiyu3kzsojmrj3ujtinivk7fxid5p33t6kdewzvsm"),
    (1_048_577, "unixfs-v1-2025", "bafybeidjogjfwuhbzwopgd4bn3skcf5m6oz72xshywcndzxgqb623nfclu"),
]


@pytest.mark.parametrize(("size", "version", "cid"), VECTORS)
def test_cids_are_true(upload: Upload, size: int, version: str, cid: str):
    assert data(upload(counting(size), cid_version=version))["cid"] == cid


def test_the_cid_is_v1_unless_asked_otherwise(upload: Upload):
    cid = data(upload(b"hello world"))["cid"]

    assert cid == "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


def test_an_upload_is_described_in_full(upload: Upload):
    file = data(upload(PNG, "gate.bin", name="gate", keyvalues='{"stream": "in_gate"}'))

    told = {name: file[name] for name in file if name not in ("id", "user_id", "cid")}
    assert told == {
        "name": "gate",
        "created_at": "2025-09-03T12:00:00.000000Z",
        "size": len(PNG),
        "number_of_files": 1,
        "mime_type": "image/png",
        "group_id": None,
        "keyvalues": {"stream": "in_gate"},
        "network": "private",
    }


def test_without_a_name_it_is_the_file_name(upload: Upload):
    assert data(upload(filename="gate.png"))["name"] == "gate.png"


def test_the_same_bytes_again_are_a_duplicate_of_the_first(upload: Upload):
    first, second = data(upload(network="public")), data(upload(network="public", filename="b.png"))

    assert "is_duplicate" not in first
    assert second["is_duplicate"] is True
    assert (second["id"], second["name"]) == (first["id"], first["name"])


def test_networks_do_not_know_each_others_bytes(upload: Upload):
    upload(network="private")

    assert "is_duplicate" not in data(upload(network="public"))


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"network": "ipfs"}, 400, "network must be public or private"),
        ({"cid_version": "2"}, 400, "cid_version must be v0, v1 or unixfs-v1-2025"),
        ({"keyvalues": "stream=in_gate"}, 400, "keyvalues must be JSON"),
        ({"keyvalues": '["a"]'}, 400, "keyvalues must be an object of strings"),
        ({"keyvalues": '{"n": 1}'}, 400, "keyvalues must be an object of strings"),
        (
            {"keyvalues": json.dumps({str(n): "x" for n in range(11)})},
            400,
            "keyvalues may hold 10 pairs at most",
        ),
        ({"group_id": "nobody"}, 404, "group not found"),
        ({"expires_at": "1"}, 400, "expires_at must be in the future"),
        ({"expires_at": "tomorrow"}, 400, "expires_at must be a whole number"),
    ],
)
def test_an_upload_that_asks_for_the_impossible_is_refused(
    upload: Upload, fields: dict[str, str], status: int, message: str
):
    reply = upload(**fields)

    assert reply.json() == {"error": {"code": status, "message": message}}
    assert reply.status_code == status


def test_an_upload_without_the_part_called_file_is_refused(client: httpx.Client, profile: Profile):
    headers = {"Authorization": f"Bearer {profile.pinata_jwt}"}
    address = "/pinata/uploads/v3/files"

    replies = [
        client.post(address, headers=headers, files={"image": ("a.png", PNG)}),
        client.post(address, headers=headers, files={"file": (None, PNG)}),
        client.post(address, headers=headers, json={"file": "a.png"}),
        client.post(address, headers=headers, content=PNG),
    ]

    assert [reply.status_code for reply in replies] == [400] * 4


def test_a_form_that_breaks_off_is_refused(client: httpx.Client, profile: Profile):
    headers = {
        "Authorization": f"Bearer {profile.pinata_jwt}",
        "Content-Type": "multipart/form-data; boundary=x",
    }
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'

    reply = client.post("/pinata/uploads/v3/files", headers=headers, content=body)

    assert reply.status_code == 400


@pytest.mark.parametrize("scheme", [None, "Bearer wrong", "Basic abc"])
@pytest.mark.parametrize(
    "address",
    ["POST uploads/v3/files", "GET api/v3/files/public", "GET api/data/testAuthentication"],
)
def test_a_wrong_key_is_401(client: httpx.Client, scheme: str | None, address: str):
    method, path = address.split()

    reply = client.request(
        method, f"/pinata/{path}", headers={} if scheme is None else {"Authorization": scheme}
    )

    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == 401


def test_a_powerless_key_passes_the_test_of_keys_and_nothing_else(
    client: httpx.Client, profile: Profile
):
    headers = {"Authorization": f"Bearer {profile.pinata_powerless_jwt}"}

    tested = client.get("/pinata/api/data/testAuthentication", headers=headers)
    listed = client.get("/pinata/api/v3/files/public", headers=headers)

    assert (tested.status_code, listed.status_code) == (200, 403)


def test_the_legacy_api_refuses_modern_keys(api: httpx.Client):
    reply = api.post("/pinning/pinFileToIPFS", files={"file": ("a.png", PNG)})

    assert (reply.status_code, reply.json()["error"]["reason"]) == (403, "NO_SCOPES_FOUND")


def test_every_reply_has_a_request_id(api: httpx.Client, upload: Upload):
    ids = {upload().headers["X-Request-Id"], api.get("/v3/nothing").headers["X-Request-Id"]}

    assert len(ids) == 2


class TestPlan:
    @pytest.fixture
    def profile(self) -> Profile:
        return replace(Profile.free_plan(), now=NOON)

    def test_the_61st_request_in_a_minute_waits(self, rehearsal: Rehearsal, api: httpx.Client):
        statuses = [api.get("/v3/files/public").status_code for _ in range(61)]
        limited = api.get("/v3/files/public")

        rehearsal.clock.advance(60)

        assert statuses == [200] * 60 + [429]
        assert limited.json()["error"]["code"] == 429
        assert "Retry-After" not in limited.headers
        assert api.get("/v3/files/public").status_code == 200

    def test_uploads_and_api_share_the_plan_but_the_gateway_does_not(
        self, client: httpx.Client, api: httpx.Client, upload: Upload
    ):
        cid = data(upload(network="public"))["cid"]
        for _ in range(59):
            api.get("/v3/files/public")

        assert upload().status_code == 429
        assert client.get(f"/pinata/gateway/ipfs/{cid}").status_code == 200

    def test_tests_of_keys_have_a_limit_of_their_own(self, api: httpx.Client):
        statuses = [api.get("/data/testAuthentication").status_code for _ in range(31)]

        assert statuses == [200] * 30 + [429]


class TestPoliteLimit:
    @pytest.fixture
    def profile(self) -> Profile:
        return Profile(now=NOON, pinata_requests_per_minute=1, pinata_retry_after=True)

    def test_a_429_may_say_how_long_to_wait(self, api: httpx.Client, rehearsal: Rehearsal):
        api.get("/v3/files/public")
        rehearsal.clock.advance(20)

        assert api.get("/v3/files/public").headers["Retry-After"] == "41"


class TestGateway:
    def test_public_bytes_are_served_to_anybody_with_their_type(
        self, client: httpx.Client, upload: Upload
    ):
        cid = data(upload(PNG, network="public"))["cid"]

        reply = client.get(f"/pinata/gateway/ipfs/{cid}")

        assert reply.content == PNG
        assert reply.headers["Content-Type"] == "image/png"
        assert reply.headers["ETag"] == f'"{cid}"'
        assert client.head(f"/pinata/gateway/ipfs/{cid}").headers["Content-Length"] == "23"

    def test_private_and_unknown_bytes_are_not(self, client: httpx.Client, upload: Upload):
        cid = data(upload(PNG, network="private"))["cid"]

        assert client.get(f"/pinata/gateway/ipfs/{cid}").status_code == 404
        assert client.get("/pinata/gateway/ipfs/bafkreinothing").status_code == 404

    def test_pages_are_not_served_on_the_shared_gateway(self, client: httpx.Client, upload: Upload):
        cid = data(upload(b"<html><script>1</script>", network="public"))["cid"]

        assert client.get(f"/pinata/gateway/ipfs/{cid}").status_code == 403

    def test_what_has_expired_is_gone(
        self, client: httpx.Client, rehearsal: Rehearsal, upload: Upload
    ):
        soon = str(int(rehearsal.clock.epoch()) + 100)
        cid = data(upload(network="public", expires_at=soon))["cid"]

        rehearsal.clock.advance(100)

        assert client.get(f"/pinata/gateway/ipfs/{cid}").status_code == 404


class TestSlowGateway:
    @pytest.fixture
    def profile(self) -> Profile:
        return Profile(now=NOON, pinata_gateway_delay=30)

    def test_new_content_is_found_after_a_while(
        self, client: httpx.Client, rehearsal: Rehearsal, upload: Upload
    ):
        address = f"/pinata/gateway/ipfs/{data(upload(network='public'))['cid']}"
        before = client.get(address).status_code

        rehearsal.clock.advance(30)

        assert (before, client.get(address).status_code) == (504, 200)
