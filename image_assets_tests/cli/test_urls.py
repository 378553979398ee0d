"""`image-assets urls`: names of pictures in a text file become URLs, and nothing else changes."""

import json

import pytest

from image_assets_tests.drawing import picture


@pytest.fixture
def here(shell):
    shell.point_at_rehearsal()
    shell.export(UPLOAD_PAUSE="0")
    for number, name in enumerate(("a.png", "b c.png")):
        (shell.folder / "img").mkdir(exist_ok=True)
        (shell.folder / "img" / name).write_bytes(picture(number, format="PNG"))
    return shell


def write(shell, name: str, content: bytes) -> None:
    (shell.folder / name).write_bytes(content)


def read(shell, name: str) -> bytes:
    return (shell.folder / name).read_bytes()


def held(shell) -> int:
    return len(shell.rehearsal.shelves["freeimage"])


MARKDOWN = b"# \xff title\r\n![a](img/a.png)\n<img src='img/b%20c.png'> img/a.png gone.png\r\n"


def test_names_become_urls_and_all_else_stays_byte_for_byte(here):
    write(here, "story.md", MARKDOWN)

    result = here.run("urls", "story.md")

    shelf = {item.name: item for item in here.rehearsal.shelves["freeimage"]}
    new = read(here, "story.md")
    before, after = new.split(b"](")[0], new.rsplit(b">", 1)[1]
    assert result.exit_code == 0, result.output
    assert (before, after) == (b"# \xff title\r\n![a", b" img/a.png gone.png\r\n")
    assert all(item.id.encode() in new for item in shelf.values())
    assert (len(shelf), read(here, "story.md.bak")) == (2, MARKDOWN)


def test_a_second_run_changes_nothing(here):
    write(here, "story.md", MARKDOWN)
    here.run("urls", "story.md")
    once = read(here, "story.md")

    here.run("urls", "story.md")

    assert (read(here, "story.md"), held(here)) == (once, 2)
    assert not (here.folder / "story.md.bak1").exists()


def test_a_dry_run_shows_lines_and_sends_nothing(here):
    write(here, "story.md", MARKDOWN)

    result = here.run("urls", "story.md", "--dry-run")

    assert (result.exit_code, held(here), read(here, "story.md")) == (0, 0, MARKDOWN)
    assert "line 2: img/a.png" in result.output
    assert "line 3: img/b c.png" in result.output


def test_another_file_can_be_written_and_is_never_overwritten(here):
    write(here, "shots.json", b'{"image": "img/a.png", "text": "img/a.png and more"}')

    first = here.run("urls", "shots.json", "--output", "new.json")
    second = here.run("urls", "shots.json", "--output", "new.json")

    told = json.loads(read(here, "new.json"))
    assert (first.exit_code, second.exit_code) == (0, 1)
    assert told["image"].startswith("http")
    assert told["text"] == "img/a.png and more"
    assert read(here, "shots.json").startswith(b'{"image": "img/a.png"')


def test_no_backup_of_another_run_is_overwritten(here):
    write(here, "a.txt", b"img/a.png")
    write(here, "a.txt.bak", b"precious")

    here.run("urls", "a.txt")

    assert (read(here, "a.txt.bak"), read(here, "a.txt.bak1")) == (b"precious", b"img/a.png")


def test_a_picture_that_fails_keeps_its_name_and_the_others_get_urls(here):
    write(here, "img/bad.png", b"no picture")
    write(here, "a.txt", b"img/bad.png\nimg/a.png\n")

    result = here.run("urls", "a.txt")

    first, second = read(here, "a.txt").splitlines()
    assert (result.exit_code, first) == (1, b"img/bad.png")
    assert second.startswith(b"http")


def test_pictures_elsewhere_are_taken_only_where_that_is_said(here):
    (here.folder / "inner").mkdir()
    here.environment.chdir(here.folder / "inner")
    text = f"{here.folder}/img/a.png\n".encode()
    write(here, "inner/a.txt", text)

    refused = here.run("urls", "a.txt")
    kept = read(here, "inner/a.txt")
    here.run("urls", "a.txt", "--anywhere")

    assert "--anywhere takes it" in refused.output
    assert (kept, held(here)) == (text, 1)
    assert read(here, "inner/a.txt").startswith(b"http")


def test_a_link_that_leads_elsewhere_is_elsewhere(here):
    (here.folder / "inner").mkdir()
    (here.folder / "inner/a.png").symlink_to(here.folder / "img/a.png")
    here.environment.chdir(here.folder / "inner")
    write(here, "inner/a.txt", b"a.png")

    here.run("urls", "a.txt")

    assert (held(here), read(here, "inner/a.txt")) == (0, b"a.png")


def test_rights_of_the_file_stay(here):
    write(here, "a.txt", b"img/a.png")
    (here.folder / "a.txt").chmod(0o640)

    here.run("urls", "a.txt")

    assert (here.folder / "a.txt").stat().st_mode & 0o777 == 0o640


def test_utf_16_is_refused(here):
    write(here, "a.txt", "img/a.png".encode("utf-16"))

    result = here.run("urls", "a.txt")

    assert result.exit_code == 1
    assert "save it as UTF-8" in result.output
