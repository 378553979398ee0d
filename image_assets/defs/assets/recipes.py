"""Which recipes the designs of a partition are exported by, and which of them are published."""

from typing import Any

from image_assets.core.model import Content, Partition, Publishes
from image_assets.core.recipes import Recipe
from image_assets.defs.assets.request_recipe import recipe_of
from image_assets.settings import Settings
from image_assets.sources import SourceSpec


def published(
    spec: SourceSpec, settings: Settings, resources: Any, partition: Partition
) -> tuple[Recipe, ...]:
    """Those whose exports are published; a request says the shape of its own."""
    if spec.generated:
        return (recipe_of(settings, resources, partition),)
    return settings.recipes(spec)


def exported(
    spec: SourceSpec, settings: Settings, resources: Any, partition: Partition
) -> tuple[Recipe, ...]:
    """All of them: what people drop is brought to its canvas too."""
    own = published(spec, settings, resources, partition)
    return (settings.canvas, *own) if spec.dropped else own


def portions(
    publishes: Publishes, recipes: tuple[Recipe, ...]
) -> tuple[tuple[Publishes, Recipe], ...]:
    """What is published, recipe by recipe; originals once."""
    first, *others = recipes
    if publishes is Publishes.ORIGINALS:
        return ((publishes, first),)
    return ((publishes, first), *((Publishes.EXPORTS, other) for other in others))


def publishable(
    spec: SourceSpec, settings: Settings, resources: Any, partition: Partition
) -> tuple[Content, ...]:
    """All that a destination of the source should hold of the partition, each content once."""
    recipes = published(spec, settings, resources, partition)
    found = {
        content.sha256: content
        for publishes, recipe in portions(spec.publishes, recipes)
        for content in resources.catalog.uploads.publishable(partition, publishes, recipe)
    }
    return tuple(found.values())
