"""What should be true of a request for pictures once it was drawn: every variation came."""

from typing import Any

import dagster as dg

from image_assets.core.errors import NotFoundError
from image_assets.core.generation import VariationState
from image_assets.core.model import Partition
from image_assets.defs.failures import Evaluation


def all_came(resources: Any, partition: Partition) -> Evaluation:
    """Every variation that was asked for is a stored picture; what will not come says why.

    In doubt is an error: it may have been paid for, and a person may want to look at the bill.
    """
    try:
        asked = resources.catalog.generation.asked(partition)
    except NotFoundError as error:
        return Evaluation("all_came", False, {}, str(error))
    states = {state: 0 for state in VariationState}
    for variation in asked.variations:
        states[variation.state] += 1
    came, total = len(asked.received), len(asked.variations)
    reasons = {
        f"var-{variation.number}": variation.reason
        for variation in asked.variations
        if variation.reason
    }
    bad = not came or states[VariationState.IN_DOUBT] or asked.open
    return Evaluation(
        "all_came",
        came == total,
        {
            **{state.value: n for state, n in states.items() if n},
            "reasons": dg.MetadataValue.json(reasons),
        },
        f"{came} of {total} variations came",
        dg.AssetCheckSeverity.ERROR if bad else dg.AssetCheckSeverity.WARN,
    )
