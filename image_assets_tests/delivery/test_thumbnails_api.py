"""Asking for pictures, without anybody who draws them: what is taken, what is refused, and who waits."""

import base64
import http.client
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from image_assets import compose
from image_assets.core.generation import RequestState
from image_assets.core.model import Partition
from image_assets.delivery.app import create_app
from image_assets.delivery.generation import router
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import blobs
from image_assets.services.catalog.shops import requests
from image_assets.settings import isolated
from image_assets_tests.delivery.site import serving
from image_assets_tests.drawing import picture

PNG, JPEG, GIF = (picture(1, format=name) for name in ("PNG", "JPEG", "GIF"))
PATH = "/api/thumbnails"
MOST = 100_000
QUICK = {
    "API_WAIT_SECONDS": "0",
    "API_MAX_SCRIPT": "500",
    "API_MAX_IMAGE_BYTES": str(MOST),
    "API_MAX_BATCH": "3",
    "API_REQUESTS_PER_MINUTE": "100000",
    "API_UPLOAD_SECONDS": "1",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    settings = isolated({"IMAGE_ASSETS_DATA_DIR": folder} | QUICK)
    with serving(create_app(settings, routers=[router(settings)])) as port:
        yield port


@pytest.fixture
def api(port: int) -> Iterator[httpx.Client]:
    base = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=base, timeout=20, verify=False) as client:
        yield client


@pytest.fixture(scope="module")
def catalog(folder: Path) -> Iterator[Catalog]:
    with compose.catalog(isolated({"IMAGE_ASSETS_DATA_DIR": folder})) as catalog:
        yield catalog


def form(api: httpx.Client, image: Any, **fields: str) -> httpx.Response:
    return api.post(PATH, data={"script": "a kite"} | fields, files={"image": image})


def detail(answer: httpx.Response) -> str:
    found: str = answer.json()["detail"]
    return found


def count(catalog: Catalog) -> int:
    with catalog.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(requests)) or 0


def test_a_form_is_taken_as_curl_sends_it(api, catalog):
    answer = form(api, ("my_image.png", PNG, "image/png"), aspect_ratio="16:9", count="2")

    asked = catalog.requests.find("default", answer.json()["request_id"])
    assert answer.status_code == 202
    assert (asked.prompt, asked.aspect_ratio, len(asked.variations)) == ("a kite", "16:9", 2)
    assert (asked.base.width, asked.base.format) == (160, "png")


def test_json_is_taken_with_the_image_in_base64_or_as_a_data_url(api, catalog):
    data = base64.b64encode(JPEG).decode()
    for image in (data, f"data:image/jpeg;base64,{data}"):
        answer = api.post(PATH, json={"script": "a kite", "image": image})

        asked = catalog.requests.find("default", answer.json()["request_id"])
        assert (asked.base.format, asked.aspect_ratio, len(asked.variations)) == ("jpeg", "16:9", 1)


def test_it_is_written_down_with_its_base_before_it_is_answered(api, folder, catalog):
    answer = form(api, ("a.jpg", picture(99), "image/jpeg"))

    asked = catalog.requests.find("default", answer.json()["request_id"])
    assert (folder / asked.base.path).read_bytes() == picture(99)


def test_an_older_name_of_the_same_bytes_is_kept_alone(api, folder, catalog):
    content = picture(98)
    first = form(api, ("a.jpg", content, "image/jpeg"))
    base = catalog.requests.find("default", first.json()["request_id"]).base
    elsewhere = "images/older.jpg"
    (folder / "images").mkdir(exist_ok=True)
    (folder / base.path).rename(folder / elsewhere)
    with catalog.engine.begin() as connection:
        connection.execute(
            blobs.update().where(blobs.c.sha256 == base.sha256).values(path=elsewhere)
        )

    again = form(api, ("a.jpg", content, "image/jpeg"))

    assert catalog.requests.find("default", again.json()["request_id"]).base.path == elsewhere
    assert not (folder / base.path).exists()


@pytest.mark.parametrize(
    ("image", "status", "reason"),
    [
        (("a.png", JPEG, "image/png"), 415, "the image is image/jpeg, and was sent as image/png"),
        (("a.png", PNG, "text/plain"), 415, "was sent as text/plain"),
        (("a.gif", GIF, "image/gif"), 415, "PNG, JPEG or WebP, not GIF"),
        (("a.png", b"<html>", "image/png"), 422, "not_an_image"),
        (("a.png", PNG[:200], "image/png"), 422, "the image cannot be used"),
        (("a.png", b"", "image/png"), 422, "the image is empty"),
        (("a.png", PNG + bytes(MOST), "image/png"), 413, f"at most {MOST} bytes"),
    ],
    ids=["other type", "no image type", "gif", "no image", "cut", "empty", "too large"],
)
def test_an_upload_that_lies_or_cannot_be_used_is_refused(api, catalog, image, status, reason):
    before = count(catalog)

    answer = form(api, image)

    assert (answer.status_code, count(catalog)) == (status, before)
    assert reason in detail(answer)


def test_a_type_that_says_nothing_is_no_lie(api):
    assert form(api, ("a", PNG, "application/octet-stream")).status_code == 202
    assert form(api, ("a.jpg", JPEG, "image/jpg")).status_code == 202


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"script": ""}, "something to read"),
        ({"script": " \n\t"}, "something to read"),
        ({"script": "a\0b"}, "control characters"),
        ({"script": "a\x1b[31mb"}, "control characters"),
        ({"script": "x" * 501}, "at most 500 characters, not 501"),
        ({"script": 7}, "a text is needed"),
        ({"script": None}, "a text is needed"),
        ({"count": 0}, "count: 1 to 5"),
        ({"count": 6}, "count: 1 to 5"),
        ({"count": True}, "count: 1 to 5"),
        ({"count": "2"}, "count: 1 to 5"),
        ({"count": 1.5}, "count: 1 to 5"),
        ({"aspect_ratio": "16/9"}, "aspect_ratio: one of 1:1"),
        ({"aspect_ratio": ["1:1"]}, "aspect_ratio: one of 1:1"),
        ({"image": 7}, "base64"),
        ({"image": "@@@"}, "no base64"),
        ({"image": ""}, "empty"),
        ({"aspect-ratio": "1:1"}, "'aspect-ratio' is none of script"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_reason(api, catalog, fields, reason):
    before = count(catalog)

    answer = api.post(PATH, json={"script": "a kite"} | fields)

    assert (answer.status_code, count(catalog)) == (422, before)
    assert reason in detail(answer)


def test_half_a_character_is_refused(api):
    body = b'{"script": "a \\ud800 kite"}'

    answer = api.post(PATH, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, detail(answer)[:7]) == (422, "script:")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"count": 1' + b"0" * 5000 + b"}"]
)
def test_what_is_no_json_is_refused(api, body):
    answer = api.post(PATH, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, detail(answer)) == (400, "the body is no JSON")


@pytest.mark.parametrize("body", [b"[]", b"7", b'"script"', b"null"])
def test_what_is_no_object_is_refused(api, body):
    answer = api.post(PATH, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, detail(answer)) == (422, "an object is needed")


def test_another_kind_of_body_is_refused(api):
    answer = api.post(PATH, content=b"script=a", headers={"Content-Type": "text/plain"})

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\nContent-Disposition: form-data; name=script\r\n\r\na kite\r\n",
        b"no boundary at all",
        b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n",
        b"",
    ],
)
def test_a_form_that_breaks_off_or_is_none_is_refused(api, body):
    kind = "multipart/form-data; boundary=x"

    answer = api.post(PATH, content=body, headers={"Content-Type": kind})

    assert answer.status_code in (400, 422)


def multipart(*parts: tuple[str, bytes]) -> bytes:
    body = b"".join(
        b"--x\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts
    )
    return body + b"--x--\r\n"


SCRIPT_PART = ('Content-Disposition: form-data; name="script"', b"a kite")
FILE = 'Content-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png'


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([SCRIPT_PART, (f"{FILE}\r\nContent-Length: 7", PNG)], "where its part says 7"),
        ([SCRIPT_PART, SCRIPT_PART], "comes twice"),
        ([SCRIPT_PART, ('Content-Disposition: form-data; name="image"', b"x")], "image is a file"),
        ([SCRIPT_PART, (FILE.replace('"image"', '"picture"'), PNG)], "'picture' is none of"),
    ],
)
def test_a_part_that_lies_or_is_not_expected_is_refused(api, parts, reason):
    kind = "multipart/form-data; boundary=x"

    answer = api.post(PATH, content=multipart(*parts), headers={"Content-Type": kind})

    assert answer.status_code == 422
    assert reason in detail(answer)


def test_an_empty_choice_of_a_browser_is_no_image(api):
    empty = FILE.replace("a.png", "")
    kind = "multipart/form-data; boundary=x"

    answer = api.post(
        PATH, content=multipart(SCRIPT_PART, (empty, b"")), headers={"Content-Type": kind}
    )

    assert answer.status_code == 202


def raw(port: int, head: str, body: bytes = b"") -> bytes:
    """What is answered to a request that is spelled here, byte by byte."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
        found = b""
        while b"\r\n\r\n" not in found and (more := connection.recv(65536)):
            found += more
    return found


POST = f"POST {PATH} HTTP/1.1\nHost: x\nContent-Type: application/json\n"


def test_a_body_that_says_it_is_too_long_is_refused_unread(port):
    assert raw(port, f"{POST}Content-Length: 999999999999\n").startswith(b"HTTP/1.1 413")


def test_a_body_that_grows_too_long_is_refused_while_it_comes(port):
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"

    assert raw(port, f"{POST}Transfer-Encoding: chunked\n", 5 * chunk).startswith(b"HTTP/1.1 413")


def test_a_body_that_is_shorter_than_it_says_is_not_waited_for_longer_than_allowed(port):
    answer = raw(port, f"{POST}Content-Length: 100\n", b'{"script": "a"')

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()


def test_who_hangs_up_in_the_middle_harms_nobody(port, api, caplog):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            (f"{POST}Content-Length: 100\n".replace("\n", "\r\n") + "\r\n{").encode()
        )

    assert api.post(PATH, json={"script": "a kite"}).status_code == 202
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "301", "x"])
def test_a_wait_that_cannot_be_is_refused(api, wait):
    assert api.post(f"{PATH}?wait={wait}", json={"script": "a"}).status_code == 422


@pytest.mark.parametrize("key", ["", "x" * 191, "with space"])
def test_an_idempotency_key_that_cannot_be_is_refused(api, key):
    answer = api.post(PATH, json={"script": "a"}, headers={"Idempotency-Key": key})

    assert answer.status_code == 422


def test_retries_at_the_same_moment_are_one_request(api, catalog):
    answers: list[str] = []

    def ask() -> None:
        headers = {"Idempotency-Key": "at-once"}
        answers.append(api.post(PATH, json={"script": "a"}, headers=headers).json()["request_id"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 8
    assert len(set(answers)) == 1


@pytest.mark.parametrize("path", ["req_00000000", "req_" + 32 * "0"])
def test_a_request_that_was_never_made_is_not_there(api, path):
    for end in ("", "/events"):
        assert api.get(f"{PATH}/{path}{end}").status_code == 404


@pytest.mark.parametrize("path", ["x", "req_", "req_XYZ", "req_" + 65 * "0", "%00", "..%2fx"])
def test_what_is_no_key_is_nowhere(api, path):
    assert api.get(f"{PATH}/{path}").status_code in (404, 422)


def test_a_script_is_inert_wherever_it_is_told(api, caplog):
    caplog.set_level(logging.DEBUG)
    script = "</script><img src=x onerror=alert(1)>\n\u202etxt {{7*7}} %s canary"

    answer = api.post(PATH, json={"script": script})
    told = api.get(answer.json()["poll"])

    assert told.headers["content-type"] == "application/json"
    assert told.headers["x-content-type-options"] == "nosniff"
    assert "canary" not in caplog.text


def test_nothing_of_it_is_kept_on_the_way(api):
    answer = api.post(PATH, json={"script": "a"})

    assert answer.headers["cache-control"] == "no-store"
    assert api.get(answer.json()["poll"]).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, '{"requests": [...]}'),
        ({"requests": {}}, '{"requests": [...]}'),
        ({"requests": [{"script": "a"}], "more": 1}, '{"requests": [...]}'),
        ({"requests": []}, "1 to 3 of them, not 0"),
        ({"requests": 4 * [{"script": "a"}]}, "1 to 3 of them, not 4"),
    ],
)
def test_a_batch_that_is_none_is_refused(api, body, reason):
    answer = api.post(f"{PATH}/batch", json=body)

    assert (answer.status_code, reason in detail(answer)) == (422, True)


def test_a_batch_has_a_result_for_each_item(api, catalog):
    items = [{"script": "one"}, {"script": 7}, "no object"]

    answer = api.post(f"{PATH}/batch", json={"requests": items})

    results = answer.json()["results"]
    assert [result["status"] for result in results] == [202, 422, 422]
    assert catalog.requests.find("default", results[0]["result"]["request_id"]) is not None


def test_a_batch_that_is_sent_again_is_not_paid_for_again(api):
    headers = {"Idempotency-Key": "a-batch"}
    items = [{"script": "one"}, {"script": "two", "idempotency_key": "its-own"}]
    first, second = (
        api.post(f"{PATH}/batch", json={"requests": items}, headers=headers).json()["results"]
        for _ in range(2)
    )

    assert first == second
    assert len({result["result"]["request_id"] for result in first}) == 2


def test_who_waits_hears_of_a_change_at_once(api, catalog):
    """The change comes from another process: the catalog is all they share."""
    headers = {"Idempotency-Key": "waited-for"}
    key = api.post(PATH, json={"script": "a"}, headers=headers).json()["request_id"]

    def fail() -> None:
        time.sleep(0.3)
        now = catalog.requests.find("default", key).created_at
        where = Partition("generated", "default", key)
        catalog.generation.advance(where, RequestState.FAILED, reason="so it is", now=now)

    thread = threading.Thread(target=fail)
    thread.start()
    answer = api.post(f"{PATH}?wait=20", json={"script": "a"}, headers=headers)
    thread.join()

    assert answer.status_code == 502
    assert (answer.json()["detail"], answer.json()["request_id"]) == ("so it is", key)


def test_many_who_wait_do_not_stop_the_others(port, api):
    waiting = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(60)]
    for number, connection in enumerate(waiting):
        body = json.dumps({"script": f"number {number}"})
        kind = {"Content-Type": "application/json"}
        connection.request("POST", f"{PATH}?wait=1", body=body, headers=kind)

    assert api.get("/healthz").status_code == 200
    statuses = {connection.getresponse().status for connection in waiting}
    for connection in waiting:
        connection.close()
    assert statuses == {202}


def alone(folder: Path, **settings: Any) -> Any:
    given = isolated({"IMAGE_ASSETS_DATA_DIR": folder} | QUICK | settings)
    return serving(create_app(given, routers=[router(given)]))


def test_a_client_may_ask_so_often_in_a_minute_and_is_told_when_again(tmp_path):
    with alone(tmp_path, API_REQUESTS_PER_MINUTE="3") as port:
        url = f"http://127.0.0.1:{port}{PATH}"
        answers = [httpx.post(url, json={"script": "a"}, verify=False) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60


def test_each_item_of_a_batch_counts(tmp_path):
    with alone(tmp_path, API_REQUESTS_PER_MINUTE="3") as port:
        url = f"http://127.0.0.1:{port}{PATH}/batch"
        body = {"requests": 2 * [{"script": "a"}]}
        answers = [httpx.post(url, json=body, verify=False) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]


def test_no_more_pictures_are_asked_for_than_the_day_has(tmp_path):
    with alone(tmp_path, GENERATION_DAILY_PICTURES="3") as port:
        url = f"http://127.0.0.1:{port}{PATH}"
        answers = [
            httpx.post(url, json={"script": "a", "count": 2}, verify=False) for _ in range(2)
        ]

    assert [answer.status_code for answer in answers] == [202, 429]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 86_400
    assert re.match(r"2 of 3 pictures", answers[1].json()["detail"])


def test_requests_outlive_the_server_that_took_them(tmp_path):
    with alone(tmp_path) as port:
        answer = httpx.post(f"http://127.0.0.1:{port}{PATH}", json={"script": "a"}, verify=False)
    with alone(tmp_path) as port:
        again = httpx.get(f"http://127.0.0.1:{port}{answer.json()['poll']}", verify=False)

    assert (again.status_code, again.json()["state"]) == (200, "waiting")


def test_the_page_of_the_api_names_every_operation(api):
    paths = api.get("/openapi.json").json()["paths"]

    assert {path: set(paths[path]) for path in paths if path.startswith(PATH)} == {
        PATH: {"post"},
        f"{PATH}/batch": {"post"},
        f"{PATH}/{{request_id}}": {"get"},
        f"{PATH}/{{request_id}}/events": {"get"},
    }
    assert "swagger" in api.get("/docs").text.lower()
