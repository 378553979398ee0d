"""`image-assets organize`, as an operator with a folder of old downloads meets it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from image_assets.core.model import Partition
from image_assets.services.catalog import open_catalog
from image_assets.services.folder import FolderSource
from image_assets.settings import isolated_environment
from image_assets_tests.drawing import picture

PROGRAM = str(Path(sys.executable).with_name("image-assets"))
ONE_DECODER = {"IMAGE_ASSETS_DECODE_WORKERS": "1"}  # a few small pictures: the sooner it is there
NAME = "20250901T100734_in_gate.jpg"
PLACE = "images/2025-09-01/in_gate/20250901100734_in_gate.jpg"
DAY = Partition("camera", "apm/in_gate", "2025-09-01")


def keep(folder: Path, *numbers: int) -> dict[str, bytes]:
    """Small pictures, ten seconds apart, by name; one of them is NAME's."""
    made = {
        f"20250901T{10 + n // 360:02}{n // 6 % 60:02}{n % 6}4_in_gate.jpg": picture(n, (24, 16))
        for n in numbers
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return made


def files(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def held(folder: Path) -> list[bytes]:
    return sorted(f.read_bytes() for f in folder.rglob("*.jpg"))


def recorded(data: Path) -> int:
    catalog = open_catalog(f"sqlite:///{data / 'catalog.db'}")
    try:
        return len(catalog.images.known(DAY))
    finally:
        catalog.dispose()


@pytest.fixture
def attic(shell):
    shell.export(**ONE_DECODER)
    (shell.folder / "old").mkdir()
    (shell.folder / "old" / NAME).write_bytes(picture(1))
    return shell


def test_a_dry_run_shows_every_move_and_conflict_and_changes_nothing(attic):
    (attic.folder / "old/20250901100734_in_gate.jpg").write_bytes(picture(2))
    (attic.folder / "old/holiday.jpg").write_bytes(picture(3))
    before = files(attic.folder)

    result = attic.run("organize", "old", "data", "--dry-run")

    assert (result.exit_code, files(attic.folder)) == (0, before)
    assert not (attic.folder / "data").exists()
    assert f"place      20250901100734_in_gate.jpg -> {PLACE}\n" in result.stdout
    assert f"beside     {NAME} ~> images/2025-09-01/in_gate/20250901100734~" in result.stdout
    assert "left       holiday.jpg: neither its name nor a sidecar says" in result.stdout
    assert "1 place, 1 beside, 1 left; nothing was changed" in result.stderr


def test_what_lands_in_the_data_folder_is_in_the_archive(attic):
    result = attic.run("organize", "old", "data")

    assert result.exit_code == 0
    assert (files(attic.folder / "old"), recorded(attic.folder / "data")) == ([], 1)
    assert "Recorded as camera apm/in_gate, 2025-09-01 to 2025-09-01" in result.stderr


def test_a_copy_leaves_the_old_files(attic):
    attic.run("organize", "old", "data", "--copy")

    assert files(attic.folder / "old") == [NAME]
    assert (attic.folder / "data" / PLACE).read_bytes() == picture(1)


def test_without_a_record_the_catalog_is_not_touched(attic):
    result = attic.run("organize", "old", "data", "--no-record")

    assert files(attic.folder / "data") == [PLACE]
    assert "Not recorded" in result.stderr


def test_elsewhere_it_says_how_the_files_become_a_source(attic):
    result = attic.run("organize", "old", "sorted")

    spec = yaml.safe_load(result.stdout)[0]
    source = FolderSource(Path(spec["root"]))
    assert list(source.collections()) == spec["collections"] == ["in_gate"]
    assert len(source.list(DAY).entries) == 1
    assert not (attic.folder / "data").exists()


def test_another_terminal_has_folders_of_its_own(attic):
    result = attic.run("organize", "old", "sorted", "--terminal", "ict")

    spec = yaml.safe_load(result.stdout)[0]
    assert files(attic.folder / "sorted") == [PLACE.replace("images/", "images/camera/ict/")]
    assert list(FolderSource(Path(spec["root"])).collections()) == spec["collections"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("20250901100734_yard.jpg", "source camera has no apm/yard; add it to its collections"),
        ("20240901100734_in_gate.jpg", "source camera does not cover 2024-09-01; change its start"),
    ],
)
def test_what_the_source_cannot_record_stays_where_it_is(attic, name, reason):
    (attic.folder / "old" / NAME).rename(attic.folder / "old" / name)

    result = attic.run("organize", "old", "data")

    assert (result.exit_code, files(attic.folder / "old")) == (0, [name])
    assert reason in result.stdout


def test_the_old_layout_becomes_ours_in_place(attic):
    old = attic.folder / "data/images/2025-09-01" / NAME
    old.parent.mkdir(parents=True)
    (attic.folder / "old" / NAME).rename(old)

    attic.run("organize", "data/images", "data")
    again = attic.run("organize", "data/images", "data")

    assert [f for f in files(attic.folder / "data") if f.startswith("images")] == [PLACE]
    assert (again.exit_code, recorded(attic.folder / "data")) == (0, 1)


def test_what_the_archive_has_is_never_moved_out_of_it(attic):
    attic.run("organize", "old", "data")

    result = attic.run("organize", "data", "elsewhere")

    assert result.exit_code == 0
    assert (attic.folder / "data" / PLACE).read_bytes() == picture(1)
    assert not (attic.folder / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_one_line(shell):
    result = shell.run("organize", "nowhere", "data")

    assert result.exit_code == 1
    assert "error: nowhere: there is no such folder; check its name" in result.output


def test_a_run_killed_at_any_moment_is_completed_by_the_next(attic):
    """Killed with SIGKILL again and again while it moves; in the end everything is there once."""
    made = keep(attic.folder / "old", *range(240))
    expected = sorted(made.values())
    data = attic.folder / "data"

    for moved in (1, 120):
        child = subprocess.Popen(
            [PROGRAM, "organize", "old", "data"],
            cwd=attic.folder,
            env=isolated_environment(ONE_DECODER),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while child.poll() is None and len(list((data / "images").rglob("*.jpg"))) < moved:
            time.sleep(0.001)
        child.kill()
        child.wait()
        kept = held(attic.folder / "old")
        assert set(expected) == {*kept, *held(data / "images")}
    result = attic.run("organize", "old", "data")

    assert (result.exit_code, files(attic.folder / "old")) == (0, [])
    assert (held(data / "images"), recorded(data)) == (expected, len(expected))


def unshared(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A shell with mounts of its own; skipped where nobody may mount."""
    if subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", folder], capture_output=True
    ).returncode:
        pytest.skip("mounting is not allowed here")
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", command],
        cwd=folder,
        env=isolated_environment({"PROGRAM": PROGRAM, **ONE_DECODER}),
        capture_output=True,
        text=True,
    )


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(attic):
    made = keep(attic.folder / "old", *range(90))
    (attic.folder / "small").mkdir()

    done = unshared(
        "mount -t tmpfs -o size=96k none small && $PROGRAM organize old small --copy; echo exit $?;"
        " mkdir out; cp -r small/images out",
        attic.folder,
    )

    arrived = held(attic.folder / "out")
    assert "exit 1" in done.stdout
    assert "No space left on device; free space there, then run again" in done.stderr
    assert 0 < len(arrived) < len(made)
    assert set(arrived) < set(made.values())
    assert held(attic.folder / "old") == sorted(made.values())


def test_a_read_only_destination_is_one_line_and_nothing_is_lost(attic):
    (attic.folder / "locked").mkdir()

    done = unshared(
        "mount -t tmpfs -o ro none locked && $PROGRAM organize old locked; echo exit $?",
        attic.folder,
    )

    assert "exit 1" in done.stdout
    assert "Read-only file system; check its owner, its rights and its mount" in done.stderr
    assert files(attic.folder / "old") == [NAME]


def test_a_file_beyond_the_limit_of_sizes_is_left_and_named(attic):
    (attic.folder / "old/20250901100800_in_gate.jpg").write_bytes(picture(2, (900, 600)))

    done = subprocess.run(
        ["sh", "-c", "ulimit -f 24; $PROGRAM organize old sorted --copy; echo exit $?"],
        cwd=attic.folder,
        env=isolated_environment({"PROGRAM": PROGRAM, **ONE_DECODER}),
        capture_output=True,
        text=True,
    )

    assert "exit 1" in done.stdout
    assert "failed: 20250901100800_in_gate.jpg: " in done.stderr
    assert (files(attic.folder / "sorted"), len(files(attic.folder / "old"))) == ([PLACE], 2)
