"""What delivery is told, and what it does not take."""

import pytest

from image_assets.core.errors import PermanentError
from image_assets.settings import load


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("URL_SIGNATURE_MAX_EXPIRY", "3599"),
        ("URL_SIGNATURE_EXPIRY", "0"),
        ("URL_SIGNATURE_SKEW", "301"),
        ("DELIVERY_ACCEL_PREFIX", "/"),
        ("DELIVERY_ACCEL_PREFIX", "/a/../b/"),
        ("DELIVERY_ACCEL_PREFIX", "_image_assets"),
    ],
)
def test_what_cannot_be_is_refused_and_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(PermanentError, match=name):
        load()


def test_secrets_of_links_do_not_show(monkeypatch):
    monkeypatch.setenv("SIGNING_SECRET", "canary-one")
    monkeypatch.setenv("SIGNING_SECRET_PREVIOUS", "canary-two")

    settings = load()

    assert "canary" not in f"{settings!r} {settings.model_dump()}"
    assert {"canary-one", "canary-two"} <= set(settings.secrets)
