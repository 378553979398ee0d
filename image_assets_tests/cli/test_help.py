"""What the command line says of itself."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from image_assets.cli import app

COMMANDS = sorted(typer.main.get_group(app).commands)


def test_the_commands_are_those_of_the_documents():
    assert set(COMMANDS) >= {"demo", "dev", "download", "doctor", "serve"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_of_itself(shell, command):
    result = shell.run(command, "--help")

    assert result.exit_code == 0
    assert f"image-assets {command}" in result.output.partition("Example")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_argument_says_what_it_is(command):
    found = typer.main.get_group(app).commands[command]

    # Typer loses the help of arguments with some versions of click: the command speaks of them.
    mute = [str(p.name).upper() for p in found.params if not getattr(p, "help", None)]
    assert [name for name in mute if name not in str(found.help)] == []


def test_without_a_command_the_commands_are_shown(shell):
    result = shell.run()

    assert all(command in result.output for command in COMMANDS)


def test_it_is_installed_as_image_assets(tmp_path):
    program = Path(sys.executable).with_name("image-assets")

    result = subprocess.run([program, "--help"], cwd=tmp_path, capture_output=True, text=True)

    assert (result.returncode, "doctor" in result.stdout, result.stderr) == (0, True, "")


def test_an_unknown_command_is_a_mistake_in_usage(shell):
    assert shell.run("dowload").exit_code == 2
