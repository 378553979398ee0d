import httpx
import pytest

from image_assets.rehearsal import Rehearsal

INDEX = "/draydog/index/apm/in_gate/2025-09-01.json"


def order(client: httpx.Client, **rule: object) -> httpx.Response:
    fault = {"kind": "status", "status": 503}
    return client.post("/_control/faults", json={"route": "GET /draydog", "fault": fault} | rule)


def test_a_fault_is_ordered_and_cleared_over_http(client: httpx.Client):
    ordered = order(client, times=None, probability=1.0, seed=1)
    struck = client.get(INDEX).status_code

    cleared = client.delete("/_control/faults")

    assert (ordered.status_code, struck, cleared.status_code) == (201, 503, 200)
    assert client.get(INDEX).status_code == 200


@pytest.mark.parametrize("rule", [{"route": "("}, {"route": None}, {"fault": None}, {"often": 1}])
def test_an_order_that_cannot_be_is_refused(client: httpx.Client, rule: dict[str, object]):
    assert order(client, **rule).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"now": "noon"}', b"{}"])
def test_a_clock_is_not_set_to_nonsense(client: httpx.Client, body: bytes):
    assert client.post("/_control/clock", content=body).status_code == 400


def test_the_clock_is_set_advanced_and_read(client: httpx.Client):
    client.post("/_control/clock", json={"now": "2025-09-02T10:00:00Z", "frozen": True})
    client.post("/_control/clock", json={"advance": 90})

    assert client.get("/_control/clock").json() == {"now": "2025-09-02T10:01:30+00:00"}


def test_the_journal_counts_by_service_method_and_route(client: httpx.Client):
    client.get(INDEX)
    client.get(INDEX.replace("in_gate", "out_gate"))
    client.head(INDEX)
    client.get("/elsewhere")

    told = client.get("/_control/requests").json()

    route = "/{terminal}/{stream}/{day}.json"
    assert told["total"] == 4
    assert told["counts"] == [
        {"service": "", "method": "GET", "route": "*", "count": 1},
        {"service": "draydog/index", "method": "GET", "route": route, "count": 2},
        {"service": "draydog/index", "method": "HEAD", "route": route, "count": 1},
    ]
    assert told["peaks"]["draydog/index"] == 1


def test_the_journal_lists_requests_without_headers_query_or_body(
    client: httpx.Client, rehearsal: Rehearsal
):
    rehearsal.inject("PUT", {"kind": "drop_before"})
    client.get(INDEX, params={"token": "canary"}, headers={"Authorization": "Bearer canary"})
    with pytest.raises(httpx.RemoteProtocolError):
        client.put("/pinata/api", content=b"canary")

    told = client.get("/_control/requests")

    first, second = told.json()["requests"]
    assert first.pop("began") <= first.pop("ended") <= second.pop("began") <= second.pop("ended")
    assert first == {"method": "GET", "path": INDEX, "status": 200}
    assert second == {
        "method": "PUT",
        "path": "/pinata/api",
        "status": None,
        "fault": "drop_before",
    }
    assert "canary" not in told.text


def test_a_reset_is_a_fresh_start(client: httpx.Client, rehearsal: Rehearsal):
    headers = {"Authorization": f"Bearer {rehearsal.profile.pinata_jwt}"}
    files = {"file": ("a.png", b"bytes")}
    client.post("/pinata/uploads/v3/files", headers=headers, files=files)
    order(client)
    rehearsal.clock.advance(1e6)

    client.post("/_control/reset")

    listing = client.get("/pinata/api/v3/files/private", headers=headers).json()
    assert listing["data"]["files"] == []
    assert client.get(INDEX).status_code == 200
    assert client.get("/_control/requests").json()["total"] == 2
    assert client.get("/_control/clock").json()["now"].startswith("2025-09-03T12:00:")


def test_faults_never_strike_the_control(client: httpx.Client):
    order(client, route=".*")

    assert client.delete("/_control/faults").status_code == 200


def test_what_control_does_not_know_is_404(client: httpx.Client):
    assert client.get("/_control/secrets").status_code == 404
