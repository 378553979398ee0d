import pytest

from image_assets.core import naming
from image_assets.core.errors import MissingSettingError, NotFoundError, PermanentError
from image_assets.core.links import Links, is_key, key_of, name_of
from image_assets.core.model import ImageFormat
from image_assets.core.signing import Key, Signer, Terms, Verdict

NOW = 1_800_000_000
SIGNER = Signer([Key(b"8f1c0d6b7a5e4f3929d0c1b2a3f4e5d6c7b8a9f0")], Terms(86400))
KEY = naming.export_path("0123456789abcdef01234567", "canvas", "89abcdef" * 8, ImageFormat.PNG)
NAME = "canvas/01/0123456789abcdef01234567-89abcdef.png"


def test_an_export_has_one_name_and_the_way_back():
    assert name_of(KEY) == NAME
    assert key_of(NAME) == KEY


def test_an_address_is_open_unless_links_are_signed():
    url = Links("https://pictures.example").url(KEY, now=NOW)

    assert url == f"https://pictures.example/static/output/{NAME}"


def test_a_signed_address_opens_that_export_for_its_lifetime():
    url = Links("https://pictures.example", SIGNER, signed=True, lifetime=60).url(KEY, now=NOW)

    address, _, query = url.partition("?")
    assert address == f"https://pictures.example/api/download/{NAME}"
    assert SIGNER.judge(NAME, query, now=NOW + 60)[0] is Verdict.GOOD
    assert SIGNER.judge(NAME, query, now=NOW + 61)[0] is Verdict.EXPIRED


def test_a_link_of_a_tenant_says_so():
    url = Links("", SIGNER).download(KEY, now=NOW, seconds=5, tenant="shop")

    assert url.endswith("&tenant=shop")


def test_without_a_secret_nothing_is_signed():
    with pytest.raises(MissingSettingError, match="SIGNING_SECRET"):
        Links("").download(KEY, now=NOW)


@pytest.mark.parametrize("seconds", [0, -1, 86401])
def test_a_lifetime_that_cannot_be_is_refused(seconds):
    with pytest.raises(PermanentError, match="from 1 to 86400 seconds"):
        Links("", SIGNER).download(KEY, now=NOW, seconds=seconds)


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "/", "a/", "/a", "a//b", "../a", "a/../b", "a/./b", ".a", "a/.b", "a\\b", "a\0",
        "a b", "a\n", "a%2fb", "a?b", "a#b", 'a"b', "a;b", "é", "\u202ea", "a" * 256, "a/" * 20 + "b",
        "/".join(["a" * 200] * 6),
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_no_export(name):
    assert not is_key(f"exports/{name}")
    with pytest.raises(NotFoundError):
        key_of(name)


@pytest.mark.parametrize("key", ["images/a.jpg", "a.jpg", "exports", "exports/", "public/a.jpg"])
def test_what_is_no_export_has_no_address(key):
    with pytest.raises(NotFoundError, match="is no export"):
        name_of(key)


@pytest.mark.parametrize("recipe", ["thumbnail", "Ä b/c", "..", "thumbnail-p9j90w80"])
def test_every_key_of_an_export_has_a_name(recipe):
    key = naming.export_path("0123456789abcdef01234567", recipe, "89abcdef" * 8, ImageFormat.JPEG)

    assert key_of(name_of(key)) == key
