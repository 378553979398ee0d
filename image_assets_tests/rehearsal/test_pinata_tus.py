"""Pinata's stand-in takes large files in pieces, and shows private ones by signed links alone."""

import base64

import httpx
import pytest

from image_assets.core import cid
from image_assets.rehearsal import Profile, Rehearsal

BODY = bytes(range(256)) * 8


@pytest.fixture
def account(rehearsal: Rehearsal, profile: Profile):
    key = {"Authorization": f"Bearer {profile.pinata_jwt}", "Tus-Resumable": "1.0.0"}
    address = f"{rehearsal.address}/pinata"
    with httpx.Client(base_url=address, headers=key, trust_env=False) as client:
        yield client


def begin(account: httpx.Client, size: int = len(BODY), **told: str) -> httpx.Response:
    told = {"filename": "a.bin", "network": "public"} | told
    pairs = (f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())
    headers = {"Upload-Length": str(size), "Upload-Metadata": ",".join(pairs)}
    return account.post("/uploads/v3/files", headers=headers)


def send(account: httpx.Client, url: str, offset: int, piece: bytes) -> httpx.Response:
    kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    return account.patch(url, headers=kind, content=piece)


def test_pieces_become_a_file_whose_identifier_comes_with_the_last(account):
    begun = begin(account, keyvalues='{"a": "b"}')
    url = begun.headers["location"]

    first, last = send(account, url, 0, BODY[:1000]), send(account, url, 1000, BODY[1000:])

    assert [r.status_code for r in (begun, first, last)] == [201, 204, 204]
    assert ("upload-cid" in first.headers, first.headers["upload-offset"]) == (False, "1000")
    assert last.headers["upload-cid"] == cid.compute(BODY)
    [file] = account.get("/api/v3/files/public").json()["data"]["files"]
    assert (file["name"], file["size"], file["keyvalues"]) == ("a.bin", len(BODY), {"a": "b"})


def test_it_can_be_asked_how_much_arrived(account):
    url = begin(account).headers["location"]
    send(account, url, 0, BODY[:1000])

    asked = account.head(url)

    assert (asked.status_code, asked.headers["upload-offset"]) == (200, "1000")


@pytest.mark.parametrize(
    ("offset", "piece", "headers", "status"),
    [
        (7, b"x", {}, 409),
        (0, BODY + b"x", {}, 413),
        (0, b"x", {"Tus-Resumable": "0.2.0"}, 412),
        (0, b"x", {"Content-Type": "image/png"}, 415),
    ],
)
def test_a_piece_that_does_not_fit_is_refused(account, offset, piece, headers, status):
    url = begin(account).headers["location"]
    kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}

    assert account.patch(url, headers=kind | headers, content=piece).status_code == status


def test_an_upload_that_nobody_began_is_not_found(account):
    assert send(account, "/uploads/v3/files/nobodys", 0, b"x").status_code == 404
    assert account.head("/uploads/v3/files/nobodys").status_code == 404


def test_a_form_of_more_than_a_hundred_megabytes_is_refused(account):
    files = {"file": ("a.bin", b"\0" * 100_000_001)}

    answer = account.post("/uploads/v3/files", data={"network": "public"}, files=files)

    assert answer.status_code == 413


def link(account: httpx.Client, url: str, date: int, expires: int = 60) -> str:
    order = {"url": url, "date": date, "expires": expires, "method": "GET"}
    answer = account.post("/api/v3/files/private/download_link", json=order)
    return str(answer.raise_for_status().json()["data"])


def test_a_private_file_is_read_by_a_link_while_it_is_valid(account, rehearsal):
    files = {"file": ("a.png", b"\x89PNG\r\n\x1a\n")}
    stored = account.post("/uploads/v3/files", data={"network": "private"}, files=files)
    identifier = stored.json()["data"]["cid"]
    url = f"{rehearsal.environment()['PINATA_GATEWAY_URL']}/files/{identifier}"
    signed = link(account, url, int(rehearsal.clock.epoch()))

    def read(address: str) -> int:
        return httpx.get(address, trust_env=False).status_code

    fresh = read(signed)
    others = [read(url), read(signed.replace("X-Expires=60", "X-Expires=6000"))]
    others.append(read(url.replace("/files/", "/ipfs/")))
    rehearsal.clock.advance(61)

    assert (fresh, others, read(signed)) == (200, [401, 401, 404], 401)
