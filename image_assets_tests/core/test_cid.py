"""The vectors are those of two other implementations (Kubo's recipe, JS's importer) that agree."""

import base64
from itertools import cycle, islice
from pathlib import Path

import pytest

from image_assets.core.cid import Profile, compute, compute_file, matching_profile, same

VECTORS = {
    0: (
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    ),
    1000: (
        "QmPeaZux8qE8eZibqtC1v6h1pBFvVBz2YkSAdwU8VBXJNR",
        "bafkreicojquuwmy7piqjti3zx3buxh47ya64i2vumxmzr5gwqpnfgsd6nu",
        "bafkreicojquuwmy7piqjti3zx3buxh47ya64i2vumxmzr5gwqpnfgsd6nu",
    ),
    262144: (
        "QmeqfRyS3vkku7n6krqC3DgGMex3x2sCpSeKMDmrG13QQq",
        "bafkreibruh455iawsviqslif5c7uurdcfdemh22mtnytyzvnzn75kpejxy",
        "bafkreibruh455iawsviqslif5c7uurdcfdemh22mtnytyzvnzn75kpejxy",
    ),
    262145: (
        "QmUSjGawaz4ptvREcMKSMJneWCa5j8dAz2wSAAvHtW2rnB",
        "bafybeiexg2oqkfnj56l7fcmawswqbijt5shq4b5rg6a546uwpkqqzwjioi",
        "bafkreidkcavdl3yt2jt36sd4cuqnqk2p6vaxq66iykemz6mk527hnbqbni",
    ),
    1048577: (
        "QmXFGdWM6dMXHxGby9dZifmvH5ws2MwYCE1paUfJSp3Kj6",
        "bafybeig7rd7v2ygpkiiyu3kzsojmrj3ujtinivk7fxid5p33t6kdewzvsm",
        "bafybeidjogjfwuhbzwopgd4bn3skcf5m6oz72xshywcndzxgqb623nfclu",
    ),
    45613057: (
        "QmTedsTekQQkgACJXb1sPZSW8bLdS9LPMrT7L4YdjNRd4n",
        "bafybeib4y7ghw2rq7bracc4xwtxrbzo7cfvagdpte2tmrkgwl6dyard3cm",
        "bafybeih6tfqxgwyqtet2vaiqfjtdisrzv4cjmvm3ov6swdtljna55s4fle",
    ),
}
HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


def counting(size: int) -> bytes:
    """`size` bytes, each its position modulo 251."""
    whole, rest = divmod(size, 251)
    return bytes(range(251)) * whole + bytes(range(rest))


@pytest.mark.parametrize("size", VECTORS)
def test_every_profile_gives_the_identifiers_that_other_implementations_give(size: int) -> None:
    content = counting(size)

    cids = tuple(compute(content, profile) for profile in Profile)

    assert cids == VECTORS[size]


def test_hello_world_has_its_well_known_identifiers() -> None:
    assert compute(b"hello world", Profile.V0) == "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"
    assert compute(b"hello world") == HELLO


@pytest.mark.parametrize("size", [0, 262144, 1048577])
def test_a_file_has_the_identifier_of_its_bytes(tmp_path: Path, size: int) -> None:
    file = tmp_path / "it's $(a) file"
    file.write_bytes(counting(size))

    cids = tuple(compute_file(file, profile) for profile in Profile)

    assert cids == VECTORS[size]


@pytest.mark.parametrize("profile", Profile)
def test_the_profile_a_host_used_is_recognised(profile: Profile, tmp_path: Path) -> None:
    content = counting(1048577)
    file = tmp_path / "file"
    file.write_bytes(content)
    cid = compute(content, profile)

    assert matching_profile(content, cid) is profile
    assert matching_profile(file, cid) is profile


def test_a_version_0_block_written_as_version_1_is_the_same_block() -> None:
    content = counting(262145)
    number = 0
    for character in VECTORS[262145][0]:
        number = number * 58 + (
            "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(character)
        )
    renamed = b"\x01\x70" + number.to_bytes(34)
    cid = "b" + base64.b32encode(renamed).decode().lower().rstrip("=")

    assert matching_profile(content, cid) is Profile.V0


def test_a_raw_block_is_never_the_file_node_with_the_same_digest() -> None:
    binary = base64.b32decode(HELLO[1:].upper() + "======")
    as_node = "b" + base64.b32encode(b"\x01\x70" + binary[2:]).decode().lower().rstrip("=")

    assert not same(HELLO, as_node)
    assert matching_profile(b"hello world", as_node) is None


def test_other_bytes_match_no_profile() -> None:
    assert matching_profile(b"hello worle", HELLO) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "bae",
        "pending",
        "Qm",
        "Qm" + "0" * 44,
        "b!!!!",
        HELLO[:-1],
        "bé",
        HELLO + "aaaaaaaa",
    ],
)
def test_text_that_is_no_identifier_matches_nothing(text: str) -> None:
    assert matching_profile(b"hello world", text) is None
    assert not same(text, text)


def test_counting_is_the_published_input() -> None:
    assert counting(1000) == bytes(islice(cycle(range(251)), 1000))
