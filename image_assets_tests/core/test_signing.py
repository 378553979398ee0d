"""Signed links: which are good, and that nothing else is."""

import base64
import hmac
import os
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.core.signing import DOWNLOAD, Claim, Key, Signer, Terms, Verdict, claim, weakness

SECRET = b"8f1c0d6b7a5e4f3929d0c1b2a3f4e5d6c7b8a9f0e1d2c3b4"
OTHER = b"31e7a6c5b4d3f2019e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b"
NOW = 1_800_000_000
NAME = "thumbnail/01/0123456789abcdef01234567-89abcdef.jpg"
DAY = 24 * 3600
MUTATED = int(os.environ.get("IMAGE_ASSETS_TEST_URLS", "10000"))

names = st.text(string.ascii_lowercase + string.digits + "-._/", min_size=1, max_size=60)


def signer(*secrets: bytes, most: int = 7 * DAY, skew: int = 0, compatible: bool = False) -> Signer:
    return Signer([Key(secret) for secret in secrets or (SECRET,)], Terms(most, skew, compatible))


def verdict(name: str, query: str, now: int = NOW, by: Signer | None = None) -> Verdict:
    return (by or signer()).judge(name, query, now=now)[0]


def of_the_first_system(name: str, expires: int, secret: bytes = SECRET) -> str:
    signature = hmac.new(secret, f"{name}:{expires}".encode(), "sha256").hexdigest()
    return f"expires={expires}&signature={signature}"


@given(names, st.integers(1, 7 * DAY), st.sampled_from(["default", "shop", "a.b-c_d"]))
@settings(deadline=None)
def test_what_is_signed_is_good_until_it_expires(name, seconds, tenant):
    signed = signer().sign(name, NOW + seconds, now=NOW, tenant=tenant)

    assert signer().judge(name, signed.query, now=NOW) == (Verdict.GOOD, signed)
    assert verdict(name, signed.query, NOW + seconds) is Verdict.GOOD
    assert verdict(name, signed.query, NOW + seconds + 1) is Verdict.EXPIRED


def test_a_signature_is_what_another_implementation_computes():
    """Written out by hand: a change of the form must not pass unnoticed, for it ends all links."""
    key = hmac.new(SECRET, b"image_assets key id", "sha256").hexdigest()[:8]
    fields = [b"v1", key.encode(), b"GET", b"/api/download/a.png", b"1800000060", b"default"]
    message = b"".join(len(field).to_bytes(4, "big") + field for field in fields)

    _, id, digest = signer().sign("a.png", NOW + 60, now=NOW).signature.split(".")

    padded = digest.replace("-", "+").replace("_", "/") + "="
    assert id == key
    assert base64.b64decode(padded) == hmac.digest(SECRET, message, "sha256")


@pytest.mark.parametrize("changed", ["name", "expires", "tenant", "key"])
def test_each_thing_that_is_signed_is_bound(changed):
    signed = signer().sign("a/b.png", NOW + 60, now=NOW)
    other = {
        "name": signer().sign("a/c.png", NOW + 60, now=NOW),
        "expires": signer().sign("a/b.png", NOW + 61, now=NOW),
        "tenant": signer().sign("a/b.png", NOW + 60, now=NOW, tenant="shop"),
        "key": signer(OTHER).sign("a/b.png", NOW + 60, now=NOW),
    }[changed]

    assert other.signature != signed.signature
    assert verdict("a/b.png", Claim(NOW + 60, other.signature).query) is Verdict.REFUSED


def test_fields_cannot_be_moved_into_one_another():
    one = signer().sign("a1", NOW + 60, now=NOW)

    assert verdict("a", f"expires=1{one.expires}&signature={one.signature}") is Verdict.REFUSED


def test_two_secrets_are_good_at_a_time_and_the_first_one_signs():
    old = signer(SECRET).sign(NAME, NOW + 60, now=NOW)
    both = signer(OTHER, SECRET)

    assert verdict(NAME, old.query, by=both) is Verdict.GOOD
    assert verdict(NAME, old.query, by=signer(OTHER)) is Verdict.REFUSED
    assert both.sign(NAME, NOW + 60, now=NOW) == signer(OTHER).sign(NAME, NOW + 60, now=NOW)


def test_a_key_id_of_one_with_the_signature_of_the_other_is_refused():
    old, new = (signer(s).sign(NAME, NOW + 60, now=NOW) for s in (SECRET, OTHER))
    mixed = ".".join([*new.signature.split(".")[:2], old.signature.split(".")[2]])

    assert verdict(NAME, Claim(NOW + 60, mixed).query, by=signer(OTHER, SECRET)) is Verdict.REFUSED


def test_nothing_lives_longer_than_the_maximum():
    generous, strict = signer(most=30 * DAY), signer(most=DAY)
    signed = generous.sign(NAME, NOW + 2 * DAY, now=NOW)

    with pytest.raises(ValueError, match="from 1 to 86400 seconds"):
        strict.sign(NAME, NOW + DAY + 1, now=NOW)
    assert verdict(NAME, signed.query, by=strict) is Verdict.REFUSED
    assert verdict(NAME, signed.query, NOW + DAY, by=strict) is Verdict.GOOD


@pytest.mark.parametrize("seconds", [0, -1, -DAY])
def test_nothing_is_signed_that_is_over(seconds):
    with pytest.raises(ValueError, match="a link may live"):
        signer().sign(NAME, NOW + seconds, now=NOW)


@pytest.mark.parametrize("tenant", ["", "a&b", "a/b", "ü", "x" * 101, "a\n"])
def test_a_tenant_that_a_link_cannot_spell_is_refused(tenant):
    with pytest.raises(ValueError, match="cannot be spelled"):
        signer().sign(NAME, NOW + 60, now=NOW, tenant=tenant)


def test_clocks_may_differ_by_the_skew():
    tolerant = signer(most=60, skew=5)
    signed = tolerant.sign(NAME, NOW + 60, now=NOW)

    assert verdict(NAME, signed.query, NOW - 5, by=tolerant) is Verdict.GOOD
    assert verdict(NAME, signed.query, NOW - 6, by=tolerant) is Verdict.REFUSED
    assert verdict(NAME, signed.query, NOW + 65, by=tolerant) is Verdict.GOOD
    assert verdict(NAME, signed.query, NOW + 66, by=tolerant) is Verdict.EXPIRED


def test_only_who_has_a_signature_of_ours_learns_that_a_link_has_expired():
    forged = Claim(NOW - 60, "v1.00000000." + "A" * 43)

    assert verdict(NAME, forged.query) is Verdict.REFUSED


def test_links_of_the_first_system_are_good_only_where_that_is_asked_for():
    query = of_the_first_system("export_1.png", NOW + 60)

    assert verdict("export_1.png", query) is Verdict.REFUSED
    assert verdict("export_1.png", query, by=signer(compatible=True)) is Verdict.GOOD
    assert verdict("export_1.png", query, NOW + 61, by=signer(compatible=True)) is Verdict.EXPIRED
    assert verdict("export_2.png", query, by=signer(compatible=True)) is Verdict.REFUSED


def test_links_of_the_first_system_rotate_and_end_as_all_do():
    old = of_the_first_system("export_1.png", NOW + 60)
    for_years = of_the_first_system("export_1.png", NOW + 365 * DAY)

    assert verdict("export_1.png", old, by=signer(OTHER, SECRET, compatible=True)) is Verdict.GOOD
    assert verdict("export_1.png", for_years, by=signer(compatible=True)) is Verdict.REFUSED


def test_a_link_of_the_first_system_opens_no_file_in_a_folder_by_its_last_name():
    query = of_the_first_system("x.png", NOW + 60)

    assert verdict("folder/x.png", query, by=signer(compatible=True)) is Verdict.REFUSED


@pytest.mark.parametrize(
    "query",
    [
        "", "expires=1", "signature=x", "expires={e}", "signature={s}&expires={e}",
        "expires={e}&signature={s}&", "&expires={e}&signature={s}", "expires={e}&signature={s}&a=b",
        "expires={e}&expires={e}&signature={s}", "expires={e}&signature={s}&signature={s}",
        "expires=0{e}&signature={s}", "expires=+{e}&signature={s}", "expires= {e}&signature={s}",
        "expires={e}.0&signature={s}", "expires={e}&signature={s}=", "expires={e}&signature={s}%00",
        "Expires={e}&signature={s}", "expires={e}&signature=%{s}", "expires={e};signature={s}",
        "expires={e}&signature={s}&tenant=", "expires={e}&signature={s}&tenant=default",
        "expires={e}&signature={s}&tenant=other", "expires={e}&signature={s}\n",
        "expires=١٨٠٠٠٠٠٠٦٠&signature={s}",
    ],
)  # fmt: skip
def test_a_link_has_one_spelling(query):
    signed = signer().sign(NAME, NOW + 60, now=NOW)

    spelled = query.replace("{e}", str(signed.expires)).replace("{s}", signed.signature)

    assert verdict(NAME, spelled) is Verdict.REFUSED


@pytest.mark.parametrize("compatible", [False, True])
def test_no_mutated_url_is_accepted(compatible):
    """Of every link a hundred changed ones, by kinds of change that an attacker would try."""
    chance = random.Random(20261121)
    judge = signer(OTHER, SECRET, compatible=compatible)
    accepted = []
    for _ in range(MUTATED // 2 // 100):
        url = _some_url(chance, compatible)
        for _ in range(100):
            changed = _mutated(url, chance)
            name, _, query = changed.removeprefix(DOWNLOAD).partition("?")
            if changed != url and verdict(name, query, by=judge) is not Verdict.REFUSED:
                accepted.append((url, changed))

    assert accepted == []


def _some_url(chance: random.Random, compatible: bool) -> str:
    name = f"r{chance.randrange(9)}/{chance.randbytes(12).hex()}-{chance.randbytes(4).hex()}.png"
    expires = NOW + chance.randrange(1, 7 * DAY)
    if compatible and chance.random() < 0.5:
        return f"{DOWNLOAD}{name}?{of_the_first_system(name, expires)}"
    tenant = chance.choice(["default", "shop"])
    signed = signer(chance.choice([SECRET, OTHER])).sign(name, expires, now=NOW, tenant=tenant)
    return f"{DOWNLOAD}{name}?{signed.query}"


def _mutated(url: str, chance: random.Random) -> str:
    place = chance.randrange(len(DOWNLOAD), len(url))
    letter = chance.choice(string.ascii_letters + string.digits + "-._~/?&=%+ \0\r\n")
    bit = chr(ord(url[place]) ^ 1 << chance.randrange(7))
    start, end = sorted(chance.choices(range(len(DOWNLOAD), len(url)), k=2))
    return chance.choice(
        [
            url[:place] + letter + url[place + 1 :],
            url[:place] + bit + url[place + 1 :],
            url[:place] + url[place + 1 :],
            url[:place] + letter + url[place:],
            url[:place] + url[place].swapcase() + url[place + 1 :],
            url[:place] + f"%{ord(url[place]):02x}" + url[place + 1 :],
            url[:start] + url[end:],
            url[:start] + url[start:end] * 2 + url[end:],
            url[:start] + url[start:end][::-1] + url[end:],
            url[:place],
            url.replace("expires=1", "expires=2"),
            url + chance.choice(["&tenant=shop", "&tenant=default", "&", "=", "#", letter]),
            url.replace("v1.", chance.choice(["v0.", "v2.", "V1.", "."])),
            url.replace("&tenant=shop", ""),
        ]
    )


@given(names, st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_whatever_a_query_is_it_is_refused_and_breaks_nothing(name, query):
    assert verdict(name, query, by=signer(compatible=True)) is Verdict.REFUSED


@given(st.integers(1, 10**11), st.from_regex(r"[A-Za-z0-9._-]{1,100}", fullmatch=True))
@settings(deadline=None)
def test_a_claim_is_read_as_it_is_written(expires, signature):
    for tenant in ("default", "shop"):
        written = Claim(expires, signature, tenant)
        assert claim(written.query) == written


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "shorter than 32"),
        ("default-secret", "shorter than 32"),
        ("x" * 31, "shorter than 32"),
        ("default-secret-default-secret-default-secret", "placeholder"),
        ("your-secure-secret-key-of-at-least-32-bytes", "placeholder"),
        ("please-CHANGE-ME-before-going-to-production", "placeholder"),
        ("this-is-my-password-it-is-long-enough-2026", "placeholder"),
        ("x" * 64, "repeats itself"),
        ("abcdefghij" * 4, "repeats itself"),
        ("aabbccaabbddaabbccaabbddaabbccaaccbb", "repeats itself"),
    ],
)
def test_a_weak_secret_is_told_from_a_good_one(secret, reason):
    assert reason in (weakness(secret) or "")


@given(st.binary(min_size=32, max_size=64))
@settings(deadline=None)
def test_a_random_secret_is_good(secret):
    random_hex = hmac.digest(secret, b"", "sha256").hex()

    assert weakness(random_hex) is None


def test_a_key_does_not_show_its_secret():
    assert SECRET.decode() not in f"{Key(SECRET)!r} {signer()!r}"
    assert Key(SECRET).id != Key(OTHER).id
