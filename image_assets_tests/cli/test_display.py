"""What a running download looks like, where a command cannot show it."""

import datetime as dt
import io

from rich.console import Console

from image_assets.cli.display import Bars
from image_assets.core.model import Partition
from image_assets.stages.report import Report


def test_of_a_year_only_the_last_bars_stay():
    first = dt.date(2025, 1, 1)
    days = [
        Partition("camera", "apm/in_gate", str(first + dt.timedelta(days=n))) for n in range(365)
    ]
    console = Console(file=io.StringIO(), width=200)

    with Bars(days, console) as bars:
        for day in days:
            bars.told(day, Report({"stored": 1}), 2)
            bars.ended(day, Report({"stored": 2}))

    shown = console.file.getvalue().splitlines()
    assert ["2025-12-31" in shown[-1], len(shown) <= 21] == [True, True]
