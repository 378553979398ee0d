"""A source whose designs go to a NAS as well, in Dagster."""

from pathlib import Path

from image_assets.services.nas.mounted import MARKER
from image_assets_tests.journey import AUTUMN, KEY, TWO_A_DAY, journey

WITH_NAS = AUTUMN + "collections: [apm/in_gate, apm/out_gate], nas: true}"


def test_designs_are_shelved_and_a_nas_that_is_down_stops_nothing_else(tmp_path: Path) -> None:
    base = tmp_path / "nas"
    base.mkdir()
    mounted = {"NAS_PROTOCOL": "mounted", "NAS_BASE_PATH": str(base), "NAS_RETRY_DELAY": "0"}
    with journey(tmp_path / "data", TWO_A_DAY, source=WITH_NAS, **mounted) as camera:
        down = camera.run("images", "designs", "thumbnails", "nas")
        (base / MARKER).touch()
        up = camera.run("nas")

    assert list(down.failed_steps()) == ["camera__nas"]
    assert down.tries("nas") == 2  # waiting may cure it
    assert "not mounted" in str(down.failure())
    assert down.partitions("thumbnails") == [KEY]
    shown = up.metadata("nas")
    assert (shown["stored"], shown["on_nas"], shown["nas_success_rate"]) == (2, 2, 1.0)
    assert up.check("nas", "on_nas")["passed"]
    assert len([p for p in (base / "in_gate").iterdir() if p.suffix == ".jpg"]) == 2


def test_a_nas_that_is_not_configured_is_named_by_its_variable(tmp_path: Path) -> None:
    with journey(tmp_path, source=WITH_NAS) as camera:
        run = camera.run("images", "designs", "nas")

    assert run.partitions("designs") == [KEY]
    assert run.tries("nas") == 1
    assert "QNAP_HOST" in str(run.failure())
