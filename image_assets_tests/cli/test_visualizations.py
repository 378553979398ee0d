"""`image-assets visualizations`: what lies in the folder is published, announced and put away."""

import json

import pytest

from image_assets import compose
from image_assets.settings import load
from image_assets_tests.plotting import draw

CREDENTIALS = ("PINATA_JWT", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "KV_NAMESPACE_ID")


@pytest.fixture
def studio(shell):
    shell.point_at_rehearsal()
    shell.export(VISUALIZATION_SETTLE_SECONDS="0")
    return shell


def plot(shell, day):
    period = {"start": f"2025-01-{day}T00:00:00Z", "end": f"2025-01-{day + 1}T00:00:00Z"}
    return draw(shell.folder / "data/visualization", f"{day}.png", seed=day, **period)


def lying(shell):
    return sorted(file.name for file in (shell.folder / "data/visualization").glob("*.png"))


def test_all_that_was_drawn_is_published_announced_and_put_away(studio):
    plot(studio, 14)
    plot(studio, 15)

    result = studio.run("visualizations")

    value = compose.latest_store(load(), "cloudflare_kv").get("temperature:daily:latest")
    assert (result.exit_code, lying(studio)) == (0, []), result.output
    assert "local files: 2 put_away" in result.stdout
    assert json.loads(value or "")["metadata"]["filename"] == "15.png"


def test_a_range_of_dates_leaves_the_others(studio):
    plot(studio, 14)
    plot(studio, 15)

    result = studio.run("visualizations", "--from", "2025-01-01", "--to", "2025-01-14")

    assert (result.exit_code, lying(studio)) == (0, ["15.png"])


def test_one_picture_by_its_file(studio):
    plot(studio, 14)
    file = plot(studio, 15)

    result = studio.run("visualizations", "--file", str(file.relative_to(studio.folder)))

    assert result.exit_code == 0
    assert "2025-01-15" in result.stdout
    assert "2025-01-14" not in result.stdout


def test_done_again_there_is_nothing_to_do(studio):
    plot(studio, 15)
    studio.run("visualizations")
    before = studio.rehearsal.requests()["total"]

    again = studio.run("visualizations")

    assert (again.exit_code, again.stdout) == (0, "")
    assert studio.rehearsal.requests()["total"] == before


def test_a_host_that_refuses_leaves_every_file_where_it_was(studio):
    plot(studio, 15)
    studio.rehearsal.inject("POST /pinata/uploads*", {"kind": "status", "status": 403})

    result = studio.run("visualizations")

    studio.rehearsal.clear_faults()
    assert (result.exit_code, lying(studio)) == (1, ["15.png"])
    assert "PINATA_JWT" in result.stderr


def test_what_cannot_be_taken_is_told(studio):
    plot(studio, 15).with_suffix(".json").unlink()

    result = studio.run("visualizations")

    assert (result.exit_code, lying(studio)) == (0, ["15.png"])
    assert "15.png: has no sidecar 15.json" in result.stderr


def test_without_credentials_it_is_off_and_says_so(shell):
    plot(shell, 15)

    result = shell.run("visualizations")

    assert result.exit_code == 0
    assert f"visualization is off: set {', '.join(CREDENTIALS)}" in result.stderr
    assert lying(shell) == ["15.png"]


@pytest.mark.parametrize("variable", CREDENTIALS)
def test_with_some_credentials_the_one_that_lacks_is_named(studio, variable):
    studio.environment.delenv(variable)

    result = studio.run("visualizations")

    assert result.exit_code == 1
    assert f"{variable} is not set" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--source", "camera"], "camera has no visualisations"),
        (["--collection", "wind:daily"], "no stream 'wind:daily'"),
        (["--from", "2025-01-02", "--to", "2025-01-01"], "before it begins"),
    ],
)
def test_what_cannot_be_asked_for_is_told(studio, arguments, complaint):
    result = studio.run("visualizations", *arguments)

    assert (result.exit_code, complaint in result.stderr) == (1, True)
