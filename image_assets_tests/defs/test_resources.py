"""The services as runs get them: plain objects, opened when a run needs them, or the reason why not."""

import dagster as dg
import pytest

from image_assets.compose import Catalog, DecodingPool, LocalStore
from image_assets.core.errors import MissingSettingError
from image_assets.defs.build import build_definitions
from image_assets.defs.resources import Unconfigured, opened, resources
from image_assets.services.camera_site import CameraSite
from image_assets.services.cloudflare_kv import CloudflareKV
from image_assets.services.gemini import Gemini
from image_assets.services.hosts.local import LocalHost
from image_assets.services.hosts.pinata import PinataHost
from image_assets.services.inbox import InboxFolder
from image_assets.services.visualization import VisualizationFolder
from image_assets.settings import Settings, isolated, variables
from image_assets_tests.journey import KEY, ORIGINALS, PINATA, asset, journey, run_of

REASON = MissingSettingError("PINATA_JWT", "publishing at Pinata")
KINDS = {
    "catalog": Catalog,
    "store": LocalStore,
    "decoder": DecodingPool,
    "camera_source": CameraSite,
    "inbox_source": InboxFolder,
    "visualization_source": VisualizationFolder,
    "generator": Gemini,
    "local_host": LocalHost,
    "pinata_host": PinataHost,
    "cloudflare_kv_latest": CloudflareKV,
}
KEYS = {
    "PINATA_JWT": "some.key",
    "CLOUDFLARE_API_TOKEN": "some-token",
    "CLOUDFLARE_ACCOUNT_ID": "0123456789abcdef0123456789abcdef",
    "KV_NAMESPACE_ID": "fedcba9876543210fedcba9876543210",
    "GEMINI_API_KEY": "some-key",
}


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """An environment with nothing of ours but a data folder; more by `setenv`."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IMAGE_ASSETS_DATA_DIR", str(tmp_path / "data"))
    return monkeypatch


def kinds(services) -> dict[str, type]:
    return {name: type(service) for name, service in services.items()}


@pytest.mark.parametrize("use", ["upload", "deadline", "anything"])
def test_whatever_uses_a_service_that_could_not_be_built_hears_why(use):
    with pytest.raises(MissingSettingError, match="PINATA_JWT is not set"):
        getattr(Unconfigured(REASON), use)


def test_a_run_gets_the_plain_objects_behind_the_ports(environment):
    for name, value in KEYS.items():
        environment.setenv(name, value)

    with dg.build_resources(resources(isolated({}))) as found:
        assert kinds(found._asdict()) == KINDS


def test_a_run_in_this_process_gets_the_same(tmp_path):
    with opened(isolated({**KEYS, "IMAGE_ASSETS_DATA_DIR": str(tmp_path)})) as services:
        assert kinds(services) == KINDS


def test_services_that_lack_a_setting_open_all_the_same(environment):
    with dg.build_resources(resources(Settings())) as found:
        lacking = {n for n, s in found._asdict().items() if isinstance(s, Unconfigured)}

    assert lacking == {"generator", "pinata_host", "cloudflare_kv_latest"}


def test_in_this_process_as_well(tmp_path):
    with opened(isolated({"IMAGE_ASSETS_DATA_DIR": str(tmp_path)})) as services:
        lacking = {n for n, s in services.items() if isinstance(s, Unconfigured)}

    assert lacking == {"generator", "pinata_host", "cloudflare_kv_latest"}


def test_describing_resources_opens_nothing(tmp_path):
    resources(isolated({"IMAGE_ASSETS_DATA_DIR": str(tmp_path / "data")}))

    assert not (tmp_path / "data").exists()


def test_no_resource_has_a_secret_in_its_configuration():
    built = resources(isolated(KEYS))

    assert not [name for name in KEYS if KEYS[name] in repr(built)]


def test_two_sources_share_the_host_of_their_common_destination(tmp_path):
    sources = tmp_path / "sources.yaml"
    spec = "{{name: {}, kind: folder, root: /tmp, collections: [a], start: 2025-09-01}}"
    sources.write_text(f"sources: [{spec.format('one')}, {spec.format('two')}]")

    names = set(resources(isolated({"IMAGE_ASSETS_SOURCES": str(sources)})))

    assert names == {"catalog", "store", "decoder", "one_source", "two_source", "local_host"}


def test_a_run_finds_its_services_in_the_environment_it_runs_in(environment, tmp_path):
    """The definitions were built without a key: what counts is what the run's process has."""
    with journey(tmp_path / "unused", source=ORIGINALS) as camera:
        sources = {"IMAGE_ASSETS_SOURCES": str(camera.settings.image_assets_sources)}
        definitions = build_definitions(isolated(sources))
        for name, value in (camera.rehearsal.environment() | sources).items():
            environment.setenv(name, value)

        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=camera.instance,
            asset_selection=[asset("images"), asset(PINATA)],
            partition_key=KEY,
            raise_on_error=False,
        )
        run = run_of(result, camera.instance)

    assert run.failed_steps() == {}
    assert run.metadata(PINATA)["verified"] == 1
    assert (tmp_path / "data/catalog.db").exists()
