"""What should be true of a partition of visualisations once it was taken in."""

from typing import Any

import dagster as dg

from image_assets.core.model import ImageState, Partition
from image_assets.defs.failures import Evaluation


def all_stored(resources: Any, partition: Partition) -> Evaluation:
    """Of what was seen nothing is refused and nothing missing; what was drawn again is no gap."""
    counts = resources.catalog.images.counts(partition).states
    odd = {s: n for s, n in counts.items() if s in (ImageState.REJECTED, ImageState.MISSING)}
    return Evaluation(
        "all_stored",
        not odd,
        {str(state): n for state, n in counts.items()},
        f"{sum(odd.values())} of {sum(counts.values())} visualisations are not stored"
        if odd
        else None,
        dg.AssetCheckSeverity.WARN,
    )
