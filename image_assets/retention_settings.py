"""The settings of retention: how long files stay, and what lets originals go. A part of `settings.Settings`."""

import datetime as dt
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings

from image_assets.core.retention import LEAST_DAYS, MOST_DAYS, RetentionPolicy


class RetentionSettings(BaseSettings):
    """What goes, and when. Originals go under DELETE_LOCAL_FILES (`visualization_settings`)."""

    retention_temporary_days: float = Field(
        1.0, ge=LEAST_DAYS, le=MOST_DAYS, description="Scratch files older than this go."
    )
    retention_export_days: float = Field(
        7.0,
        ge=LEAST_DAYS,
        le=MOST_DAYS,
        description="Exports older than this go; they can be rebuilt.",
    )
    retention_original_days: float = Field(
        0.0,
        ge=0,
        le=MOST_DAYS,
        description="Originals stay at least so long, however well they are proven elsewhere.",
    )
    retention_original_copies: int = Field(
        1, ge=1, le=10, description="Proven copies elsewhere without which no original goes."
    )
    retention_proof_days: float = Field(
        45.0,
        gt=0,
        le=MOST_DAYS,
        description="A proof that is older lets no original go; looks renew it (LINK_CHECK_DAYS).",
    )
    retention_undo_days: float = Field(
        7.0,
        ge=0,
        le=MOST_DAYS,
        description="Days in which `image-assets restore` brings an original back.",
    )
    retention_breaker_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of all originals ever kept that one plan may take; more needs a person.",
    )
    retention_breaker_count: int = Field(
        20, ge=0, description="So many originals may go at once, whatever their share."
    )

    @property
    def retention(self) -> RetentionPolicy:
        """The ages after which derived files go."""
        return RetentionPolicy(
            dt.timedelta(days=self.retention_temporary_days),
            dt.timedelta(days=self.retention_export_days),
        )


def here(addresses: Mapping[str, str | None]) -> frozenset[str]:
    """The destinations, by name, whose address is of the machine that asks: its disk may be ours."""
    return frozenset(name for name, url in addresses.items() if url and _is_this_machine(url))


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
