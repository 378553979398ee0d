"""More than two hundred hostile names, as parts of every path that we make: nothing leaves the root (S3)."""

import itertools
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets.core import naming
from image_assets.core.errors import RejectedError
from image_assets.core.model import ImageFormat, Partition
from image_assets.services.store.local import LocalStore

CLIMBS = [
    "..",
    "../..",
    "/",
    "//",
    "../../etc/passwd",
    "..\\..\\win.ini",
    "~",
    "~root",
    "C:\\",
    "\\\\host\\share",
]
ODD = [
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\x1b[2J",
    "\u202e",
    "\u200b",
    "\ufeff",
    "\udcff",
    "%2e%2e%2f",
    "%00",
]
DEVICES = [
    "CON",
    "NUL",
    "AUX",
    "PRN",
    "COM1",
    "LPT9",
    "/dev/null",
    "/proc/self/mem",
    "con.png",
    "nul ",
]
SHELL = [
    "$(touch x)",
    "`touch x`",
    ";touch x",
    "|touch x",
    "&touch x",
    "'",
    '"',
    "*",
    "?",
    "-rf",
    "--",
    "{a,b}",
]
WORDS = ["é", unicodedata.normalize("NFD", "é"), "ﬁ", "İ", "ß", "写真", "🚚", "．．／", "․․"]
ENDS = [".", " ", "...", ". .", ".jpg/..", "\u3000"]
LONG = ["x" * 300, "é" * 300, "../" * 100, "a/" * 600, "x" * 5000]
NAMES = sorted(
    {
        *CLIMBS, *ODD, *DEVICES, *SHELL, *WORDS, *ENDS, *LONG,
        *(f"{a}{b}" for a, b in itertools.product(CLIMBS, ENDS + ODD[:6])),
        *(f"truck{a}" for a in CLIMBS + ODD + SHELL + ENDS),
        *(f"{a}.png" for a in CLIMBS + ODD + DEVICES + SHELL + WORDS),
    }
)  # fmt: skip


def everything(folder: Path) -> Iterator[Path]:
    """All that lies below, but for what lies in the root of the store."""
    return (path for path in sorted(folder.rglob("*")) if "root" not in path.parts)


def put(store: LocalStore, key: str) -> bool:
    with store.scratch() as scratch:
        file = scratch / "new"
        file.write_bytes(b"a picture")
        return store.put(file, key)


def test_there_are_more_than_two_hundred():
    assert len(NAMES) > 200


def test_whatever_things_are_called_their_files_lie_below_the_root(tmp_path):
    outside = tmp_path / "outside"
    store = LocalStore(outside / "root")
    (outside / "secret").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        partition = Partition(name, f"{name}/{name} x", name, tenant=name)
        key = naming.image_path(partition, f"{name} {number}", ImageFormat.PNG)

        assert put(store, key)
        assert (outside / "root" / key).resolve().is_relative_to((outside / "root").resolve())

    assert list(everything(outside)) == [outside / "secret"]


def test_a_hostile_name_as_a_key_is_refused_or_lies_below_the_root(tmp_path):
    outside = tmp_path / "outside"
    store = LocalStore(outside / "root")
    taken = []
    for name in NAMES:
        try:
            taken += [name] * put(store, name)
        except RejectedError:
            continue

    stored = {path for path in (outside / "root").rglob("*") if path.is_file()}
    assert {outside / "root" / name for name in taken} == stored
    assert list(everything(outside)) == []


@pytest.mark.parametrize("linked", ["images", "images/2025-09-01", "images/2025-09-01/in_gate"])
def test_no_link_on_the_way_is_followed(tmp_path, linked):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "root" / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)

    with pytest.raises(RejectedError):
        put(LocalStore(tmp_path / "root"), "images/2025-09-01/in_gate/truck.jpg")

    assert list(elsewhere.iterdir()) == []
