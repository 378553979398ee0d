"""`image-assets doctor` tries the key of every image host, and sends nothing."""

import pytest

from image_assets_tests.cli.test_doctor import DEAD, states
from image_assets_tests.journey import CAMERA

HOSTS = ["chevereto", "freeimage", "imgbb"]


@pytest.fixture(params=HOSTS)
def host(request, shell):
    """A camera that publishes at one host alone."""
    shell.point_at_rehearsal()
    source = f"collections: [apm/in_gate], destinations: [{request.param}]}}"
    (shell.folder / "sources.yaml").write_text(f"sources: [{CAMERA + source}]")
    shell.export(IMAGE_ASSETS_SOURCES="sources.yaml", UPLOAD_MAX_RETRIES="1")
    return request.param


def test_a_host_with_a_good_key_is_well_and_got_nothing(shell, host):
    result = shell.run("doctor")

    assert states(result.output)[f"destination {host}"] == "ok"
    assert len(shell.rehearsal.shelves[host]) == 0


def test_a_key_that_is_refused_is_named_and_not_shown(shell, host):
    shell.export(**{f"{host.upper()}_API_KEY": "canary-4d1c"})

    result = shell.run("doctor")

    assert states(result.output)[f"destination {host}"] == "not ok"
    assert f"check {host.upper()}_API_KEY" in result.output
    assert "canary-4d1c" not in result.output


def test_a_key_that_is_missing_is_named(shell, host):
    shell.environment.delenv(f"{host.upper()}_API_KEY")

    result = shell.run("doctor")

    assert f"{host.upper()}_API_KEY is not set" in result.output


def test_a_host_that_does_not_answer_is_named(shell, host):
    shell.export(**{f"{host.upper()}_API_URL": DEAD})

    result = shell.run("doctor")

    assert states(result.output)[f"destination {host}"] == "not ok"
    assert "no connection" in result.output
