"""What holds of the house as a whole: its plan, its sizes, its language, and who has a contract."""

import ast
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from image_assets.settings import isolated_environment
from image_assets.sources import LatestSpec, SourceSpec

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "image_assets"
TESTS = ROOT / "image_assets_tests"
MODULES = sorted(PACKAGE.rglob("*.py"))
HISTORY = PACKAGE / "services/catalog/migrations/versions"  # written once, never edited
SOURCES = [module for module in MODULES if HISTORY not in module.parents]
MOST_LINES, MOST_OF_A_FUNCTION = 350, 50
NO_NOUNS = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common", "base"}


def text(*path: str) -> str:
    return ROOT.joinpath(*path).read_text("utf-8")


def name(module: Path) -> str:
    return str(module.relative_to(ROOT))


def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8"))


@pytest.mark.parametrize("stage", sorted(p.name for p in (PACKAGE / "stages").glob("[a-z]*.py")))
def test_every_stage_is_on_the_plan_of_the_house(stage):
    plan = text("ARCHITECTURE.md")
    assert f"`stages/{stage}`" in plan or f"`{stage}`" in plan


@pytest.mark.parametrize(
    "room",
    [
        f"{room.name}/" if room.is_dir() else room.name
        for room in sorted(PACKAGE.iterdir())
        if (room.is_dir() or room.suffix == ".py") and not room.name.startswith("__")
    ],
)
def test_every_room_is_on_the_plan_of_the_house(room):
    assert f"`{room}`" in text("ARCHITECTURE.md")


def test_no_module_is_too_long_to_be_read_at_once():
    lines = {name(m): len(m.read_text("utf-8").splitlines()) for m in SOURCES}

    assert {module: n for module, n in lines.items() if n > MOST_LINES} == {}


def test_no_function_is_too_long_to_be_held_in_a_head():
    lines = {
        f"{name(module)}: {f.name}": (f.end_lineno or f.lineno) - f.lineno + 1
        for module in SOURCES
        for f in ast.walk(tree(module))
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {function: n for function, n in lines.items() if n > MOST_OF_A_FUNCTION} == {}


def test_every_module_says_what_belongs_in_it():
    trees = {name(module): tree(module) for module in MODULES}

    assert [module for module, t in trees.items() if t.body and not ast.get_docstring(t)] == []


def test_nothing_is_named_after_nothing():
    named = [m for m in [*MODULES, *TESTS.rglob("*.py")] if m.stem in NO_NOUNS]
    rooms = [room for room in PACKAGE.rglob("*") if room.is_dir() and room.name in NO_NOUNS]

    assert [*named, *rooms] == []


def test_annotations_are_what_they_say_at_once():
    """Dagster reads them; a future import would give it texts."""
    future = re.compile(r"^from __future__", re.M)

    assert [name(m) for m in [*MODULES, *TESTS.rglob("*.py")] if future.search(m.read_text())] == []


def choices(field: str, model: type = SourceSpec) -> list[str]:
    """What the sources file may say there."""
    annotation = model.__annotations__[field]
    literals = [annotation, *typing.get_args(annotation)]
    return [c for literal in literals if typing.get_origin(literal) is typing.Literal
            for c in typing.get_args(literal)]  # fmt: skip


@pytest.mark.parametrize(
    ("store", "file"),
    [
        (store, {"local": "local_latest"}.get(store, store))
        for store in choices("store", LatestSpec)
    ],
)
def test_every_latest_store_passes_the_contract_of_latest_stores(store, file):
    tests = text("image_assets_tests", "services", f"test_{file}.py")

    assert re.search(r"^class \w+\(LatestContract\):", tests, re.M), store


@pytest.mark.parametrize("kind", ["draydog", "folder", "inbox", "site"])
def test_every_kind_of_source_passes_the_contract_of_sources(kind):
    tests = text("image_assets_tests", "services", f"test_{kind}.py")

    assert re.search(r"^class \w+\(SourceContract\):", tests, re.M)


def test_there_is_a_host_and_a_store_to_speak_of():
    assert {"local", "pinata"} <= set(choices("destinations"))
    assert {"local", "cloudflare_kv"} <= set(choices("store", LatestSpec))


def test_every_module_with_a_host_is_a_destination():
    modules = {p.stem for p in (PACKAGE / "services/hosts").glob("[a-z]*.py")}

    assert modules | {"freeimage"} == set(choices("destinations"))  # a site that runs Chevereto


def test_the_command_line_does_not_wait_for_dagster():
    said = subprocess.run(
        [sys.executable, "-c", "import sys, image_assets.cli; print('dagster' in sys.modules)"],
        env=isolated_environment({}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said.strip() == "False"


def test_the_lock_holds_pins_and_hashes_and_no_index():
    lock = text("requirements.lock")

    pinned = re.findall(r"^[\w.\[\]-]+==\S+", lock, re.M)
    assert len(pinned) > 100
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock


def test_both_files_that_name_the_code_location_agree():
    """Schedules and sensors remember their state by that name."""
    project, workspace = text("pyproject.toml"), text("workspace.yaml")

    assert set(re.findall(r'code_location_name = "(\w+)"', project)) == {"image_assets"}
    assert re.findall(r"location_name: (\w+)", workspace) == ["image_assets"]
    assert project.count("image_assets.definitions") >= 2
    assert "image_assets.definitions" in workspace


@pytest.mark.parametrize("target", ["install", "demo", "dev", "test", "check", "bench"])
def test_every_door_of_the_readme_exists(target):
    assert re.search(rf"^{target}:", text("Makefile"), re.M)
    assert target == "install" or f"make {target}" in text("README.md") + text("CONTRIBUTING.md")
