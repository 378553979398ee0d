"""`image-assets links` and `republish`: what was published is looked at again, or published elsewhere."""

import datetime as dt
import json
from typing import Any

import pytest
from click.testing import Result

from image_assets import compose
from image_assets.compose import LocalStore
from image_assets.core.model import Partition, Publishes
from image_assets.core.recipes import Recipe
from image_assets.settings import Settings
from image_assets.stages.uploads import Publisher
from image_assets.stages.verification import Witness
from image_assets_tests.cli.conftest import Shell
from image_assets_tests.cli.exported import files, opened, take

DAY = Partition("camera", "apm/in_gate", "2025-09-01")
LONG_AGO = dt.datetime(2025, 9, 3, tzinfo=dt.UTC)


def clock() -> dt.datetime:
    return LONG_AGO


@pytest.fixture
def published(shell: Shell) -> Shell:
    """A picture and its three exports, published at `local` long ago."""
    take(shell)
    shell.export(LINK_CHECK_CONFIRM_HOURS="0.0000001", LINK_CHECK_PER_MINUTE="1000000")
    settings = Settings()
    with opened(shell) as catalog:
        Publisher(
            "local",
            compose.host(settings, "local"),
            catalog.uploads,
            LocalStore(shell.folder / "data"),
            "us",
            clock,
            witness=Witness("local", catalog.fidelity, catalog.notices, clock),
        ).publish(DAY, Publishes.BOTH, Recipe("thumbnail"))
    return shell


def told(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_check_looks_at_what_is_due_and_only_once(published):
    first, second = (told(published.run("links", "check", "--json")) for _ in range(2))

    assert (first["local"]["alive"], second["local"]["alive"]) == (4, 0)
    assert first["local"]["not_well"] == []


def test_what_is_gone_is_told_with_exit_code_1_and_given_up_after_the_second_look(published):
    files(published, "public")[0].unlink()

    first = told(published.run("links", "check", "--json"), 1)["local"]
    second = told(published.run("links", "check", "--json"), 1)["local"]
    listed = told(published.run("links", "list", "--json"))

    assert (first["gone"], first["given_up"], second["given_up"]) == (1, 0, 1)
    assert second["not_well"][0]["settled"]
    assert [(row["found"], row["settled"], row["belongs_to"]) for row in listed] == [
        ("gone", True, ["camera apm/in_gate 2025-09-01"])
    ]


def test_a_check_says_in_words_what_it_found(published):
    files(published, "public")[0].write_bytes(b"something else")

    result = published.run("links", "check", "local")

    assert result.exit_code == 1
    assert "local: 3 alive, 0 gone, 1 changed, 0 unreachable" in result.stdout
    assert "changed until a second look" in result.stdout
    assert "changed: local shows something else" in result.stderr


def test_a_profile_is_shown_and_a_change_taken_note_of(published):
    files(published, "public")[0].write_bytes(b"something else")
    published.run("links", "check")

    before = told(published.run("links", "fidelity", "--json"))["local"]
    accepted = published.run("links", "accept", "local")
    after = told(published.run("links", "fidelity", "--json"))["local"]
    words = published.run("links", "fidelity").stdout

    assert before["treats"]["png"].startswith("keeps the bytes")
    assert (len(before["changes"]), after["changes"]) == (1, [])
    assert "1 changes noted" in accepted.stderr
    assert "local: PNG: keeps the bytes" in words


def test_more_is_looked_at_when_asked_for(published):
    told(published.run("links", "check", "--json"))

    again = told(published.run("links", "check", "--all", "--most", "3", "--json"))

    assert again["local"]["alive"] == 3


def test_a_host_without_its_key_keeps_no_other_from_being_looked_at(published):
    published.point_at_rehearsal()
    published.run("republish", "--from", "local", "--to", "freeimage")
    published.environment.delenv("FREEIMAGE_API_KEY")

    checked = told(published.run("links", "check", "--all", "--json"), 1)

    assert checked["local"]["alive"] == 4
    assert "FREEIMAGE_API_KEY is not set" in checked["freeimage"]["stopped"]


def test_a_host_at_which_nothing_was_published_is_refused_with_those_that_there_are(published):
    result = published.run("links", "check", "imgur")

    assert result.exit_code == 1
    assert "imgur: nothing was published there yet; something was published at: local" in (
        result.stderr
    )


def test_a_dead_hosts_pictures_are_published_elsewhere_by_one_command(published):
    published.point_at_rehearsal()
    order = ("republish", "--from", "local", "--to", "freeimage", "--json")

    dry = told(published.run(*order, "--dry-run"))
    first, second = told(published.run(*order)), told(published.run(*order))

    assert (dry["from_stored_bytes"], dry["published"], dry["dry_run"]) == (4, 0, True)
    assert (first["published"], first["lost"], first["failed"]) == (4, 0, 0)
    assert (second["there_already"], second["published"]) == (4, 0)
    assert len(published.rehearsal.shelves["freeimage"]) == 4


def test_what_is_lost_is_told_with_where_it_belongs(published):
    published.point_at_rehearsal()
    files(published, "images")[0].unlink()

    result = published.run("republish", "--from", "local", "--to", "freeimage")

    assert result.exit_code == 1
    assert "lost=1" in result.stdout
    assert "(camera apm/in_gate 2025-09-01)" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "local", "--to", "local"), "--from and --to are both local"),
        (("--from", "imgur", "--to", "local"), "imgur: nothing was published there"),
        (("--from", "local", "--to", "nowhere"), "nowhere: no such host; there are:"),
        (("--from", "local", "--to", "imgbb"), "IMGBB_API_KEY"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(published, arguments, said):
    result = published.run("republish", *arguments)

    assert result.exit_code == 1
    assert said in result.stderr
