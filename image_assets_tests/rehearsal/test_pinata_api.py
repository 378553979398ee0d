from typing import Any

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal


@pytest.fixture
def api(rehearsal: Rehearsal, profile: Profile) -> Any:
    headers = {"Authorization": f"Bearer {profile.pinata_jwt}"}
    with httpx.Client(
        base_url=f"{rehearsal.address}/pinata", headers=headers, verify=False
    ) as client:
        yield client


def upload(api: httpx.Client, name: str, **fields: str) -> dict[str, Any]:
    files = {"file": (name, name.encode())}
    return api.post("/uploads/v3/files", files=files, data=fields).json()["data"]


def names(api: httpx.Client, **asked: Any) -> list[str]:
    return [file["name"] for file in page(api, **asked)["files"]]


def page(api: httpx.Client, **asked: Any) -> dict[str, Any]:
    network = asked.pop("network", "public")
    return api.get(f"/api/v3/files/{network}", params=asked).raise_for_status().json()["data"]


def test_a_listing_shows_the_newest_first_unless_asked_otherwise(api: httpx.Client):
    for name in ("a", "b", "c"):
        upload(api, name, network="public")

    assert names(api) == ["c", "b", "a"]
    assert names(api, order="ASC") == ["a", "b", "c"]
    assert names(api, network="private") == []


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_pages_meet_without_gap_or_overlap(api: httpx.Client, order: str):
    for number in range(7):
        upload(api, f"file {number}", network="public")

    seen, token = [], ""
    while token is not None:
        part = page(api, limit=3, order=order, **({"pageToken": token} if token else {}))
        seen.append([file["name"] for file in part["files"]])
        token = part["next_page_token"] or None

    wanted = [f"file {number}" for number in range(7)]
    wanted = wanted if order == "ASC" else wanted[::-1]
    assert seen == [wanted[:3], wanted[3:6], wanted[6:]]


def test_a_listing_is_filtered(api: httpx.Client):
    group = api.post("/api/v3/groups/public", json={"name": "gates"}).json()["data"]["id"]
    first = upload(api, "in.jpg", network="public", group_id=group)
    upload(api, "out.jpg", network="public", keyvalues='{"stream": "out_gate"}')

    assert names(api, cid=first["cid"]) == ["in.jpg"]
    assert names(api, name="out") == ["out.jpg"]
    assert names(api, group=group) == ["in.jpg"]
    assert names(api, mimeType="text/plain") == ["out.jpg", "in.jpg"]
    assert names(api, mimeType="image/png") == []
    assert names(api, **{"keyvalues[stream]": "out_gate"}) == ["out.jpg"]
    assert names(api, **{"metadata[stream]": "in_gate"}) == []
    assert names(api, cidPending="true") == []


def test_the_name_an_upload_gives_a_group_means_nothing_in_a_listing(api: httpx.Client):
    upload(api, "a", network="public")

    assert names(api, group_id="nobody") == ["a"]


@pytest.mark.parametrize(
    "asked", [{"limit": "0"}, {"limit": "x"}, {"order": "UP"}, {"pageToken": "x"}]
)
def test_a_listing_that_cannot_be_is_refused(api: httpx.Client, asked: dict[str, str]):
    assert api.get("/api/v3/files/public", params=asked).status_code == 400


def test_a_network_that_is_none_is_refused(api: httpx.Client):
    assert api.get("/api/v3/files/swarm").status_code == 400


def test_a_file_is_read_by_its_id_and_in_its_network_only(api: httpx.Client):
    file = upload(api, "a", network="public")

    assert api.get(f"/api/v3/files/public/{file['id']}").json()["data"]["cid"] == file["cid"]
    assert api.get(f"/api/v3/files/private/{file['id']}").status_code == 404
    assert api.get(f"/api/v3/files/public/{file['cid']}").status_code == 404


def test_a_file_gets_another_name_and_other_pairs(api: httpx.Client):
    file = upload(api, "a", network="public", keyvalues='{"x": "1"}')
    address = f"/api/v3/files/public/{file['id']}"

    changed = api.put(address, json={"name": "b", "keyvalues": {"y": "2"}}).json()["data"]

    assert (changed["name"], changed["keyvalues"]) == ("b", {"y": "2"})
    assert api.get(address).json()["data"] == changed
    assert api.put(address, content=b"{").status_code == 400
    assert api.put(address, json={"expires_at": 5}).status_code == 400


def test_a_removed_file_is_gone_everywhere_and_may_come_again(api: httpx.Client):
    file = upload(api, "a", network="public")
    address = f"/api/v3/files/public/{file['id']}"

    removed = api.delete(address)

    assert removed.json() == {"data": None}
    assert [api.delete(address).status_code, api.get(address).status_code] == [404, 404]
    assert api.get(f"/gateway/ipfs/{file['cid']}").status_code == 404
    assert "is_duplicate" not in upload(api, "a", network="public")


def test_groups_are_made_listed_renamed_and_removed(api: httpx.Client):
    made = api.post("/api/v3/groups/public", json={"name": "gates", "is_public": True})
    group = made.json()["data"]
    address = f"/api/v3/groups/public/{group['id']}"

    renamed = api.put(address, json={"name": "cameras"}).json()["data"]
    listed = api.get("/api/v3/groups/public").json()["data"]["groups"]

    assert (group["name"], group["is_public"]) == ("gates", True)
    assert listed == [renamed | {"name": "cameras"}]
    assert api.delete(address).status_code == 200
    assert api.get(address).status_code == 404
    assert api.post("/api/v3/groups/public", json={}).status_code == 400


def test_a_file_joins_a_group_and_leaves_it(api: httpx.Client):
    group = api.post("/api/v3/groups/public", json={"name": "gates"}).json()["data"]["id"]
    file = upload(api, "a", network="public")["id"]
    address = f"/api/v3/groups/public/{group}/ids/{file}"

    joined = api.put(address), names(api, group=group)
    left = api.delete(address), names(api, group=group)

    assert (joined[0].status_code, joined[1]) == (200, ["a"])
    assert (left[0].status_code, left[1]) == (200, [])
    assert api.put(f"/api/v3/groups/public/{group}/ids/nobody").status_code == 404
    assert api.put(f"/api/v3/groups/public/nobody/ids/{file}").status_code == 404
