"""Deciding about designs from the command line."""

import datetime as dt
import json

import pytest

from image_assets.compose import Catalog
from image_assets.core.model import Partition
from image_assets.services.catalog import open_catalog
from image_assets_tests.services.catalog import samples

DAY = Partition("camera", "apm/in_gate", "2025-09-01")


@pytest.fixture
def known(shell):
    """Two designs in the catalog of this folder; the store holds no bytes of theirs."""
    with open_catalog(f"sqlite:///{shell.folder / 'data' / 'catalog.db'}") as catalog:
        for minute, word in enumerate(("truck", "gate")):
            samples.store(catalog, minute, word)
        yield sorted(samples.design(catalog)), catalog


def rulings(catalog: Catalog) -> list[str]:
    return [design.id for design in catalog.gallery.listed("default")]


def test_two_designs_become_one_and_two_again(shell, known):
    (first, second), catalog = known

    said = shell.run("designs", "same", first[:10], second[:10], "--by", "Ann")
    merged = rulings(catalog)
    undone = shell.run("designs", "undo", "1", "--by", "Ben")

    assert (said.exit_code, said.stdout) == (0, f"Decision 1: {first}\n")
    assert merged == [first]
    assert undone.exit_code == 0
    assert rulings(catalog) == [first, second]


def test_decisions_are_told_with_who_took_them(shell, known):
    (first, second), _ = known
    shell.run("designs", "merge", first, second, "--by", "Ann")
    shell.run("designs", "undo", "1", "--by", "Ben")

    standing = json.loads(shell.run("designs", "decisions", "--json").stdout)
    every = json.loads(shell.run("designs", "decisions", "--undone", "--json").stdout)

    assert standing == []
    assert [(d["person"], d["undone_by"]) for d in every] == [("Ann", "Ben")]
    assert dt.datetime.fromisoformat(every[0]["decided_at"]).utcoffset() == dt.timedelta(0)


def test_a_contradiction_is_one_line_and_exit_code_1(shell, known):
    (first, second), catalog = known
    shell.run("designs", "different", first, second)

    refused = shell.run("designs", "same", first, second)

    assert refused.exit_code == 1
    assert "contradicts what was said before" in " ".join(refused.stderr.split())
    assert rulings(catalog) == [first, second]


def test_saying_it_twice_changes_nothing(shell, known):
    (first, second), _ = known
    shell.run("designs", "same", first, second)

    again = shell.run("designs", "same", second, first)

    assert (again.exit_code, "nothing changed" in again.stdout) == (0, True)


def test_a_design_is_shown_with_its_pictures(shell, known):
    (first, second), _ = known
    shell.run("designs", "same", first, second)

    document = json.loads(shell.run("designs", "show", second[:8], "--json").stdout)
    table = shell.run("designs", "show", first).stdout

    assert (document["id"], document["merged"], len(document["pictures"])) == (first, [second], 2)
    assert document["pictures"][0]["exif"] == {"Make": "A\0B"}
    assert "image:1" in table
    assert "anchor" in table


def test_designs_are_listed_by_source(shell, known):
    ours = json.loads(shell.run("designs", "list", "--source", "camera", "--json").stdout)
    none = json.loads(shell.run("designs", "list", "--source", "inbox", "--json").stdout)

    assert [design["id"] for design in ours] == known[0]
    assert none == []


def test_an_unknown_design_is_one_line(shell, known):
    refused = shell.run("designs", "show", "ffffffff")

    assert (refused.exit_code, "no design" in refused.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [("list",), ("show", "ffffffff"), ("doubles", "camera")])
def test_where_nothing_is_found_the_other_tenants_are_named(shell, known, arguments):
    """A shop is a tenant of its own, and the commands speak of ours where none is named."""
    samples.add_tenant(known[1], "acme")

    ours = shell.run("designs", *arguments, "--tenant", "acme")

    assert "those of acme were looked at, others have --tenant default" in ours.stderr


def test_calibrating_the_wrong_tenant_is_told(shell, known):
    samples.add_tenant(known[1], "acme")

    refused = shell.run("calibrate", "--source", "camera", "--policy", "near", "--tenant", "acme")

    assert refused.exit_code == 1
    assert "no designs of camera; those of acme were looked at" in refused.stderr


def test_a_library_without_doubles_says_so(shell, known):
    told = shell.run("designs", "doubles", "camera", "--json")

    assert (told.exit_code, json.loads(told.stdout)) == (0, [])
