"""Reading what a host shows, from a server of raw answers."""

import hashlib

import pytest

from image_assets.core.errors import NotFoundError, RejectedError, TransientError, VerificationError
from image_assets.core.fidelity import Treatment
from image_assets.core.model import Content, ImageFormat, Level
from image_assets.hosting import served
from image_assets.services.served import plain_address
from image_assets.settings import isolated
from image_assets_tests.drawing import decoded, encoded, picture, scene
from image_assets_tests.loopback import Loopback, reply

SENT = encoded(scene((480, 270)), "PNG")
QUICK = {"UPLOAD_TIMEOUT": "1", "UPLOAD_RETRY_DELAY": "0.001"}


SHA256 = hashlib.sha256(SENT).hexdigest()
CONTENT = Content(SHA256, "sent", len(SENT), ImageFormat.PNG, "sent.png")


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    file = tmp_path_factory.mktemp("sent") / "sent.png"
    file.write_bytes(SENT)
    return file


@pytest.fixture(scope="module")
def prove(sent):
    """What is proven of `SENT` where a host answers `answer`."""
    content, file = CONTENT, sent

    def prove(answer: bytes, *, trusted: bool = True) -> Level:
        with Loopback(answer) as server:
            reader = served(isolated(QUICK), "some", *([server.url] if trusted else []))
            try:
                return reader.prove(content, file, f"{server.url}/sent.png")
            finally:
                reader.close()

    return prove


def test_equal_bytes_prove_everything(prove):
    assert prove(reply(200, SENT, Content_Type="image/png")) is Level.L3


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "PNG"])
def test_the_same_picture_encoded_anew_proves_its_look(prove, format):
    anew = encoded(decoded(SENT).convert("P") if format == "PNG" else decoded(SENT), format)

    assert prove(reply(200, anew, Content_Type="image/jpeg")) is Level.L2


@pytest.mark.parametrize(
    "shown",
    [
        picture(1, (480, 270), "PNG"),
        encoded(decoded(SENT).resize((240, 135)), "PNG"),
        encoded(decoded(SENT).rotate(180), "PNG"),
        encoded(decoded(SENT).convert("L"), "PNG"),
        SENT[: len(SENT) // 2],
        b"GIF89a",
        b"",
        SENT * 200,
    ],
    ids=["another", "smaller", "turned", "gray", "cut", "no picture", "nothing", "far larger"],
)
def test_anything_else_is_an_alarm(prove, shown):
    with pytest.raises(VerificationError):
        prove(reply(200, shown, Content_Type="image/png"))


@pytest.mark.parametrize("type", ["text/html; charset=utf-8", "image/png"])
def test_a_page_is_no_picture_and_no_alarm(prove, type):
    page = b"  <!DOCTYPE html><title>Just a moment...</title>"

    with pytest.raises(TransientError, match="a page"):
        prove(reply(200, page, Content_Type=type))


def test_what_the_host_does_not_have_is_not_found(prove):
    with pytest.raises(NotFoundError):
        prove(reply(404, b"gone"))


def test_an_address_that_nobody_configured_must_be_public(prove):
    with pytest.raises(RejectedError):
        prove(reply(200, SENT), trusted=False)


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("https://iili.io/a.jpg", "https://iili.io/a.jpg"),
        ("//i.ibb.co/a.png", "https://i.ibb.co/a.png"),
        ("http://127.0.0.1:1/a.png", "http://127.0.0.1:1/a.png"),
    ],
)
def test_an_address_is_told_whole(told, address):
    assert plain_address(told, "some host") == address


@pytest.mark.parametrize(
    "told",
    [
        *(None, 7, "", "a.jpg", "javascript:alert(1)", "https://é.example/a"),
        *("https://x/ y", "https://x/\n", "https://x/<b>", "https://x/" + "y" * 2000),
    ],
)
def test_what_is_no_address_is_never_told(told):
    with pytest.raises(TransientError):
        plain_address(told, "some host")


@pytest.mark.parametrize(
    ("shown", "level", "treatments"),
    [
        (SENT, Level.L3, {Treatment.SAME_BYTES}),
        (encoded(decoded(SENT), "BMP"), Level.L2, {Treatment.SAME_PIXELS, Treatment.CONVERTED}),
        (encoded(decoded(SENT), "WEBP"), Level.L2, {Treatment.ENCODED_ANEW, Treatment.CONVERTED}),
        (encoded(decoded(SENT).convert("P"), "PNG"), Level.L2, {Treatment.ENCODED_ANEW}),
    ],
    ids=["kept", "packed anew", "converted", "encoded anew"],
)
def test_what_became_of_it_on_the_way_is_told(sent, shown, level, treatments):
    with Loopback(reply(200, shown, Content_Type="image/png")) as server:
        found = read(server.url, lambda reader, url: reader.show(CONTENT, sent, url))

    assert (found.level, found.treatments, found.size) == (level, treatments, len(shown))


@pytest.mark.parametrize(
    ("shown", "treatment"),
    [
        (picture(1, (480, 270), "PNG"), Treatment.REPLACED),
        (encoded(decoded(SENT).resize((240, 135)), "PNG"), Treatment.RESIZED),
        (SENT[: len(SENT) // 2], Treatment.BROKEN),
    ],
    ids=["another", "smaller", "cut"],
)
def test_an_alarm_says_what_became_of_it(sent, shown, treatment):
    with (
        Loopback(reply(200, shown, Content_Type="image/png")) as server,
        pytest.raises(VerificationError) as alarm,
    ):
        read(server.url, lambda reader, url: reader.show(CONTENT, sent, url))

    assert alarm.value.treatment is treatment


def test_a_look_reads_no_body():
    with Loopback(head("image/png", 9)) as server:
        found = read(server.url, lambda reader, url: reader.look(CONTENT, url, 9))
        asked = [request.method for request in server.asked]

    assert (found, asked) == (Level.L1, ["HEAD"])


@pytest.mark.parametrize(
    ("type", "length", "said"),
    [("image/png", 8, "has 8 bytes where 9 were"), ("application/pdf", 9, "of the type")],
)
def test_a_look_sees_another_length_and_another_type(type, length, said):
    with Loopback(head(type, length)) as server, pytest.raises(VerificationError, match=said):
        read(server.url, lambda reader, url: reader.look(CONTENT, url, 9))


def test_a_page_tells_a_look_nothing():
    with Loopback(head("text/html", 9)) as server, pytest.raises(TransientError, match="a page"):
        read(server.url, lambda reader, url: reader.look(CONTENT, url))


def test_where_head_is_refused_the_picture_is_read():
    with Loopback(reply(405), reply(200, SENT, Content_Type="image/png")) as server:
        found = read(server.url, lambda reader, url: reader.look(CONTENT, url))

    assert found is Level.L3


def head(type: str, length: int) -> bytes:
    """The answer to a HEAD."""
    lines = ("HTTP/1.1 200 OK", f"Content-Type: {type}", f"Content-Length: {length}", "", "")
    return "\r\n".join(lines).encode()


def read(base: str, use):
    """What `use` makes of a reader and an address."""
    reader = served(isolated(QUICK), "some", base)
    try:
        return use(reader, f"{base}/sent.png")
    finally:
        reader.close()
