"""What should be true of batches that people drop: verdicts, canvas, mockups, the shops' NAS and listings."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import dagster as dg

from image_assets.core import naming
from image_assets.core.model import ImageState, Partition
from image_assets.defs.failures import Evaluation
from image_assets.ports import ListingState
from image_assets.settings import Settings
from image_assets.sources import SourceSpec

_SHOWN = 50

Evaluate = Callable[[Any, Partition], Evaluation]


def settled(resources: Any, partition: Partition) -> Evaluation:
    """Every file of a batch has its verdict; refusals, and files that were taken away, are a warning."""
    counts = resources.catalog.images.counts(partition).states
    batch = resources.catalog.images.day(partition)
    sealed = batch is not None and batch.sealed_at is not None
    odd = sum(n for state, n in counts.items() if state is not ImageState.STORED)
    return Evaluation(
        "settled",
        sealed and not odd,
        {"listed": batch.listed if batch else 0, **{str(s): n for s, n in counts.items()}},
        f"{counts.get(ImageState.STORED, 0)} of {sum(counts.values())} files are stored"
        if batch
        else "never listed",
        dg.AssetCheckSeverity.WARN if sealed else dg.AssetCheckSeverity.ERROR,
    )


def on_canvas(settings: Settings) -> Evaluate:
    """Every design was brought to its canvas."""
    recipe = settings.canvas

    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        count = resources.catalog.thumbnails.exports_count(partition, recipe)
        return Evaluation(
            "on_canvas",
            count.whole == count.designs,
            {"designs": count.designs, "on_canvas": count.whole, "recipe": recipe.name},
            f"{count.whole} of {count.designs} designs are on their canvas",
        )

    return evaluate


def all_mockups(spec: SourceSpec) -> Evaluate:
    """Every design is shown on every template of its source."""

    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        mockups = resources.catalog.mockups
        made = mockups.made(partition, spec.mockups)
        lacking = mockups.unmade(partition, spec.mockups)
        names = [f"{one.name} on {one.template}" for one in lacking[:_SHOWN]]
        return Evaluation(
            "all_mockups",
            not lacking,
            {"mockups": len(made), "lacking": len(lacking), "which": ", ".join(names)},
            f"{len(made)} of {len(made) + len(lacking)} mockups are made",
        )

    return evaluate


def on_nas(settings: Settings) -> Evaluate:
    """Every design is on the shops' NAS; a warning, for it may have one in another size, or be down."""

    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        folder = naming.nas_folder(partition, settings.nas_folder)
        lacking = resources.catalog.nas.unshelved(partition, folder)
        names = [design.name for design in lacking[:_SHOWN]]
        return Evaluation(
            "on_nas",
            not lacking,
            {"folder": folder, "lacking": len(lacking), "designs": ", ".join(names)},
            f"{len(lacking)} designs are not on the NAS in these bytes or pixels"
            if lacking
            else "every design is on the NAS",
            dg.AssetCheckSeverity.WARN,
        )

    return evaluate


def all_listed(spec: SourceSpec, settings: Settings) -> Evaluate:
    """Every design has its draft in the shop; a warning where no more than waiting is to be done."""
    etsy, recipe = spec.etsy, settings.recipes(spec)[0].name

    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        shop_id = etsy.numbers.get(partition.collection) if etsy is not None else None
        if shop_id is None:
            said = f"{partition.collection} has no shop at Etsy: nothing is to be listed"
            return Evaluation("all_listed", True, {"listed": 0}, said)
        listings = resources.catalog.listings
        rows = listings.rows(partition, shop_id)
        lacking = listings.unlisted(partition, shop_id, spec.mockups, recipe)
        states = Counter(row.state for row in rows)
        troubled = states[ListingState.FAILED] + states[ListingState.IN_DOUBT]
        listed, gone = states[ListingState.LISTED], states[ListingState.GONE]
        names = [design.name for design in lacking[:_SHOWN]]
        return Evaluation(
            "all_listed",
            not lacking and not gone,
            {
                "lacking": len(lacking),
                "designs": ", ".join(names),
                **{str(s): n for s, n in states.items()},
            },
            f"{listed} of {listed + gone + len(lacking)} designs are drafts in the shop",
            dg.AssetCheckSeverity.ERROR if troubled else dg.AssetCheckSeverity.WARN,
        )

    return evaluate
