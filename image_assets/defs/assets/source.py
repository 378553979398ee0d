"""One function builds a source's whole chain from its spec."""

import dagster as dg

from image_assets.defs.assets.designs import designs_asset
from image_assets.defs.assets.images import images_asset
from image_assets.defs.assets.latest import latest_asset
from image_assets.defs.assets.thumbnails import thumbnails_asset
from image_assets.defs.assets.uploads import uploads_asset
from image_assets.settings import Settings
from image_assets.sources import SourceSpec


def source_assets(spec: SourceSpec, settings: Settings) -> list[dg.AssetsDefinition]:
    """Images → designs → thumbnails → uploaded_urls/* → latest."""
    chain = [
        images_asset(spec, settings),
        designs_asset(spec, settings),
        thumbnails_asset(spec, settings),
        *(uploads_asset(spec, settings, destination) for destination in spec.destinations),
    ]
    return [*chain, latest_asset(spec, settings)] if spec.latest is not None else chain
