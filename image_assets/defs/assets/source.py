"""One function builds a source's whole chain from its spec, whatever its kind."""

from collections.abc import Callable

import dagster as dg

from image_assets.defs.assets.designs import designs_asset
from image_assets.defs.assets.dropped import dropped_asset
from image_assets.defs.assets.etsy_listings import etsy_listings_asset
from image_assets.defs.assets.generated import generated_asset
from image_assets.defs.assets.images import images_asset
from image_assets.defs.assets.latest import latest_asset
from image_assets.defs.assets.mockups import mockups_asset
from image_assets.defs.assets.nas import nas_asset
from image_assets.defs.assets.thumbnails import thumbnails_asset
from image_assets.defs.assets.uploads import uploads_asset
from image_assets.defs.assets.visualizations import local_files_asset, visualizations_asset
from image_assets.settings import Settings
from image_assets.sources import SourceSpec


def source_assets(spec: SourceSpec, settings: Settings) -> list[dg.AssetsDefinition]:
    """Images → designs → thumbnails → uploaded_urls/* → latest."""
    chain = [
        _first(spec)(spec, settings),
        designs_asset(spec, settings),
        thumbnails_asset(spec, settings),
        *(uploads_asset(spec, settings, destination) for destination in spec.destinations),
        *([mockups_asset(spec, settings)] if spec.mockups else []),
        *([etsy_listings_asset(spec, settings)] if spec.etsy is not None else []),
        *([nas_asset(spec, settings)] if spec.nas else []),
    ]
    if spec.latest is not None:
        chain.append(latest_asset(spec, settings))
    return [*chain, local_files_asset(spec, settings)] if spec.drawn else chain


def _first(spec: SourceSpec) -> Callable[[SourceSpec, Settings], dg.AssetsDefinition]:
    if spec.generated:
        return generated_asset
    if spec.drawn:
        return visualizations_asset
    return images_asset if spec.dated else dropped_asset
