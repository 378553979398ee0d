"""The settings of mockups: where their templates are, and how large they become.

A part of `settings.Settings`, which reads them.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Fit, Recipe


class MockupSettings(BaseSettings):
    """How mockups are made (original 2)."""

    # Mockups (original 2, docs/mockups.md)
    mockup_templates: Path = Field(
        Path("data/templates"), description="Folder of templates, each a folder of its own."
    )
    mockup_format: Literal["jpeg", "png", "webp"] = Field("jpeg", description="Format of mockups.")
    mockup_quality: int = Field(
        90, ge=1, le=100, description="Quality of mockups in JPEG and WebP."
    )
    mockup_max_side: int = Field(
        3000, ge=100, le=16_383, description="Mockups of larger templates are made smaller, pixels."
    )

    @property
    def mockup_recipe(self) -> Recipe:
        """What a mockup becomes: never larger than its template."""
        side = self.mockup_max_side
        return Recipe(
            "mockup",
            side,
            side,
            Fit.CONTAIN,
            formats=(ImageFormat(self.mockup_format),),
            jpeg_quality=self.mockup_quality,
            webp_quality=self.mockup_quality,
        )
