import datetime as dt
import hashlib
import logging
import socket
import threading
import time

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    InDoubtError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    UnreadableImageError,
)
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry
from image_assets_tests.loopback import Loopback, reply

CANARY = "canary-4f1d9c"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


class Time:
    """A clock that stands until somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def clock(self, *, chance: float = 1.0) -> Clock:
        return Clock(lambda: 1000.0 + sum(self.slept), lambda: NOW, self.sleep, lambda: chance)


@pytest.fixture
def time_():
    return Time()


@pytest.fixture
def http(time_):
    def make(server: Loopback, **options) -> Http:
        options.setdefault("clock", time_.clock())
        return Http("site", [server.url], **options)

    return make


def test_an_answer_holds_status_headers_and_body(http):
    with Loopback(reply(200, b'{"a": 1}', X_Thing="yes")) as server:
        answer = http(server).request("GET", f"{server.url}/day.json")

        assert (answer.status, answer.headers["x-thing"], answer.json()) == (200, "yes", {"a": 1})


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RejectedError),
        (401, AuthenticationError),
        (402, PermanentError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (405, PermanentError),
        (408, TransientError),
        (409, RejectedError),
        (410, NotFoundError),
        (413, RejectedError),
        (422, RejectedError),
        (429, TransientError),
        (500, TransientError),
        (502, TransientError),
        (503, TransientError),
        (504, TransientError),
        (206, TransientError),
        (304, RejectedError),
    ],
)
def test_a_status_has_one_class_of_error(http, status, error):
    with Loopback(reply(status)) as server, pytest.raises(error) as raised:
        http(server).request("GET", server.url)

    assert type(raised.value) is error


def test_only_what_waiting_may_cure_is_tried_again(http):
    with Loopback(reply(400)) as server:
        with pytest.raises(RejectedError):
            http(server).request("GET", server.url)

        assert len(server.asked) == 1


def test_a_transient_failure_is_tried_again_on_the_same_connection(http):
    with Loopback(reply(503), reply(500), reply(200, b"ok")) as server:
        answer = http(server).request("GET", server.url)

        assert (answer.body, len(server.asked), server.connections) == (b"ok", 3, 1)


def test_attempts_are_bounded(http, time_):
    with Loopback(reply(500)) as server:
        with pytest.raises(TransientError):
            http(server, retry=Retry(attempts=4, delay=2.0)).request("GET", server.url)

        assert (len(server.asked), time_.slept) == (4, [2.0, 4.0, 8.0])


def test_seconds_are_bounded_too(http, time_):
    with Loopback(reply(500)) as server:
        with pytest.raises(TransientError):
            http(server, retry=Retry(attempts=99, delay=4.0, seconds=10.0)).request(
                "GET", server.url
            )

        assert (len(server.asked), time_.slept) == (2, [4.0])


def test_pauses_have_full_jitter(http, time_):
    with Loopback(reply(500)) as server:
        client = http(server, clock=time_.clock(chance=0.25), retry=Retry(delay=2.0))
        with pytest.raises(TransientError):
            client.request("GET", server.url)

        assert time_.slept == [0.5, 1.0]


def test_a_pause_is_never_longer_than_the_ceiling(time_):
    pause = Retry(delay=1.0, ceiling=30.0).pause(4000, time_.clock())

    assert pause == 30.0


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ["7", "Fri, 02 Jan 2026 03:04:12 GMT"])
def test_retry_after_is_honoured_in_seconds_and_as_a_date(http, time_, status, asked):
    with Loopback(reply(status, Retry_After=asked), reply(200)) as server:
        http(server).request("GET", server.url)

        assert time_.slept == [7.0]


@pytest.mark.parametrize("asked", ["soon", "-3", "", "Fri, 99 Jan 2026", "1e9", "²"])
def test_a_retry_after_that_says_nothing_is_ignored(http, time_, asked):
    with Loopback(reply(429, Retry_After=asked), reply(200)) as server:
        http(server).request("GET", server.url)

        assert time_.slept == [1.0]


def test_a_date_in_the_past_asks_for_no_wait(http, time_):
    past = "Fri, 02 Jan 2026 03:00:00 GMT"
    with Loopback(reply(429, Retry_After=past), reply(200)) as server:
        http(server, clock=time_.clock(chance=0.0)).request("GET", server.url)

        assert time_.slept == [0.0]


def test_who_asks_for_more_time_than_we_have_is_not_waited_for(http, time_):
    with Loopback(reply(429, Retry_After="3600")) as server:
        with pytest.raises(TransientError) as raised:
            http(server).request("GET", server.url)

        assert (raised.value.retry_after, len(server.asked), time_.slept) == (3600.0, 1, [])


def test_a_retry_is_logged_without_the_query(http, caplog):
    caplog.set_level(logging.DEBUG)
    with Loopback(reply(500), reply(200)) as server:
        http(server).request("GET", f"{server.url}/v1/list?page=3#x")

        (line,) = [r for r in caplog.records if r.levelno == logging.WARNING]

    said = f"site: GET {server.url}/v1/list answered 500 Internal Server Error"
    assert line.getMessage() == f"{said}; attempt 1 of 3, again in 1.0 s"
    assert not any("page=3" in record.getMessage() for record in caplog.records)


def test_a_closed_port_is_transient_and_tried_again(http, time_):
    with Loopback(reply(200)) as server:
        url = server.url
    with pytest.raises(TransientError, match="no connection"):
        Http("site", [url], clock=time_.clock()).request("POST", url, repeatable=False)

    assert len(time_.slept) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        reply(200, b"half", length=10),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        reply(200, b"\x1f\x8b", Content_Encoding="gzip"),
    ],
    ids=["nothing", "half a head", "no http", "half a body", "half a chunk", "an encoding"],
)
def test_a_cut_or_broken_answer_is_transient(http, answer):
    with Loopback(answer) as server:
        with pytest.raises(TransientError):
            http(server).request("GET", server.url)

        assert len(server.asked) == 3


def drip(piece: bytes, first: bytes = b""):
    """An answer that never ends and is never silent for long."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece)
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    "answer",
    [drip(b"X"), drip(b"x", reply(200, length=10_000_000)), lambda _: time.sleep(2)],
    ids=["head", "body", "silence"],
)
def test_one_deadline_ends_the_whole_exchange(answer):
    """A read time-out of any length would wait for ever: there is always another byte."""
    with Loopback(answer) as server:
        client = Http("site", [server.url], timeout=0.3, retry=Retry(attempts=1))
        with pytest.raises(TransientError, match="took too long"):
            client.request("GET", server.url)


def test_a_peer_that_does_not_read_ends_at_the_deadline_too():
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = Http("site", [url], timeout=0.3, retry=Retry(attempts=1))
    with listener, pytest.raises(TransientError, match="sending took too long"):
        client.request("POST", url, repeatable=False, content=b"x" * 50_000_000)


def test_an_unrepeatable_request_that_was_sent_is_in_doubt_and_never_repeated(http):
    with Loopback(b"") as server:
        with pytest.raises(InDoubtError):
            http(server).request("POST", server.url, content=b"new", repeatable=False)

        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_that_failed_may_have_carried_it_out(http, status):
    with Loopback(reply(status)) as server:
        with pytest.raises(InDoubtError):
            http(server).request("POST", server.url, content=b"new", repeatable=False)

        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_server_that_refused_untried_is_asked_again(http, status):
    with Loopback(reply(status), reply(200, b"made")) as server:
        answer = http(server).request("POST", server.url, content=b"new", repeatable=False)

        assert (answer.body, len(server.asked)) == (b"made", 2)


def test_a_success_that_cannot_be_read_leaves_an_unrepeatable_request_in_doubt(http):
    with Loopback(reply(200, b"<html>")) as server, pytest.raises(InDoubtError, match="not JSON"):
        http(server).request("POST", server.url, repeatable=False, check=Answer.json)


def test_a_request_that_was_not_sent_whole_is_not_in_doubt(time_):
    def hang_up(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            hang_up(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    client = Http("site", [url], retry=Retry(attempts=1))
    with listener, pytest.raises(TransientError):
        client.request("POST", url, content=b"x" * 50_000_000, repeatable=False)
    thread.join()


def test_a_refusal_is_said_with_the_setting_to_check(http):
    answer = reply(401, b'{"error": "no"}')
    with Loopback(answer) as server, pytest.raises(AuthenticationError) as raised:
        http(server, credential="SITE_KEY").request("GET", f"{server.url}/x?key=1")

    said = f"site: GET {server.url}/x answered 401 Unauthorized"
    assert str(raised.value) == f'{said}: {{"error": "no"}}; check SITE_KEY'


def test_an_unknown_body_is_shown_on_one_line_and_cut(http):
    body = b"<html>\r\n\x1b[31m\xff\0" + b"x" * 100_000
    with Loopback(reply(400, body)) as server, pytest.raises(RejectedError) as raised:
        http(server).request("GET", server.url)

    excerpt = str(raised.value).partition("Bad Request: ")[2]
    assert excerpt.isprintable()
    assert len(excerpt.encode()) == 500


@pytest.mark.parametrize(
    "body",
    [
        f"you sent Bearer {CANARY}",
        f"token={CANARY}",
        "y" * 490 + CANARY,
    ],
)
def test_a_body_that_echoes_a_secret_is_redacted(http, caplog, body):
    caplog.set_level(logging.DEBUG)
    with Loopback(reply(500, body.encode()), reply(403, body.encode())) as server:
        client = http(server, headers={"Authorization": f"Bearer {CANARY}"})
        with pytest.raises(AuthenticationError) as raised:
            client.request("GET", f"{server.url}/?q={CANARY}")

    assert CANARY[:6] not in str(raised.value)
    assert CANARY[:6] not in caplog.text
    assert raised.value.__cause__ is None


def test_a_secret_in_any_spelling_is_redacted(http):
    secret = 'pa"ss/wörd & more'
    echo = b'{"json": "pa\\"ss/w\\u00f6rd & more", "url": "pa%22ss%2Fw%C3%B6rd%20%26%20more"}'
    with Loopback(reply(400, echo)) as server, pytest.raises(RejectedError) as raised:
        http(server, secrets=[secret]).request("GET", server.url)

    assert str(raised.value).endswith('{"json": "***", "url": "***"}')


@pytest.mark.parametrize("value", ["Bearer x\n", "Bearer \x00", "Bearer clé", " Bearer x"])
def test_a_key_that_cannot_be_sent_is_named_and_not_shown(value):
    with pytest.raises(AuthenticationError, match="SITE_KEY holds") as raised:
        Http("site", [], headers={"Authorization": value}, credential="SITE_KEY")

    assert "Bearer" not in str(raised.value)


def test_a_client_that_is_shown_shows_no_key(http):
    with Loopback(reply(200)) as server:
        client = http(server, headers={"Authorization": f"Bearer {CANARY}"})

    assert CANARY not in repr([client, vars(client)])


def test_a_redirect_within_the_origin_is_followed(http):
    with Loopback(reply(302, Location="/there"), reply(200, b"here")) as server:
        answer = http(server).request("GET", f"{server.url}/old")

        assert (answer.body, server.asked[1].path) == (b"here", "/there")


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/x",
        "http://example.com/",
        "https://127.0.0.1/",
        "//example.com/x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
    ],
)
def test_a_redirect_to_another_origin_is_refused(http, target):
    with Loopback(reply(302, Location=target)) as server:
        with pytest.raises(RejectedError, match="not followed"):
            http(server).request("GET", server.url)

        assert len(server.asked) == 1


def test_redirects_in_a_circle_end(http):
    with Loopback(reply(301, Location="/again")) as server:
        with pytest.raises(PermanentError, match="more than 5 redirects"):
            http(server).request("GET", server.url)

        assert len(server.asked) == 6


def test_a_post_is_not_redirected(http):
    with Loopback(reply(307, Location="/there")) as server, pytest.raises(RejectedError):
        http(server).request("POST", server.url, content=b"x")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "2130706433", "0x7f000001",
     "0X7F.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "127.000.000.001", "0", "0.0.0.0",
     "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[::1%25lo]", "①②⑦.0.0.1",
     "127。0。0。1", "127%2e0%2e0%2e1", "127.0.0.1%00.example", "user:secret@127.0.0.1", "a@b@127.0.0.1"],
)  # fmt: skip
def test_loopback_is_refused_in_every_spelling(http, host):
    with Loopback(reply(200)) as configured, Loopback(reply(200)) as inside:
        client = http(configured, retry=Retry(attempts=1))
        with pytest.raises((RejectedError, TransientError)) as raised:
            client.request("GET", f"http://{host}:{inside.port}/")

        assert inside.connections == 0
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "192.0.0.8", "192.88.99.1", "3fff::1",
     "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:8.8.8.8",
     "64:ff9b::808:808", "2002:7f00:1::", "2001::1", "2001:db8::1", "::8.8.8.8", "nonsense"],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused_before_connecting(time_, address):
    client = Http(
        "site", [], clock=time_.clock(), look_up=lambda host, port: ["93.184.216.34", address]
    )

    with pytest.raises(RejectedError, match="not a public address"):
        client.request("GET", "http://pictures.example/x")


@pytest.fixture
def internet(monkeypatch):
    """A loopback server at a public address, for everybody who connects to that address."""
    connect = socket.create_connection

    def set_up(server: Loopback, address: str) -> None:
        def route(where, *arguments):
            assert where[0] == address
            return connect(("127.0.0.1", server.port), *arguments)

        monkeypatch.setattr(socket, "create_connection", route)

    return set_up


def test_a_name_that_changes_its_mind_is_connected_to_as_it_was_checked(internet):
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    with Loopback(reply(200, b"public")) as server:
        internet(server, "93.184.216.34")
        client = Http("site", [], look_up=lambda host, port: answers.pop(0))
        answer = client.request("GET", "http://pictures.example/x")

    assert (answer.body, server.asked[0].headers["host"]) == (b"public", "pictures.example")


def test_strangers_learn_who_we_are_and_no_key(internet):
    with Loopback(reply(200)) as server:
        internet(server, "93.184.216.34")
        client = Http(
            "site",
            ["http://site.example"],
            headers={"Authorization": "Bearer x", "X-Key": "y", "User-Agent": "us"},
            look_up=lambda host, port: ["93.184.216.34"],
        )
        client.request("GET", "http://site.example/")
        client.request("GET", "http://stranger.example/")

        ours, strangers = (asked.headers for asked in server.asked)

    assert (ours["authorization"], ours["x-key"], ours["user-agent"]) == ("Bearer x", "y", "us")
    assert strangers["user-agent"] == "us"
    assert {"authorization", "x-key"} & strangers.keys() == set()


def test_early_refusals_say_the_same_as_connecting(time_):
    found = {"inside.example": ["10.0.0.1"], "outside.example": ["93.184.216.34"]}
    client = Http("site", ["http://10.1.1.1"], look_up=lambda host, port: found[host])

    refused = [client.refusal(f"http://{host}/x") is not None for host in found]

    assert refused == [True, False]
    assert client.refusal("http://10.1.1.1/x") is None


def test_a_name_that_does_not_resolve_now_is_not_refused_for_ever():
    def fail(host: str, port: int) -> list[str]:
        raise OSError("no answer from the name server")

    client = Http("site", [], look_up=fail, retry=Retry(attempts=1))

    assert client.refusal("http://pictures.example/") is None
    with pytest.raises(TransientError, match="no answer from the name server"):
        client.request("GET", "http://pictures.example/")


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://h/", "file:///etc/passwd", "http://", "http://[", "http://h:99999/"]
)
def test_what_is_no_http_address_is_refused(url):
    with pytest.raises(RejectedError):
        Http("site", []).request("GET", url)


def test_an_answer_larger_than_its_limit_is_not_read_to_its_end(http):
    with (
        Loopback(reply(200, b"x" * 2000)) as server,
        pytest.raises(TransientError, match="more than 1000"),
    ):
        http(server).request("GET", server.url, limit=1000)


def test_a_service_explains_its_own_errors(http):
    def explain(answer: Answer) -> NotFoundError | None:
        return NotFoundError("no such day") if answer.json() == {"code": 7} else None

    with Loopback(reply(400, b'{"code": 7}'), reply(400, b'{"code": 8}')) as server:
        client = http(server)
        with pytest.raises(NotFoundError, match="no such day"):
            client.request("GET", server.url, explain=explain)
        with pytest.raises(RejectedError):
            client.request("GET", server.url, explain=explain)


def test_an_explained_transient_error_is_tried_again(http):
    with Loopback(reply(400), reply(200)) as server:
        http(server).request("GET", server.url, explain=lambda _: TransientError("busy"))

        assert len(server.asked) == 2


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"<html></html>"])
def test_what_is_not_json_is_transient(http, body):
    with Loopback(reply(200, body)) as server:
        with pytest.raises(TransientError):
            http(server).request("GET", server.url, check=Answer.json)

        assert len(server.asked) == 3


def test_a_download_is_hashed_on_its_way(http, tmp_path):
    content = bytes(range(256)) * 1000
    with Loopback(reply(200, content)) as server:
        got = http(server).download(server.url, tmp_path / "new", limit=1_000_000)

    assert (tmp_path / "new").read_bytes() == content
    assert (got.sha256, got.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert got.head == content[:64]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(200, b"half", length=10), TransientError),
        (b"HTTP/1.1 200 OK\r\n\r\nfour", TransientError),
        (reply(200, b"x" * 101), UnreadableImageError),
        (reply(404), NotFoundError),
        (reply(204), TransientError),
        (reply(206, b"part"), TransientError),
    ],
    ids=["cut", "no length", "too large", "absent", "no content", "a part"],
)
def test_a_failed_download_leaves_no_file(http, tmp_path, answer, error):
    with Loopback(answer) as server, pytest.raises(error):
        http(server).download(server.url, tmp_path / "new", limit=100, size=8)

    assert list(tmp_path.iterdir()) == []


def test_a_cut_download_is_tried_again_from_the_start(http, tmp_path):
    with Loopback(reply(200, b"ha", length=4), reply(200, b"half")) as server:
        http(server).download(server.url, tmp_path / "new", limit=100)

    assert (tmp_path / "new").read_bytes() == b"half"


def test_a_download_that_is_not_what_was_asked_for_is_tried_again(http, tmp_path):
    def check(got) -> None:
        if got.head.startswith(b"<"):
            raise TransientError("a page")

    with Loopback(reply(200, b"<html>"), reply(200, b"\xff\xd8\xff")) as server:
        got = http(server).download(server.url, tmp_path / "new", limit=100, check=check)

        assert (got.size, len(server.asked)) == (3, 2)


def test_a_file_that_is_there_is_never_overwritten(http, tmp_path):
    (tmp_path / "mine").write_bytes(b"mine")
    with Loopback(reply(200, b"theirs")) as server, pytest.raises(PermanentError):
        http(server).download(server.url, tmp_path / "mine", limit=100)

    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_never_more_connections_than_agreed(http):
    busy, most, lock = 0, 0, threading.Lock()

    def answer(connection: socket.socket) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.02)
        with lock:
            busy -= 1
        connection.sendall(reply(200, Connection="close"))

    with Loopback(answer) as server:
        client = http(server, politeness=Politeness(2), clock=Clock())
        threads = [
            threading.Thread(target=client.request, args=("GET", server.url)) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert most == 2


def test_no_window_holds_more_requests_than_agreed(http, time_):
    begun = []

    def note(connection: socket.socket) -> None:
        begun.append(sum(time_.slept))
        connection.sendall(reply(200, Connection="close"))

    with Loopback(note) as server:
        rate = Politeness(1, requests=3, per=60.0, clock=time_.clock())
        client = http(server, politeness=rate)
        for _ in range(7):
            client.request("GET", server.url)

    assert begun == [0.0, 0.0, 0.0, 60.0, 60.0, 60.0, 120.0]


def test_who_would_wait_longer_than_the_call_may_take_is_told_when(http, time_):
    with Loopback(reply(200)) as server:
        rate = Politeness(1, requests=1, per=600.0, clock=time_.clock())
        client = http(server, politeness=rate, retry=Retry(seconds=100.0))
        client.request("GET", server.url)
        with pytest.raises(TransientError) as raised:
            client.request("GET", server.url)

        assert (raised.value.retry_after, len(server.asked)) == (600.0, 1)


def test_a_client_that_is_closed_keeps_no_connection(http):
    with Loopback(reply(200)) as server:
        client = http(server)
        client.request("GET", server.url)
        client.close()

        client.close()
