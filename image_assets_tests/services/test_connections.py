"""What becomes of a connection after an exchange, and TLS."""

import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from image_assets.core.errors import NotFoundError, RejectedError, TransientError
from image_assets.services import connections
from image_assets.services.http import Http, Politeness, Retry
from image_assets_tests.loopback import Loopback, reply

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


def client(url: str, **options) -> Http:
    return Http("site", [url], retry=Retry(attempts=1), **options)


@pytest.mark.parametrize(
    "answer",
    [reply(200, b"ok"), reply(200), reply(204)],
    ids=["a body", "an empty one", "none"],
)
def test_a_connection_serves_again_after_a_whole_answer(answer):
    with Loopback(answer) as server:
        http = client(server.url)
        for _ in range(3):
            http.request("GET", server.url)

        assert (len(server.asked), server.connections) == (3, 1)


def test_a_connection_serves_again_after_the_last_chunk():
    def say(connection: socket.socket) -> None:
        connection.sendall(CHUNKED)
        connection.recv(10_000)
        connection.sendall(CHUNKED)

    with Loopback(say) as server:
        http = client(server.url)
        bodies = [http.request("GET", server.url).body for _ in range(2)]

        assert (bodies, server.connections) == ([b"ok", b"ok"], 1)


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, b"ok", Connection="close"),
        reply(200, b"ok", Connection="Keep-Alive, Close"),
        reply(200, b"ok").replace(b"HTTP/1.1", b"HTTP/1.0"),
        reply(200, b"ok") + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        CHUNKED + b"stray",
    ],
    ids=["close", "close among others", "1.0", "an answer nobody asked for", "stray bytes"],
)
def test_a_connection_that_ends_or_says_too_much_serves_no_more(answer):
    def say(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.settimeout(5)
        connection.recv(1)  # until the client hangs up: a server may be slow to

    with Loopback(say) as server:
        http = client(server.url)
        bodies = [http.request("GET", server.url).body for _ in range(2)]

        assert (bodies, server.connections) == ([b"ok", b"ok"], 2)


def test_a_connection_that_the_server_closed_meanwhile_is_not_used():
    def say(connection: socket.socket) -> None:
        connection.sendall(reply(200, b"ok"))  # and closes without having said so

    with Loopback(say) as server:
        http = client(server.url)
        http.request("GET", server.url)
        time.sleep(0.1)

        assert http.request("GET", server.url).body == b"ok"


def test_a_body_that_was_not_read_to_its_end_takes_its_connection_along():
    large = reply(404, b"x" * 200_000)
    with Loopback(large, reply(200, b"ok")) as server:
        http = client(server.url)
        with pytest.raises(NotFoundError):
            http.request("GET", server.url)

        assert (http.request("GET", server.url).body, server.connections) == (b"ok", 2)


def test_connections_beyond_the_agreed_ones_are_not_kept():
    answers = threading.Barrier(3)

    def say(connection: socket.socket) -> None:
        answers.wait(10)
        connection.sendall(reply(200, b"ok"))
        connection.settimeout(5)
        assert connection.recv(1) == b""

    with Loopback(say) as server:
        http = client(server.url, politeness=Politeness(3))
        threads = [
            threading.Thread(target=http.request, args=("GET", server.url)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        http.close()

        assert server.connections == 3


def test_information_before_the_answer_is_not_the_answer():
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    with Loopback(early + reply(200, b"ok")) as server:
        assert client(server.url).request("GET", server.url).body == b"ok"


def test_a_server_that_refuses_to_read_on_may_say_why():
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(reply(413, b"too much"))
            time.sleep(0.1)  # and ends with megabytes unread, which resets the connection

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, pytest.raises(RejectedError, match="too much"):
        client(url).request("POST", url, content=b"x" * 5_000_000, repeatable=False)
    thread.join()


def test_two_lengths_are_no_answer():
    lying = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"
    with Loopback(lying) as server, pytest.raises(TransientError, match="broken or cut answer"):
        client(server.url).request("GET", server.url)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """A key and a certificate for `localhost` that it signed itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("identity")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


@pytest.fixture
def secured(identity):
    """A TLS server that gives 3 MB, and its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity[1], identity[0])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as talk:
                while talk.recv(10_000):
                    talk.sendall(reply(200, b"x" * 3_000_000))
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"https://localhost:{listener.getsockname()[1]}"
    thread.join(10)
    listener.close()


def test_a_secured_site_is_read_over_one_connection(secured, identity, monkeypatch, tmp_path):
    trusting = ssl.create_default_context(cafile=identity[1])
    monkeypatch.setattr(connections, "_tls", lambda: trusting)
    http = client(secured)

    got = [http.download(secured, tmp_path / name, limit=3_000_000).size for name in "ab"]
    http.close()

    assert got == [3_000_000, 3_000_000]


def test_a_certificate_of_nobody_is_no_connection(secured):
    with pytest.raises(TransientError, match=r"no connection .*certificate"):
        client(secured).request("GET", secured)
