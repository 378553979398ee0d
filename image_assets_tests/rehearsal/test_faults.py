"""Each fault as it arrives at a client's socket."""

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from image_assets.rehearsal import Rehearsal

INDEX = "/draydog/index/apm/in_gate/2025-09-01.json"
ROUTE = r"GET /draydog/index/"


def raw(rehearsal: Rehearsal, path: str = INDEX, method: str = "GET") -> bytes:
    """Everything that comes until the other side hangs up."""
    where = urlsplit(rehearsal.address)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        return received


def head_and_body(answer: bytes) -> tuple[str, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode().lower(), body


def upload(client: httpx.Client, rehearsal: Rehearsal) -> httpx.Response:
    return client.post(
        "/pinata/uploads/v3/files",
        headers={"Authorization": f"Bearer {rehearsal.profile.pinata_jwt}"},
        files={"file": ("a.png", b"bytes")},
        data={"network": "public"},
    )


def stored(client: httpx.Client, rehearsal: Rehearsal) -> int:
    headers = {"Authorization": f"Bearer {rehearsal.profile.pinata_jwt}"}
    listing = client.get("/pinata/api/v3/files/public", headers=headers).json()
    return len(listing["data"]["files"])


def test_without_faults_nothing_is_wrong(rehearsal: Rehearsal):
    head, body = head_and_body(raw(rehearsal))

    assert head.startswith("http/1.1 200 ok")
    assert f"content-length: {len(body)}" in head
    assert "connection: close" in head


def test_a_status_comes_with_its_body_and_headers(rehearsal: Rehearsal):
    fault = {"kind": "status", "status": 429, "body": "slow down", "headers": {"Retry-After": "7"}}
    rehearsal.inject(ROUTE, fault)

    head, body = head_and_body(raw(rehearsal))

    assert head.startswith("http/1.1 429 too many requests")
    assert "retry-after: 7" in head
    assert body == b"slow down"


def test_a_page_comes_with_200(rehearsal: Rehearsal):
    rehearsal.inject(ROUTE, {"kind": "html"})

    head, body = head_and_body(raw(rehearsal))

    assert head.startswith("http/1.1 200")
    assert "content-type: text/html" in head
    assert body.startswith(b"<!DOCTYPE html>")


def test_a_body_that_says_json_is_none(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject(ROUTE, {"kind": "non_json"})

    reply = client.get(INDEX)

    assert reply.headers["Content-Type"] == "application/json"
    with pytest.raises(ValueError, match="Expecting value"):
        reply.json()


def test_a_drop_before_leaves_nothing_done(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject("POST /pinata/uploads", {"kind": "drop_before"}, times=1)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        upload(client, rehearsal)

    assert stored(client, rehearsal) == 0


def test_a_drop_after_leaves_the_work_done(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject("POST /pinata/uploads", {"kind": "drop_after"}, times=1)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        upload(client, rehearsal)

    assert stored(client, rehearsal) == 1
    assert upload(client, rehearsal).json()["data"]["is_duplicate"] is True


def test_a_drop_may_be_a_reset(rehearsal: Rehearsal):
    rehearsal.inject(ROUTE, {"kind": "drop_before", "reset": True})

    with pytest.raises(ConnectionResetError):
        raw(rehearsal)


def test_a_cut_body_is_shorter_than_promised(rehearsal: Rehearsal):
    _, whole = head_and_body(raw(rehearsal))
    rehearsal.inject(ROUTE, {"kind": "truncate", "share": 0.25})

    head, body = head_and_body(raw(rehearsal))

    assert f"content-length: {len(whole)}" in head
    assert body == whole[: len(whole) // 4]


def test_httpx_sees_a_cut_body(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject(ROUTE, {"kind": "truncate"})

    with pytest.raises(httpx.RemoteProtocolError, match="closed connection without sending"):
        client.get(INDEX)


def test_a_wrong_type_leaves_the_bytes_alone(client: httpx.Client, rehearsal: Rehearsal):
    right = client.get(INDEX)
    rehearsal.inject(ROUTE, {"kind": "wrong_type", "content_type": "image/jpeg"})

    wrong = client.get(INDEX)

    assert wrong.headers["Content-Type"] == "image/jpeg"
    assert wrong.content == right.content


def test_an_empty_body_has_the_right_status(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject("POST /pinata/uploads", {"kind": "empty"}, times=1)

    reply = upload(client, rehearsal)

    assert (reply.status_code, reply.content) == (200, b"")
    assert stored(client, rehearsal) == 1


def test_a_slow_body_outlasts_an_impatient_client(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject(ROUTE, {"kind": "slow_body", "seconds": 60})

    with pytest.raises(httpx.ReadTimeout):
        client.get(INDEX, timeout=0.5)


def test_a_slow_body_arrives_whole_in_the_end(client: httpx.Client, rehearsal: Rehearsal):
    whole = client.get(INDEX).content
    rehearsal.inject(ROUTE, {"kind": "slow_body", "seconds": 0.2})

    started = time.monotonic()
    slow = client.get(INDEX).content

    assert slow == whole
    assert time.monotonic() - started >= 0.15


def test_a_delay_outlasts_an_impatient_client_and_the_work_is_done(
    client: httpx.Client, rehearsal: Rehearsal
):
    rehearsal.inject("POST /pinata/uploads", {"kind": "delay", "seconds": 0.4}, times=1)

    with pytest.raises(httpx.ReadTimeout):
        client.post(
            "/pinata/uploads/v3/files",
            headers={"Authorization": f"Bearer {rehearsal.profile.pinata_jwt}"},
            files={"file": ("a.png", b"bytes")},
            data={"network": "public"},
            timeout=0.1,
        )

    deadline = time.monotonic() + 10
    while not stored(client, rehearsal) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stored(client, rehearsal) == 1


def test_a_fault_may_answer_badly_after_the_work_is_done(
    client: httpx.Client, rehearsal: Rehearsal
):
    fault = {"kind": "status", "status": 502, "processed": True}
    rehearsal.inject("POST /pinata/uploads", fault, times=1)

    assert upload(client, rehearsal).status_code == 502
    assert stored(client, rehearsal) == 1


def test_a_fault_strikes_as_often_as_it_may(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject(ROUTE, {"kind": "status", "status": 503}, times=2)

    statuses = [client.get(INDEX).status_code for _ in range(4)]

    assert statuses == [503, 503, 200, 200]


def test_a_fault_strikes_its_route_only(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject("GET .*/out_gate/", {"kind": "status", "status": 503})

    assert client.get(INDEX).status_code == 200
    assert client.get(INDEX.replace("in_gate", "out_gate")).status_code == 503


def test_a_route_may_be_written_with_or_without_escapes(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject("GET .*10:07:34", {"kind": "status", "status": 503})
    rehearsal.inject("GET .*11%3A07", {"kind": "status", "status": 502})

    statuses = [
        client.get(f"/draydog/cdn/x{time}").status_code for time in ("10%3A07%3A34", "11%3A07")
    ]

    assert statuses == [503, 502]


def test_chance_is_the_same_every_time(client: httpx.Client, rehearsal: Rehearsal):
    def statuses() -> list[int]:
        rehearsal.clear_faults()
        rehearsal.inject(ROUTE, {"kind": "status", "status": 503}, probability=0.5, seed=3)
        return [client.get(INDEX).status_code for _ in range(20)]

    first = statuses()

    assert set(first) == {200, 503}
    assert statuses() == first


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "explode"},
        {"kind": "status", "colour": "red"},
        {"kind": "truncate", "share": 1},
        {"kind": "delay", "seconds": -1},
    ],
)
def test_what_is_no_fault_is_refused(client: httpx.Client, fault: dict[str, Any]):
    reply = client.post("/_control/faults", json={"route": "GET", "fault": fault})

    assert reply.status_code == 400
    assert "not a fault" in reply.json()["error"]
