"""The settings of exports: how densely each format is packed.

A part of `settings.Settings`, which reads them.
"""

from pydantic import Field
from pydantic_settings import BaseSettings

from image_assets.core.recipes import Recipe


class ExportSettings(BaseSettings):
    """How pictures are exported (original 1, docs/exports.md)."""

    # Exports (original 1)
    png_compression: int = Field(
        9, ge=0, le=9, description="PNG: no larger than 1.02 x zlib at this level."
    )
    jpeg_quality: int = Field(85, ge=1, le=100, description="JPEG quality.")
    webp_quality: int = Field(80, ge=1, le=100, description="WebP quality.")
    avif_quality: int = Field(65, ge=1, le=100, description="AVIF quality.")
    jpeg_progressive: bool = Field(
        False, description="JPEGs come in several passes: smaller, and slower to make."
    )

    @property
    def recipe(self) -> Recipe:
        """The recipe of thumbnails: its name changes with every setting that changes its pixels."""
        name = "thumbnail"
        if (self.png_compression, self.jpeg_quality, self.webp_quality) != (9, 85, 80):
            name += f"-p{self.png_compression}j{self.jpeg_quality}w{self.webp_quality}"
        if self.jpeg_progressive:
            name += "-progressive"
        return Recipe(
            name,
            png_compression=self.png_compression,
            jpeg_quality=self.jpeg_quality,
            webp_quality=self.webp_quality,
            jpeg_progressive=self.jpeg_progressive,
            avif_quality=self.avif_quality,
        )
