"""The command line as somebody in a folder of his own meets it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from image_assets.cli import app, surroundings
from image_assets.rehearsal import Rehearsal
from image_assets.settings import variables
from image_assets_tests.journey import AT_ONCE, ONE_A_DAY


@dataclass(frozen=True)
class Shell:
    """A folder to stand in, an environment without anything of ours, and a rehearsal to point at."""

    folder: Path
    environment: pytest.MonkeyPatch
    rehearsal: Rehearsal

    def export(self, **settings: str) -> None:
        """Set variables of the environment."""
        for name, value in settings.items():
            self.environment.setenv(name, value)

    def point_at_rehearsal(self) -> None:
        self.export(**self.rehearsal.environment(), **AT_ONCE)

    def write_env(self, **settings: str) -> None:
        """A `.env` in the folder."""
        lines = [f"{name}={value}" for name, value in settings.items()]
        (self.folder / ".env").write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Rehearsal]:
    with Rehearsal(ONE_A_DAY) as rehearsal:
        yield rehearsal


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rehearsal: Rehearsal) -> Shell:
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "400")  # of commands that are processes
    for screen in (surroundings.console, surroundings.result):
        monkeypatch.setattr(screen, "width", 400)
    monkeypatch.chdir(tmp_path)
    rehearsal.reset()
    return Shell(tmp_path, monkeypatch, rehearsal)
