"""The settings of generated pictures: who draws them, what one may ask for, and how often.

A part of `settings.Settings`, which reads them.
"""

import datetime as dt
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from image_assets.core.generation import MOST_WORDS
from image_assets.core.recipes import Blend, Composite


class GenerationSettings(BaseSettings):
    """How pictures are generated (original 1)."""

    # Generated pictures (original 1, docs/generated.md)
    gemini_api_key: SecretStr | None = Field(None, description="Gemini: the key of the project.")
    gemini_api_url: str = Field(
        "https://generativelanguage.googleapis.com", description="Gemini: root of the API."
    )
    gemini_model: str = Field(
        "gemini-nano-banana-2.1",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Gemini: the model that draws; a retired one answers 404.",
    )
    gemini_image_size: Literal["1K", "2K", "4K"] = Field(
        "1K", description="Gemini: size of the pictures it draws; the price goes with it."
    )
    gemini_max_retries: int = Field(3, ge=1, le=20, description="Attempts at one picture.")
    gemini_retry_delay: float = Field(
        2.0, ge=0, description="Seconds before the second attempt; doubles, with jitter."
    )
    gemini_timeout: float = Field(120.0, gt=0, description="Seconds one picture may take.")
    gemini_requests_per_minute: int = Field(
        10, ge=1, description="Gemini: the plan's limit; Dagster asks in one run at a time."
    )
    max_variations: int = Field(5, ge=1, le=20, description="Most pictures of one request.")
    generation_workers: int = Field(3, ge=1, le=20, description="Pictures asked for at a time.")
    generation_give_up_hours: float = Field(
        48.0, gt=0, description="What could not be drawn after this long is given up."
    )
    generation_daily_pictures: int | None = Field(
        None,
        ge=1,
        description="Most pictures that may be asked for in a UTC day; no bound when unset.",
    )

    base_share: float = Field(
        0.3, ge=0, le=1, description="How much of its base a generated picture is laid over shows."
    )
    base_blend: Blend = Field(Blend.NORMAL, description="How the base is mixed in.")

    # The API that asks for them (docs/generated.md)
    api_wait_seconds: float = Field(
        60.0,
        ge=0,
        description="Seconds an answer waits for its pictures where ?wait= says nothing.",
    )
    api_max_wait_seconds: float = Field(300.0, ge=0, description="Most that ?wait= may ask for.")
    api_max_script: int = Field(
        4000, ge=1, le=MOST_WORDS, description="Most characters of a script."
    )
    api_max_image_bytes: int = Field(
        7_000_000, ge=1000, description="Largest base image that may be sent along."
    )
    api_max_batch: int = Field(10, ge=1, le=100, description="Most requests of one batch.")
    api_requests_per_minute: int = Field(
        30, ge=1, description="Most requests of one client in a minute, those of a batch counted."
    )
    api_max_waiting: int = Field(
        200, ge=1, description="Most answers and event streams that wait at a time."
    )
    api_upload_seconds: float = Field(
        30.0, gt=0, description="Seconds in which a request has to have arrived whole."
    )
    api_absolute_paths: bool = Field(
        False,
        description="`storage_path` and `file_path` are paths of this machine, not below the data folder.",
    )

    @property
    def composite(self) -> Composite:
        """How a base takes part in the exports of what was drawn from it."""
        return Composite(self.base_share, self.base_blend)

    @property
    def give_up(self) -> dt.timedelta:
        """How long after it was asked for a picture is given up."""
        return dt.timedelta(hours=self.generation_give_up_hours)
