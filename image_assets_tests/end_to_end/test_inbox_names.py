"""More than two hundred hostile names, dropped into an inbox: nothing is written outside the roots (S3)."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_assets.core import naming
from image_assets.core.model import ImageState
from image_assets.services.inbox import InboxFolder
from image_assets.services.nas.mounted import MARKER
from image_assets_tests.drawing import picture
from image_assets_tests.end_to_end.dropping import Shop, shop
from image_assets_tests.services.test_hostile_paths import NAMES

SOURCE = "sources: [{name: inbox, kind: inbox, policy: near, destinations: [local], nas: true}]"
STAGES = ("images", "designs", "nas")  # exports are called by ids alone


def on_disk(name: str) -> str | None:
    """The path that this name makes below a folder; None where no disk holds it, or it is hidden."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    held = all(len(part.encode(errors="surrogateescape")) <= 255 for part in parts)
    hidden = any(part.startswith(".") for part in parts)
    return "/".join(parts) if parts and held and not hidden and "\0" not in name else None


FILES = sorted({path for name in NAMES for end in ("", ".png") if (path := on_disk(name + end))})


@dataclass(frozen=True)
class Taken:
    """What lies around after a drop of all of them was taken, stored, and shelved on a NAS."""

    acme: Shop
    outside: Path
    before: dict[Path, bytes]
    succeeded: bool

    def written(self, root: str) -> list[Path]:
        """The files below a folder, from there."""
        folder = self.outside / root
        return [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    outside = tmp_path_factory.mktemp("outside")
    for folder in ("nas", "here", "secrets"):
        (outside / folder).mkdir()
    (outside / "nas" / MARKER).touch()
    (outside / "secrets" / "plan.png").write_bytes(picture(9_999, format="PNG"))
    mounted = {"NAS_PROTOCOL": "mounted", "NAS_BASE_PATH": str(outside / "nas")}
    with pytest.MonkeyPatch.context() as here, shop(outside / "data", SOURCE, **mounted) as acme:
        here.chdir(outside / "here")
        for number, file in enumerate(FILES):  # a folder each: one is the folder of another
            acme.drop(f"{number}/{file}", picture(number, (32, 32), "PNG"))
        (acme.inbox / "acme" / "file.png").symlink_to(outside / "secrets" / "plan.png")
        (acme.inbox / "acme" / "folder").symlink_to(outside / "secrets")
        before = contents(outside / "secrets")
        (key,) = acme.tick()
        yield Taken(acme, outside, before, acme.run(key, *STAGES).success)


def test_there_are_more_than_two_hundred():
    assert len(FILES) > 200


def test_every_design_is_taken_whatever_it_is_called_and_no_link_is_followed(taken):
    (batch,) = taken.acme.catalog.batches.latest(limit=10)
    known = taken.acme.catalog.images.known(naming.batch_of("inbox", batch.key)).values()

    states = [held.state for held in known]
    assert taken.succeeded
    assert states.count(ImageState.STORED) == len(FILES)
    assert [held.reason for held in known if held.reason] == ["a_link", "a_link"]


def test_nothing_is_written_outside_the_roots(taken):
    assert {path.name for path in taken.outside.iterdir()} == {"data", "nas", "here", "secrets"}
    assert contents(taken.outside / "here") == {}
    assert contents(taken.outside / "secrets") == taken.before


def test_what_we_write_has_names_that_nothing_stumbles_over(taken):
    stored, shelved = taken.written("data/images"), taken.written("nas/acme")

    assert len(stored) == len(FILES)
    assert len(shelved) > 200
    for path in map(str, stored + shelved):
        assert path.isascii()
        assert path.isprintable()
        assert not set(path) & set("\\:*?\"'<>|$`;& ")


def test_a_folder_with_a_hostile_name_is_no_shop_or_has_its_batch_below_the_inbox(tmp_path):
    root = tmp_path / "inbox"
    for name in {file.partition("/")[0] for file in FILES}:
        (root / name).mkdir(parents=True)
        (root / name / "a.png").write_bytes(b"design")
    settle = dt.timedelta(seconds=5)
    inbox = InboxFolder("inbox", root, settle=settle, batch_bytes=1000, max_bytes=1000)

    batches = inbox.take(dt.datetime.now(dt.UTC) + 2 * settle)

    assert {path.name for path in tmp_path.iterdir()} == {"inbox"}
    assert all((root / ".batches" / b.collection / b.key / "a.png").is_file() for b in batches)
    assert len(batches) + len(inbox.troubles()) == len(list(root.iterdir())) - 1
    assert {batch.collection for batch in batches} >= {"CON", "NUL"}
