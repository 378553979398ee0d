"""The settings of visualisations (original 3). A part of `settings.Settings`."""

import datetime as dt

from pydantic import Field
from pydantic_settings import BaseSettings

from image_assets.core.errors import MissingSettingError
from image_assets.sources import SourceSpec

_CREDENTIALS = {
    "pinata": ("PINATA_JWT",),
    "cloudflare_kv": ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "KV_NAMESPACE_ID"),
}
"""What original 3 needs for publishing, by service."""


class VisualizationSettings(BaseSettings):
    """How finished visualisations are published, and what becomes of the producer's files."""

    delete_local_files: bool = Field(
        True,
        description="Originals in the store and a visualisation's file go once they are provably published; both can be undone for a while.",
    )
    visualization_workers: int = Field(
        3, ge=1, le=32, description="Visualisations uploaded at the same time."
    )
    visualization_settle_seconds: float = Field(
        5.0,
        ge=0,
        description="A visualisation that changed more recently is left alone: it may still be written.",
    )

    @property
    def visualization_settle(self) -> dt.timedelta:
        """How long a visualisation stays unchanged before it is taken."""
        return dt.timedelta(seconds=self.visualization_settle_seconds)

    def off(self, spec: SourceSpec) -> str | None:
        """Why a source's chain is off: no credential of its services is set; None of one that is on.

        Raises:
            MissingSettingError: some are set and others are not; names those.
        """
        services = [*spec.destinations, *([spec.latest.store] if spec.latest else [])]
        needed = [name for service in services for name in _CREDENTIALS.get(service, ())]
        missing = [name for name in needed if getattr(self, name.lower()) is None]
        if not missing:
            return None
        if len(missing) == len(needed):
            return f"{spec.name} is off: set {', '.join(needed)} to publish it (see .env.example)"
        raise MissingSettingError(", ".join(missing), f"publishing {spec.name}")
