"""Every setting, its default and its meaning; the only reader of the environment.

The field's name in upper case is the environment's variable. Secrets are `SecretStr`: they show as
asterisks wherever they are printed, and `require` takes them out at the one place that sends them.
"""

import datetime as dt
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from image_assets.core import naming
from image_assets.core.errors import MissingSettingError, PermanentError
from image_assets.core.model import Publishes
from image_assets.core.originals import OriginalsPolicy
from image_assets.core.recipes import Recipe
from image_assets.delivery_settings import DeliverySettings
from image_assets.design_settings import DesignSettings
from image_assets.etsy_settings import EtsySettings
from image_assets.export_settings import ExportSettings
from image_assets.generation_settings import GenerationSettings
from image_assets.mockup_settings import MockupSettings
from image_assets.nas_settings import NasSettings
from image_assets.notification_settings import NotificationSettings
from image_assets.publishing_settings import PublishingSettings
from image_assets.retention_settings import RetentionSettings, here
from image_assets.sources import DEFAULT_SOURCES, SourceSpec, load_sources
from image_assets.storage_settings import StorageSettings
from image_assets.upload_settings import UploadSettings
from image_assets.visualization_settings import VisualizationSettings


class Settings(
    DeliverySettings,
    DesignSettings,
    EtsySettings,
    ExportSettings,
    GenerationSettings,
    MockupSettings,
    NasSettings,
    NotificationSettings,
    PublishingSettings,
    RetentionSettings,
    StorageSettings,
    UploadSettings,
    VisualizationSettings,
):
    """All settings of the project, from the environment (and a `.env` where the caller says so)."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    # Where things live
    image_assets_data_dir: Path = Field(
        Path("data"), description="Root of the store and the SQLite catalog."
    )
    image_assets_database_url: SecretStr | None = Field(
        None,
        description="SQLAlchemy URL of the catalog, `postgresql+psycopg2://…`; SQLite in the data folder when unset.",
    )
    image_assets_sources: Path = Field(
        DEFAULT_SOURCES, description="The file that describes the sources."
    )

    # How it runs
    image_assets_automation: Literal["on", "off"] = Field(
        "off",
        description="`on` starts schedules, sensors and automation by default; off, a clone calls nobody.",
    )
    image_assets_workers: int = Field(8, ge=1, le=64, description="Parallel transfers in one step.")
    image_assets_decode_workers: int = Field(
        2, ge=1, le=64, description="Processes that decode pictures."
    )
    image_assets_decode_memory_mb: int = Field(
        600, ge=256, description="Address space of one decoding process, MiB."
    )
    image_assets_decode_seconds: float = Field(
        10.0, gt=0, description="CPU seconds one picture may take."
    )
    image_assets_max_pixels: int = Field(
        50_000_000, ge=1, description="Pictures with more pixels are refused from the header."
    )
    image_assets_max_bytes: int = Field(
        100_000_000, ge=1, description="Larger files are refused unread."
    )
    image_assets_retry_seconds: float = Field(
        60.0,
        ge=0,
        description="Seconds before Dagster tries a step again whose failures were all transient.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        description="The least that is logged, by commands and in JSON; Dagster's own log: python_log_level in dagster.yaml.",
    )
    log_format: Literal["text", "json"] = Field("text", description="`json`: one object a line.")

    # Cameras (original 4)
    draydog_index_url: str = Field(
        "https://index.draydog.com", description="Root of the daily index files."
    )
    draydog_cdn_url: str = Field(
        "https://cdn.draydog.com", description="Root of the camera pictures."
    )
    draydog_app_url: str = Field(
        "https://app.draydog.com", description="The site's pages, for listings by browser."
    )
    download_max_retries: int = Field(3, ge=1, le=20, description="Attempts at one request.")
    download_retry_delay: float = Field(
        1.0, ge=0, description="Seconds before the second attempt; doubles, with jitter."
    )
    download_timeout: float = Field(30.0, gt=0, description="Seconds one request may take.")
    download_connections: int = Field(
        2, ge=1, le=32, description="Connections to one site at a time."
    )
    download_requests_per_second: float | None = Field(
        None, gt=0, description="Most requests a second to one site; no bound when unset."
    )
    download_bytes_per_second: int | None = Field(
        None, ge=1000, description="Bandwidth of one site, smooth; no bound when unset."
    )
    download_date_pause: float = Field(
        2.0, ge=0, le=3600, description="Seconds of silence before the next date is listed."
    )
    download_user_agent: str = Field(
        "image_assets/0.1 (+bulk archive of terminal cameras)",
        description="How we introduce ourselves.",
    )
    download_max_images_per_date: int | None = Field(
        None, ge=1, description="Most pictures of one stream and date; all when unset."
    )
    download_newest_first: bool = Field(
        False, description="Fetch, and count towards the limit, from the newest back."
    )
    browser_executable: Path | None = Field(
        None, description="Chromium for listings by browser; the one on the PATH when unset."
    )
    browser_headless: bool = Field(True, description="Whether that browser shows no window.")
    browser_timeout: float = Field(
        60.0, gt=0, le=600, description="Seconds one look at a page may take."
    )
    download_grace_minutes: float = Field(
        60.0, ge=0, description="A day is closed this long after its end (UTC)."
    )
    download_gone_hours: float = Field(
        6.0, gt=0, description="Two absent looks this far apart make a picture gone."
    )

    # Publishing (originals 0 and 3)
    public_base_url: str = Field(
        "http://127.0.0.1:8000",
        description="Where `image-assets serve` is reached; base of local URLs.",
    )

    # Latest (original 3)
    cloudflare_api_url: str = Field(
        "https://api.cloudflare.com/client/v4", description="Cloudflare: root of the API."
    )
    cloudflare_api_token: SecretStr | None = Field(
        None, description="Cloudflare: token with Workers KV Storage Edit."
    )
    cloudflare_account_id: str | None = Field(None, description="Cloudflare: account.")
    kv_namespace_id: str | None = Field(None, description="Cloudflare: Workers KV namespace.")
    latest_key_pattern: str = Field(
        naming.LATEST_PATTERN,
        pattern=r"^([^{}]|\{(collection|stream|interval)\})*\{(collection|stream)\}([^{}]|\{(collection|stream|interval)\})*$",
        description="How latest keys are spelled, of {collection}, {stream} (its last part) and {interval}.",
    )
    latest_ttl_seconds: int | None = Field(
        None,
        ge=2 * 3600,
        description="Cloudflare KV: a value goes after so long unless it is written again, which happens at half time; it stays when unset.",
    )
    latest_skew_seconds: float = Field(
        300.0, ge=0, description="A capture further in the future is never latest."
    )

    @property
    def data_dir(self) -> Path:
        """Root of the store, absolute."""
        return self.image_assets_data_dir.absolute()

    @property
    def database_url(self) -> str:
        """The catalog's SQLAlchemy URL."""
        if self.image_assets_database_url is not None:
            return self.image_assets_database_url.get_secret_value()
        return f"sqlite:///{self.catalog_file}"

    @property
    def catalog_file(self) -> Path:
        """The SQLite catalog, where no other database is named."""
        return self.data_dir / "catalog.db"

    def recipes(self, spec: SourceSpec) -> tuple[Recipe, ...]:
        """What is exported of each design of a source; the first is what is announced as latest."""
        return spec.recipes(self.recipe)

    @property
    def known_recipes(self) -> tuple[Recipe, ...]:
        """Every recipe that some source exports by."""
        made = [self.recipe, self.canvas]
        made += [recipe for spec in self.sources for recipe in self.recipes(spec)]
        return tuple({recipe.name: recipe for recipe in made}.values())

    @property
    def places(self) -> dict[str, int]:
        """At how many destinations each source publishes its exports."""
        exporting = (s for s in self.sources if s.publishes is not Publishes.ORIGINALS)
        return {spec.name: len(spec.destinations) for spec in exporting}

    def uploads_at_once(self, spec: SourceSpec) -> int:
        """How many of a source's pictures are uploaded to one destination at the same time."""
        return self.visualization_workers if spec.drawn else self.upload_workers

    @property
    def grace(self) -> dt.timedelta:
        """How long after its end a camera's day is closed."""
        return dt.timedelta(minutes=self.download_grace_minutes)

    @property
    def gone_after(self) -> dt.timedelta:
        """How far apart two absent looks make a picture gone."""
        return dt.timedelta(hours=self.download_gone_hours)

    @property
    def skew(self) -> dt.timedelta:
        """How far ahead a camera's clock may be for its picture to be latest."""
        return dt.timedelta(seconds=self.latest_skew_seconds)

    @property
    def originals(self) -> OriginalsPolicy:
        """When originals go."""
        publishing = [s for s in self.sources if s.publishes is not Publishes.EXPORTS]
        s3 = self.s3_publish_endpoint_url or self.s3_endpoint_url
        passing = ["imgbb"] if self.imgbb_expiration is not None else []
        return OriginalsPolicy(
            on=self.delete_local_files,
            age=dt.timedelta(days=self.retention_original_days),
            copies=self.retention_original_copies,
            fresh=dt.timedelta(days=self.retention_proof_days),
            undo=dt.timedelta(days=self.retention_undo_days),
            share=self.retention_breaker_share,
            least=self.retention_breaker_count,
            places={spec.name: frozenset(spec.destinations) for spec in publishing},
            # The NAS takes designs from their originals too.
            exporting=frozenset(
                s.name for s in self.sources if s.nas or s.publishes is not Publishes.ORIGINALS
            ),
            never_counted={"local", *passing, *here({"kubo": self.kubo_api_url, "s3": s3})},
        )

    @cached_property
    def sources(self) -> tuple[SourceSpec, ...]:
        """The sources that the committed file describes."""
        return load_sources(self.image_assets_sources)

    def source(self, name: str) -> SourceSpec:
        """The source of that name.

        Raises:
            PermanentError: the sources file has none.
        """
        for spec in self.sources:
            if spec.name == name:
                return spec
        known = ", ".join(spec.name for spec in self.sources)
        raise PermanentError(f"{self.image_assets_sources} has no source {name!r}; it has {known}")

    def require(self, name: str, purpose: str) -> str:
        """The value of an optional setting.

        Raises:
            MissingSettingError: it is not set; names the variable.
        """
        value = getattr(self, name)
        if value is None:
            raise MissingSettingError(name.upper(), purpose)
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that is set, for those who keep them out of logs."""
        values = (getattr(self, name) for name in type(self).model_fields)
        known = [v.get_secret_value() for v in values if isinstance(v, SecretStr)]
        return (*known, *self.cloudinary_secrets, *self.kubo_secrets, *self._database_passwords())

    def _database_passwords(self) -> tuple[str, ...]:
        """The password of the catalog's URL, as it is spelled there and as it is."""
        spelled = self.database_url.partition("://")[2].rpartition("@")[0].partition(":")[2]
        return tuple(dict.fromkeys((spelled, unquote(spelled)))) if spelled else ()


def load(env_file: Path | None = None) -> Settings:
    """The settings of the environment, and of a `.env` file where one is given.

    Raises:
        PermanentError: a value cannot be; names the variable, and never the value.
    """
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise PermanentError(f"{wrong} (see .env.example)") from None


class _Isolated(Settings):
    """Settings that read nothing but what they are given."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the arguments."""
        return (init_settings,)


def isolated(own: Mapping[str, object]) -> Settings:
    """Settings from `own` alone, by the environment's names: a user's keys never reach them."""
    return _Isolated(**{name.lower(): value for name, value in own.items()})  # type: ignore[arg-type]


def display() -> dict[str, str]:
    """What a visible window needs of the environment."""
    needed = ("DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")
    return {name: os.environ[name] for name in needed if name in os.environ}


def variables() -> tuple[str, ...]:
    """Every environment variable that means something to us."""
    return tuple(name.upper() for name in Settings.model_fields)


def isolated_environment(own: dict[str, str]) -> dict[str, str]:
    """This process's environment for a child, with our variables from `own` alone.

    The demo and the tests run children in it: a user's keys and addresses never reach them.
    """
    ours = {*variables(), "DAGSTER_HOME", "DAGSTER_PG_URL"}
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in ours}
    return inherited | own
