"""`image-assets verify` and `holdings` on what people dropped: by batch, mended from where it was put away."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.core import naming
from image_assets.core.model import ImageState, Partition
from image_assets.services.catalog import open_catalog
from image_assets_tests.cli.conftest import Shell
from image_assets_tests.drawing import picture
from image_assets_tests.end_to_end.dropping import shop


@dataclass(frozen=True)
class Dropped:
    """A batch of three designs, stored and put away."""

    shell: Shell
    data: Path
    key: str

    @property
    def partition(self) -> Partition:
        return naming.batch_of("inbox", self.key)

    def stored(self, name: str = "0.png") -> Path:
        wanted = naming.segment(f"{self.partition.key}/{name}")
        (found,) = (self.data / "images").rglob(f"{wanted}_*")
        return found

    def put_away(self, name: str = "0.png") -> Path:
        return self.data / "inbox/.done/acme" / self.partition.key / name

    def run(self, command: str, *arguments: str) -> Result:
        return self.shell.run(command, *arguments)

    def states(self) -> dict[str, ImageState]:
        with open_catalog(f"sqlite:///{self.data}/catalog.db") as catalog:
            known = catalog.images.known(self.partition)
        return {key.partition("/")[2]: held.state for key, held in known.items()}


@pytest.fixture
def dropped(shell: Shell) -> Dropped:
    data = shell.folder / "data"
    with shop(data) as acme:
        for n in range(3):
            acme.drop(f"{n}.png", picture(n, format="PNG"))
        (key,) = acme.tick()
        assert acme.run(key, "images", "designs").success
    shell.export(IMAGE_ASSETS_DATA_DIR=str(data), IMAGE_ASSETS_SOURCES=str(data / "sources.yaml"))
    return Dropped(shell, data, key)


def last(result: Result) -> str:
    return result.stdout.splitlines()[-1]


@pytest.mark.parametrize("of", [(), ("--source", "inbox"), ("--stream", "acme")])
def test_batches_are_verified_as_days_are(dropped, of):
    result = dropped.run("verify", *of)

    assert result.exit_code == 0
    assert last(result).startswith("3 files looked at")
    assert last(result).endswith("3 intact, 0 missing, 0 changed, 0 untracked")


def test_a_lost_and_a_changed_original_are_named_and_fetched_from_where_they_were_put_away(dropped):
    lost, changed = dropped.stored("0.png"), dropped.stored("1.png")
    contents = lost.read_bytes(), changed.read_bytes()
    lost.unlink()
    changed.chmod(0o644)
    changed.write_bytes(b"?")

    named = dropped.run("verify", "--batch", dropped.key)
    mended = dropped.run("verify", "--batch", dropped.key, "--repair")

    assert (named.exit_code, mended.exit_code) == (1, 0)
    assert f"missing: {lost.relative_to(dropped.data)}" in named.stdout
    assert f"changed: {changed.relative_to(dropped.data)}" in named.stdout
    assert last(mended).endswith("2 pictures asked for again, 2 came")
    assert (lost.read_bytes(), changed.read_bytes()) == contents
    assert dropped.run("verify").exit_code == 0


def test_a_picture_that_came_back_keeps_its_design_and_its_batch_is_settled(dropped):
    dropped.stored().unlink()

    dropped.run("verify", "--repair")

    with open_catalog(f"sqlite:///{dropped.data}/catalog.db") as catalog:
        assert catalog.totals.totals("acme").designs == 3
        assert catalog.designs.flaws(dropped.partition).undesigned == ()
        assert catalog.images.day(dropped.partition).sealed_at is not None


def test_what_is_nowhere_stays_named_as_lost_until_somebody_brings_it(dropped):
    content = dropped.put_away().read_bytes()
    for file in (dropped.stored(), dropped.put_away()):
        file.unlink()

    mended = dropped.run("verify", "--repair")
    later = dropped.run("verify")
    held = dropped.run("holdings")
    dropped.put_away().write_bytes(content)
    brought = dropped.run("verify", "--repair")

    assert [r.exit_code for r in (mended, later, held, brought)] == [1, 1, 1, 0]
    assert f"lost: {dropped.partition.key}/0.png" in mended.stdout
    assert f"lost: {dropped.partition.key}/0.png" in later.stdout
    assert last(later).endswith("1 are lost: put their files back into .done, then --repair")
    assert "0 of 1 batches held" in held.stdout
    assert "1 lost" in held.stdout
    assert set(dropped.states().values()) == {ImageState.STORED}


def test_a_batch_whose_folder_is_gone_is_told(dropped):
    dropped.stored().unlink()
    dropped.put_away().parent.rename(dropped.data / "emptied")

    result = dropped.run("verify", "--repair")

    assert result.exit_code == 1
    assert f"failed: inbox acme {dropped.partition.key}" in result.stdout
    assert "its files are neither in" in result.stdout
    assert dropped.states()["0.png"] is ImageState.MISSING


def test_a_link_in_place_of_what_was_put_away_is_never_followed(dropped):
    dropped.stored().unlink()
    dropped.put_away().unlink()
    dropped.put_away().symlink_to("/etc/hostname")

    dropped.run("verify", "--repair")

    assert dropped.states()["0.png"] is ImageState.REJECTED


def test_files_that_nobody_knows_are_shown(dropped):
    stray = dropped.stored().with_name("stray.png")
    stray.write_bytes(b"?")
    os.utime(stray, (1e9, 1e9))

    for of in ((), ("--batch", dropped.key)):
        result = dropped.run("verify", *of)

        assert result.exit_code == 0
        assert f"untracked: {stray.relative_to(dropped.data)}" in result.stdout


def test_a_batch_is_of_the_day_on_which_it_was_taken(dropped):
    assert last(dropped.run("verify", "--to", "2025-01-01")).startswith("0 files looked at")
    assert last(dropped.run("verify", "--from", "2025-01-01")).startswith("3 files looked at")


@pytest.mark.parametrize(
    ("of", "complaint"),
    [
        (
            ("--batch", "acme:20000101-000000-001"),
            "no batch acme:20000101-000000-001; image-assets",
        ),
        (("--stream", "nobody"), "no batch of nobody"),
    ],
)
def test_what_is_not_there_is_one_line(dropped, of, complaint):
    result = dropped.run("verify", *of)

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert complaint in result.output


def test_holdings_tell_what_is_here_of_each_batch(dropped):
    result = dropped.run("holdings")
    (row,) = json.loads(dropped.run("holdings", "--json").stdout)["batches"]

    assert (result.exit_code, last(result)) == (0, "1 of 1 batches held")
    assert row == {
        "source": "inbox",
        "shop": "acme",
        "batch": dropped.partition.key,
        "state": "held",
        "files": 3,
        "states": {"stored": 3},
        "lost": 0,
        "damaged": 0,
    }


def test_a_batch_whose_file_is_gone_is_damaged_when_files_are_looked_at(dropped):
    dropped.stored().unlink()

    by_word, by_file = dropped.run("holdings"), dropped.run("holdings", "--verify")

    assert (by_word.exit_code, by_file.exit_code) == (0, 1)
    assert "1 files missing, changed or unreadable" in by_file.stdout
