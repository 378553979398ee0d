"""`image-assets sign`."""

import time

import pytest

from image_assets.core.signing import DOWNLOAD, Key, Signer, Terms, Verdict
from image_assets_tests.cli import exported

SECRET = "8f1c0d6b7a5e4f3929d0c1b2a3f4e5d6c7b8a9f0e1d2c3b4"
SIGNER = Signer([Key(SECRET.encode())], Terms(7 * 24 * 3600))


def verdict(url: str, name: str, *, later: int = 0) -> Verdict:
    address, _, query = url.strip().partition("?")
    assert address == f"https://pictures.example{DOWNLOAD}{name}"
    return SIGNER.judge(name, query, now=int(time.time()) + later)[0]


@pytest.fixture
def signing(shell):
    shell.export(SIGNING_SECRET=SECRET, PUBLIC_BASE_URL="https://pictures.example/")
    return shell


@pytest.mark.parametrize("name", ["thumbnail/01/a.png", "exports/thumbnail/01/a.png"])
def test_an_export_is_signed_by_its_name_or_its_key(signing, name):
    result = signing.run("sign", name)

    assert result.exit_code == 0
    assert verdict(result.stdout, "thumbnail/01/a.png") is Verdict.GOOD
    assert verdict(result.stdout, "thumbnail/01/a.png", later=3500) is Verdict.GOOD
    assert verdict(result.stdout, "thumbnail/01/a.png", later=3700) is Verdict.EXPIRED


def test_it_lives_as_long_as_it_is_told(signing):
    result = signing.run("sign", "a.png", "--expires-in", "86400", "--tenant", "shop")

    assert "&tenant=shop" in result.stdout
    assert verdict(result.stdout, "a.png", later=86000) is Verdict.GOOD


def test_what_is_not_in_the_store_is_signed_and_told(signing):
    (signing.folder / "data/exports").mkdir(parents=True)
    (signing.folder / "data/exports/there.png").write_bytes(b"there")

    assert "is not in the store now" in signing.run("sign", "none.png").stderr
    assert "is not in the store now" not in signing.run("sign", "there.png").stderr


def test_a_store_that_is_not_there_does_not_matter_to_a_link(signing):
    result = signing.run("sign", "a.png")

    assert verdict(result.stdout, "a.png") is Verdict.GOOD
    assert "is not known" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["a.png", "--expires-in", "604801"], "from 1 to 604800 seconds"),
        (["../catalog.db"], "is no export's name"),
        (["a.png", "--tenant", "a&b"], "cannot be spelled"),
    ],
)
def test_what_cannot_be_signed_is_refused(signing, arguments, complaint):
    result = signing.run("sign", *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert complaint in result.stderr


def test_an_export_is_signed_for_nobody_but_its_tenant(signing):
    exported.take(signing)
    (file, *_) = exported.files(signing, "exports")
    key = str(file.relative_to(signing.folder / "data"))

    result = signing.run("sign", key, "--tenant", "shop")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "is no export of shop: it is default's" in result.stderr
    assert signing.run("sign", key).exit_code == 0


def test_without_a_secret_it_says_what_to_set(shell):
    result = shell.run("sign", "a.png")

    assert result.exit_code == 1
    assert "SIGNING_SECRET is not set" in result.stderr
