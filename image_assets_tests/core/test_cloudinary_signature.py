import hashlib

import pytest

from image_assets.core.cloudinary_signature import CloudinaryAccount

VECTOR = {
    "eager": "w_400,h_300,c_pad|w_260,h_200,c_crop",
    "public_id": "sample_image",
    "timestamp": "1315060510",
}


def account(algorithm="sha1", secret="abcd"):
    return CloudinaryAccount("demo", "1234", secret, algorithm)


@pytest.mark.parametrize(
    ("algorithm", "signature"),
    [
        ("sha1", "bfd09f95f331f558cbd1320e67aa8d488770583e"),
        ("sha256", "cc927e1290f9e3ae4c1a741eda21a4630b4ce80f9ce0bc0296337d25cf40f91e"),
    ],
)
def test_the_documented_example_is_signed_as_documented(algorithm, signature):
    assert account(algorithm).signature(VECTOR) == signature


def test_an_example_put_together_by_hand():
    signed = account(secret="s3cret").signature({"timestamp": "7", "overwrite": "false"})

    assert signed == hashlib.sha1(b"overwrite=false&timestamp=7s3cret").hexdigest()


def test_what_is_empty_or_never_signed_changes_nothing():
    more = {"file": "x", "api_key": "1", "cloud_name": "d", "resource_type": "i", "signature": "s",
            "tags": ""}  # fmt: skip

    assert account().signature(VECTOR | more) == account().signature(VECTOR)


def test_an_ampersand_in_a_value_adds_no_parameter():
    one = account().signature({"public_id": "a&tags=b"})

    assert one != account().signature({"public_id": "a", "tags": "b"})


def test_an_answer_is_known_by_its_signature_in_either_algorithm():
    text = b"public_id=tests/logo.png&version=1abcd"
    signed = (hashlib.sha1(text).hexdigest(), hashlib.sha256(text).hexdigest())

    assert all(
        account().has_signed(signature, public_id="tests/logo.png", version="1")
        for signature in signed
    )
    assert not account(secret="other").has_signed(
        signed[0], public_id="tests/logo.png", version="1"
    )


def test_an_account_shows_no_key():
    assert "abcd" not in repr(account())
    assert "1234" not in repr(account())
