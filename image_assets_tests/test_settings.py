import re
from pathlib import Path

import pytest

from image_assets.core.cadence import Service
from image_assets.core.errors import MissingSettingError, PermanentError
from image_assets.core.nearest import Limits
from image_assets.settings import Settings, isolated, isolated_environment, variables
from image_assets.sources import DEFAULT_SOURCES, LimitsSpec, SourceSpec, load_sources

ROOT = Path(__file__).parents[1]
SOME_SOURCE = SourceSpec.model_validate(
    {"name": "some", "kind": "draydog", "collections": ["apm/in_gate"], "start": "2025-09-01"}
)


def test_the_example_environment_names_every_setting_and_no_other():
    named = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M)

    assert sorted(named) == sorted(variables())


def test_defaults_stand_without_any_environment(monkeypatch):
    for name in variables():
        monkeypatch.delenv(name, raising=False)

    assert Settings().model_dump() == isolated({}).model_dump()


def test_isolated_settings_do_not_hear_the_environment(monkeypatch):
    monkeypatch.setenv("PINATA_JWT", "somebody's")

    assert isolated({}).pinata_jwt is None


def test_a_child_in_isolation_gets_no_variable_of_ours_but_its_own(monkeypatch):
    monkeypatch.setenv("PINATA_JWT", "somebody's")
    monkeypatch.setenv("DAGSTER_HOME", "/somewhere")

    environment = isolated_environment({"LOG_LEVEL": "DEBUG"})

    assert environment["LOG_LEVEL"] == "DEBUG"
    assert not {"PINATA_JWT", "DAGSTER_HOME"} & environment.keys()


def test_a_missing_setting_is_named():
    with pytest.raises(MissingSettingError, match="PINATA_JWT is not set; publishing"):
        isolated({}).require("pinata_jwt", "publishing")


def test_secrets_never_show():
    settings = isolated({"PINATA_JWT": "canary-secret"})

    assert "canary-secret" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.secrets == ("canary-secret",)


def test_an_empty_variable_is_an_unset_one(monkeypatch):
    monkeypatch.setenv("PINATA_JWT", "")

    assert Settings().pinata_jwt is None


def test_the_committed_sources_load():
    camera, inbox, visualization, generated = load_sources(DEFAULT_SOURCES)

    assert camera.collections == ("apm/in_gate", "apm/out_gate")
    assert (inbox.kind, inbox.policy, inbox.destinations) == ("inbox", "near", ("local",))
    assert (visualization.kind, visualization.publishes) == ("visualization", "originals")
    assert (generated.kind, generated.policy, generated.dated) == ("generated", "exact", False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sources: []", "at least 1"),
        ("sources: [{name: 'A b', kind: folder, collections: [x], start: 2025-01-01}]", "name"),
        ("sources: [{name: a, kind: folder, collections: [x], start: 2025-01-01}]", "needs a root"),
        ("sources: [{name: a, kind: draydog, collections: ['x|y'], start: 2025-01-01}]", "pattern"),
        (
            "sources: [{name: a, kind: draydog, collections: [x], start: 2025-01-01,"
            " latest: {store: local, destination: pinata}}]",
            "among the destinations",
        ),
        (
            "sources: [{name: a, kind: draydog, collections: [x], start: 2025-01-01,"
            " service_hours: [7, 20]}]",
            "service_hours need cadence_minutes",
        ),
        (
            "sources: [{name: a, kind: draydog, collections: [x], start: 2025-01-01,"
            " cadence_minutes: 0}]",
            "greater than 0",
        ),
        ("sources: [{name: a, kind: generated, collections: [x]}]", "no collections, root"),
        ("sources: [{name: a, kind: generated, start: 2025-01-01}]", "requests have no days"),
        ("sources: [", "does not describe sources"),
    ],
)
def test_a_sources_file_that_cannot_be_is_refused_with_its_reason(tmp_path, text, complaint):
    file = tmp_path / "sources.yaml"
    file.write_text(text)

    with pytest.raises(PermanentError, match=complaint) as refusal:
        load_sources(file)

    assert "sources.yaml" in str(refusal.value)


def test_a_cadence_is_given_with_or_without_hours_of_service(tmp_path):
    file = tmp_path / "sources.yaml"
    camera = "kind: draydog, collections: [x], start: 2025-01-01"
    file.write_text(
        f"sources: [{{name: a, {camera}}}, {{name: b, {camera}, cadence_minutes: 10}},"
        f" {{name: c, {camera}, cadence_minutes: 10, service_hours: [13, 1]}}]"
    )

    services = [spec.service for spec in load_sources(file)]

    assert services == [None, Service(10), Service(10, (13, 1))]


def test_an_absent_sources_file_names_its_variable(tmp_path):
    with pytest.raises(PermanentError, match="IMAGE_ASSETS_SOURCES"):
        load_sources(tmp_path / "nothing.yaml")


def test_the_recipe_is_another_one_when_its_pixels_would_be():
    assert isolated({}).recipe.name == "thumbnail"
    assert isolated({"JPEG_QUALITY": "90"}).recipe.name == "thumbnail-p9j90w80"


def test_limits_of_likeness_are_settings(monkeypatch):
    monkeypatch.setenv("NEAR_BITS", "32")
    monkeypatch.setenv("SEED_BITS", "3")

    limits = Settings().limits(SOME_SOURCE, "default")

    assert limits == Limits(near_bits=32, seed_bits=3)


def test_a_source_has_limits_of_its_own_and_a_tenant_goes_before_it(monkeypatch):
    monkeypatch.setenv("TENANT_LIMITS", '{"shop": {"near_detail": 20}}')
    spec = SOME_SOURCE.model_copy(update={"limits": LimitsSpec(near_bits=24, near_detail=22)})

    assert Settings().limits(spec, "default") == Limits(near_bits=24, near_detail=22)
    assert Settings().limits(spec, "shop") == Limits(near_bits=24, near_detail=20)


@pytest.mark.parametrize("limits", [{"near_bits": 49}, {"near_bits": -1}, {"near": 3}])
def test_limits_that_cannot_be_are_refused(limits):
    with pytest.raises(ValueError, match="near"):
        LimitsSpec.model_validate(limits)


@pytest.mark.parametrize(
    ("set_to", "uncounted"),
    [
        ({}, {"local", "kubo"}),
        ({"KUBO_API_URL": "http://[::1]:5001"}, {"local", "kubo"}),
        ({"KUBO_API_URL": "http://localhost:5001"}, {"local", "kubo"}),
        ({"KUBO_API_URL": "https://ipfs.example"}, {"local"}),
        ({"IMGBB_EXPIRATION": 600}, {"local", "kubo", "imgbb"}),
        ({"S3_ENDPOINT_URL": "http://127.0.0.2:9000"}, {"local", "kubo", "s3"}),
    ],
)
def test_copies_on_this_machine_or_for_a_while_prove_nothing_to_retention(set_to, uncounted):
    assert isolated(set_to).originals.never_counted == uncounted
