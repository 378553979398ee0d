"""How the designs of a request for pictures are exported: in its shape, over its base."""

from typing import Any

from image_assets.core.model import Partition
from image_assets.core.recipes import Recipe
from image_assets.settings import Settings
from image_assets.stages.generation import recipe_for


def recipe_of(settings: Settings, resources: Any, partition: Partition) -> Recipe:
    """The recipe of a request's exports.

    Raises:
        NotFoundError: there is no such request.
    """
    asked = resources.catalog.generation.asked(partition)
    return recipe_for(settings.recipe, asked, settings.composite)
