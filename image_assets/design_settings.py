"""The settings of designs that people drop: how they are taken, which of them, and their canvas.

A part of `settings.Settings`, which reads them.
"""

import datetime as dt
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from image_assets.core.acceptance import Acceptance
from image_assets.core.codes import MOST_BITS
from image_assets.core.model import ACCEPTED, ImageFormat
from image_assets.core.nearest import Limits
from image_assets.core.recipes import Fit, Recipe
from image_assets.sources import LimitsSpec, SourceSpec


class DesignSettings(BaseSettings):
    """How an inbox works (original 2)."""

    # Inbox (original 2)
    inbox_settle_seconds: float = Field(
        5.0, ge=0, description="A dropped file is taken once it has been unchanged this long."
    )
    inbox_batch_bytes: int = Field(
        100_000_000, ge=1, description="A batch that would grow beyond becomes the next one."
    )
    inbox_retry_minutes: float = Field(
        10.0,
        ge=0,
        description="A batch that failed is tried again after so long, then after four times as long.",
    )
    use_comprehensive_workflow: bool = Field(
        True, description="Pictures of a batch side by side; one at a time when false."
    )
    comprehensive_workflow_min_files: int = Field(
        2, ge=1, description="Batches of fewer files are done one at a time."
    )
    comprehensive_workflow_max_threads: int = Field(
        8, ge=1, le=64, description="Pictures of a batch at the same time."
    )
    design_min_side: int = Field(10, ge=1, description="Designs with a shorter side are refused.")
    design_max_side: int = Field(
        10_000, ge=1, description="Designs with a longer side are refused, pixels."
    )
    design_max_bytes: int = Field(100_000_000, ge=1, description="Larger designs are refused.")
    design_formats: tuple[ImageFormat, ...] = Field(
        ACCEPTED, description="Formats of designs that are taken, by content (JSON list)."
    )
    canvas_width: int = Field(3000, ge=10, le=16_383, description="Canvas of designs, pixels.")
    canvas_height: int = Field(3000, ge=10, le=16_383, description="Canvas of designs, pixels.")
    canvas_fit: Literal["contain", "crop"] = Field(
        "contain",
        description="`contain`: the whole design within the canvas; `crop`: cut to its shape. Never enlarged.",
    )

    # Designs: when two pictures are one (docs/designs.md)
    near_bits: int = Field(
        40, ge=0, le=MOST_BITS, description="Policy near: bits of 256 that each hash may differ in."
    )
    near_colour: float = Field(
        16.0,
        ge=0,
        le=255,
        description="Policy near: levels between areas that are too much for one.",
    )
    near_detail: float = Field(
        26.0,
        ge=0,
        le=255,
        description="Policy near: levels in one place that are too much for one.",
    )
    seed_bits: int = Field(
        5, ge=0, le=MOST_BITS, description="Policy seed: bits of 256 that each hash may differ in."
    )
    tenant_limits: dict[str, LimitsSpec] = Field(
        {},
        description='Limits of single tenants (JSON): `{"shop": {"near_bits": 32}}`; they go before all others.',
    )

    def limits(self, spec: SourceSpec, tenant: str) -> Limits:
        """How far apart pictures of one design may be: the tenant's word, the source's, the general."""
        general = Limits(self.near_bits, self.near_colour, self.near_detail, self.seed_bits)
        return self.tenant_limits.get(tenant, LimitsSpec()).over(spec.limits.over(general))

    @property
    def canvas(self) -> Recipe:
        """The recipe of an inbox's designs; its name changes with what changes its pixels."""
        width, height, fit = self.canvas_width, self.canvas_height, Fit(self.canvas_fit)
        name = "canvas"
        if (width, height, fit) != (3000, 3000, Fit.CONTAIN):
            name += f"-{width}x{height}-{fit}"
        return Recipe(name, width, height, fit, formats=(ImageFormat.PNG,), png_compression=6)

    @property
    def acceptance(self) -> Acceptance:
        """Which designs an inbox takes."""
        sides = self.design_min_side, self.design_max_side
        return Acceptance(*sides, self.design_max_bytes, frozenset(self.design_formats))

    def threads(self, files: int) -> int:
        """How many pictures of a batch of so many files are done at the same time."""
        together = files >= self.comprehensive_workflow_min_files
        if self.use_comprehensive_workflow and together:
            return self.comprehensive_workflow_max_threads
        return 1

    @property
    def settle(self) -> dt.timedelta:
        """How long a dropped file stays as it is before it is taken."""
        return dt.timedelta(seconds=self.inbox_settle_seconds)
