"""Whoever draws visualisations: pictures with their sidecars, in a folder."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

from image_assets_tests.drawing import picture

UTC = dt.UTC
DRAWN = dt.datetime(2025, 1, 16, 9, tzinfo=UTC)


def sidecar(
    sensor: str = "temperature",
    interval: str = "daily",
    start: str = "2025-01-15T00:00:00-08:00",
    end: str = "2025-01-16T00:00:00-08:00",
    **more: Any,
) -> dict[str, Any]:
    """What the drawing program says of a picture."""
    told = {"sensor_type": sensor, "interval": interval, "data_points": 1440}
    return told | {"processing_time": 1.23, "start_time": start, "end_time": end} | more


def draw(
    folder: Path,
    name: str = "2025-01-15_daily.png",
    *,
    seed: int = 1,
    drawn: dt.datetime | None = DRAWN,
    **told: Any,
) -> Path:
    """A picture and its sidecar; they were written at `drawn`, now when None."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    described = file.with_suffix(".json")
    file.write_bytes(picture(seed, format="PNG"))
    described.write_text(json.dumps(sidecar(**told)))
    if drawn is not None:
        for one in (file, described):
            os.utime(one, (drawn.timestamp(), drawn.timestamp()))
    return file
