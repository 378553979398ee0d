"""Reading what a host shows, from a server of raw answers."""

import hashlib

import pytest

from image_assets.core.errors import NotFoundError, RejectedError, TransientError, VerificationError
from image_assets.core.model import Content, ImageFormat, Level
from image_assets.hosting import served
from image_assets.services.served import plain_address
from image_assets.settings import isolated
from image_assets_tests.drawing import decoded, encoded, picture, scene
from image_assets_tests.loopback import Loopback, reply

SENT = encoded(scene((480, 270)), "PNG")
QUICK = {"UPLOAD_TIMEOUT": "1", "UPLOAD_RETRY_DELAY": "0.001"}


@pytest.fixture(scope="module")
def prove(tmp_path_factory):
    """What is proven of `SENT` where a host answers `answer`."""
    file = tmp_path_factory.mktemp("sent") / "sent.png"
    file.write_bytes(SENT)
    sha256 = hashlib.sha256(SENT).hexdigest()
    content = Content(sha256, "sent", len(SENT), ImageFormat.PNG, "sent.png")

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
