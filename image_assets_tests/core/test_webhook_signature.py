import pytest

from image_assets.core.webhook_signature import WebhookSecret

EXAMPLE = WebhookSecret.of("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
"""The specification's own."""
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_signature_is_that_of_the_specification():
    assert EXAMPLE.signature(ID, AT, BODY) == SIGNATURE


@pytest.mark.parametrize(
    ("signatures", "message_id", "at", "body", "now"),
    [
        (SIGNATURE, ID, AT, BODY + b" ", AT),
        (SIGNATURE, ID + "x", AT, BODY, AT),
        (SIGNATURE, ID, AT + 1, BODY, AT),
        (SIGNATURE, ID, AT, BODY, AT + 301),
        (SIGNATURE, ID, AT, BODY, AT - 301),
        (SIGNATURE.replace("v1", "v2"), ID, AT, BODY, AT),
        ("", ID, AT, BODY, AT),
        ("v1,ü", ID, AT, BODY, AT),
    ],
)
def test_what_was_changed_or_is_old_is_not_signed(signatures, message_id, at, body, now):
    assert not EXAMPLE.has_signed(signatures, message_id, at, body, now=now)


def test_one_of_several_signatures_is_enough():
    assert EXAMPLE.has_signed(f"v1,bm9uZQ== {SIGNATURE}", ID, AT, BODY, now=AT + 300)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_c2hvcnQ=", "canary!", "whsec_" + "a" * 120])
def test_what_is_no_secret_is_refused_and_not_repeated(text):
    with pytest.raises(ValueError, match=r"bytes|base64") as refused:
        WebhookSecret.of(text)

    assert "canary" not in str(refused.value)


def test_the_key_does_not_show():
    assert "key" not in repr(EXAMPLE)
