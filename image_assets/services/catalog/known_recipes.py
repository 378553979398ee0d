"""The recipes that exports were made with, as they were then: what expired can be made again."""

import datetime as dt
import logging
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, select

from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Recipe
from image_assets.services.catalog.dialects import insert
from image_assets.services.catalog.making import recipes

log = logging.getLogger(__name__)

_RECIPE = TypeAdapter(Recipe)


def remember(
    connection: Connection, recipe: Recipe, format: ImageFormat, *, now: dt.datetime
) -> str:
    """Keep what decides about the recipe's file of one format; gives its digest."""
    alone = replace(recipe, formats=(format,))
    values = {
        "digest": alone.digest,
        "name": alone.name,
        "recipe": _RECIPE.dump_python(alone, mode="json"),
        "recorded_at": now,
    }
    connection.execute(
        insert(connection, recipes).values(values).on_conflict_do_nothing(index_elements=["digest"])
    )
    return alone.digest


def recall(connection: Connection, digest: str) -> Recipe | None:
    """The recipe of one file; None if it was never kept, or this version makes something else of it."""
    kept = connection.scalar(select(recipes.c.recipe).where(recipes.c.digest == digest))
    if kept is None:
        return None
    try:
        recipe = _RECIPE.validate_python(kept)
    except ValidationError as error:
        log.warning("recipe %s is of another version: %s", digest, error)
        return None
    return recipe if recipe.digest == digest else None
