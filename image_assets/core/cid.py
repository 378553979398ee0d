"""Content identifiers of IPFS, computed here: a file is cut into chunks, its leaves linked in a tree.

The recipe is UnixFS in balanced layout with SHA-256, as Kubo's `add` builds it, in the three
profiles that hosts offer (the third is IPIP-499's).
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

_RAW = 0x55
_DAG_PB = 0x70
_SHA256 = b"\x12\x20"  # how a multihash begins: the function, then the digest's length
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Profile(StrEnum):
    """How a host cuts and links files; the value is what Pinata calls it (`cid_version`)."""

    V0 = "v0"
    V1 = "v1"
    UNIXFS_V1_2025 = "unixfs-v1-2025"


PROFILES = (Profile.V1, Profile.V0, Profile.UNIXFS_V1_2025)
"""The one that we ask for first."""


@dataclass(frozen=True, slots=True)
class _Layout:
    version: int
    chunk: int  # bytes
    links: int  # children of one node, at most
    raw_leaves: bool


_LAYOUTS = {
    Profile.V0: _Layout(version=0, chunk=1 << 18, links=174, raw_leaves=False),
    Profile.V1: _Layout(version=1, chunk=1 << 18, links=174, raw_leaves=True),
    Profile.UNIXFS_V1_2025: _Layout(version=1, chunk=1 << 20, links=1024, raw_leaves=True),
}


@dataclass(frozen=True, slots=True)
class _Node:
    """A block: its codec and digest, the bytes of file under it, and of blocks from it downwards."""

    codec: int
    digest: bytes
    file_size: int
    tree_size: int


def compute(content: bytes, profile: Profile = Profile.V1) -> str:
    """The CID that a host of this profile gives to `content`: base58 for v0, base32 for v1."""
    return _compute(BytesIO(content), _LAYOUTS[profile])


def compute_file(path: Path, profile: Profile = Profile.V1) -> str:
    """The CID of a file, one chunk in memory at a time.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return compute_open(file, profile)


def compute_open(file: BinaryIO, profile: Profile = Profile.V1) -> str:
    """The CID of what an open file still has to give, one chunk in memory at a time."""
    return _compute(file, _LAYOUTS[profile])


def matching_profile(content: bytes | Path, cid: str) -> Profile | None:
    """The profile under which `content` has this CID; None when there is none, or `cid` is not one.

    CIDs of different versions are equal when their multihashes are: the text alone differs.
    """
    for profile in PROFILES:
        own = (
            compute(content, profile)
            if isinstance(content, bytes)
            else compute_file(content, profile)
        )
        if same(own, cid):
            return profile
    return None


def same(one: str, other: str) -> bool:
    """Whether two CIDs name the same block; text that is no CID is the same as nothing."""
    try:
        first, second = _parse(one), _parse(other)
    except ValueError:
        return False
    if first[0] != second[0]:
        return first[2] == second[2]
    return first == second


def _compute(file: BinaryIO, layout: _Layout) -> str:
    nodes = [_leaf(chunk, layout) for chunk in _chunks(file, layout.chunk)]
    while len(nodes) > 1:
        nodes = [
            _parent(nodes[start : start + layout.links], layout.version)
            for start in range(0, len(nodes), layout.links)
        ]
    return _text(_binary(nodes[0], layout.version))


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The file in pieces; an empty file is one empty piece."""
    chunk = file.read(size)
    yield chunk
    while len(chunk) == size and (chunk := file.read(size)):
        yield chunk


def _leaf(chunk: bytes, layout: _Layout) -> _Node:
    if layout.raw_leaves:
        return _Node(_RAW, hashlib.sha256(chunk).digest(), len(chunk), len(chunk))
    block = _field(1, _unixfs(len(chunk), content=chunk))
    return _Node(_DAG_PB, hashlib.sha256(block).digest(), len(chunk), len(block))


def _parent(children: list[_Node], version: int) -> _Node:
    links = b"".join(
        # Kubo writes the empty name; leaving it out gives another hash.
        _field(2, _field(1, _binary(c, version)) + _field(2, b"") + _number(3, c.tree_size))
        for c in children
    )
    size = sum(child.file_size for child in children)
    # Links come before Data although their field number is higher: that is canonical dag-pb.
    block = links + _field(1, _unixfs(size, sizes=[child.file_size for child in children]))
    tree_size = len(block) + sum(child.tree_size for child in children)
    return _Node(_DAG_PB, hashlib.sha256(block).digest(), size, tree_size)


def _unixfs(size: int, *, content: bytes = b"", sizes: list[int] | None = None) -> bytes:
    """A UnixFS message of type File; no data field at all where there is no data."""
    data = _field(2, content) if content else b""
    return _number(1, 2) + data + _number(3, size) + b"".join(_number(4, s) for s in sizes or ())


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    """A varint protobuf field."""
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _binary(node: _Node, version: int) -> bytes:
    multihash = _SHA256 + node.digest
    return multihash if version == 0 else bytes((1, node.codec)) + multihash


def _text(binary: bytes) -> str:
    if binary.startswith(_SHA256):
        return _base58(binary)
    return "b" + base64.b32encode(binary).decode().lower().rstrip("=")


def _parse(cid: str) -> tuple[int, int, bytes]:
    """Version, codec and digest.

    Raises:
        ValueError: not a SHA-256 CID in base58 (v0) or base32 (v1).
    """
    if len(cid) == 46 and cid.startswith("Qm"):
        version, codec, multihash = 0, _DAG_PB, _from_base58(cid)
    elif cid.startswith("b"):
        binary = base64.b32decode(cid[1:].upper() + "=" * (-(len(cid) - 1) % 8))
        if len(binary) != 36 or binary[0] != 1:
            raise ValueError(f"{cid!r} is not a CID of version 1")
        version, codec, multihash = 1, binary[1], binary[2:]
    else:
        raise ValueError(f"{cid!r} is not a CID")
    if codec not in (_RAW, _DAG_PB) or len(multihash) != 34 or not multihash.startswith(_SHA256):
        raise ValueError(f"{cid!r} is not a SHA-256 CID of a file")
    return version, codec, multihash[2:]


def _base58(binary: bytes) -> str:
    # A multihash begins with 0x12: the leading zeros of base58 never arise.
    number, text = int.from_bytes(binary), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return text


def _from_base58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    return number.to_bytes(34)
