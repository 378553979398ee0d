"""The page of a calibration: whole without a network, pictures included."""

import base64
import datetime as dt
from dataclasses import asdict
from functools import cache

import jinja2

from image_assets.core import calibration
from image_assets.core.calibration import Compared, Estimate
from image_assets.core.charts import stacked
from image_assets.core.codes import MOST_BITS
from image_assets.stages.calibration import Findings

_NONE = "—"


def render(found: Findings, *, now: dt.datetime) -> bytes:
    """The page as the content of a file, UTF-8."""
    page = _templates().get_template("calibration.html.j2")
    return page.render(
        found=found,
        now=asdict(found.limits),
        made_at=f"{now.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
        bits=stacked(calibration.by_bits(found.bits, found.pairs, 2 * MOST_BITS), "pairs"),
        reach=stacked(calibration.by_reach(found.pairs, found.limits), "pairs"),
        shown=[(pair, _sheet(found, pair)) for pair in found.border],
    ).encode(errors="backslashreplace")


def _sheet(found: Findings, pair: Compared) -> str | None:
    """The pair's pictures as an address that holds them."""
    sheet = found.sheets.get((pair.a, pair.b))
    if sheet is None:
        return None
    return "data:image/jpeg;base64," + base64.b64encode(sheet).decode("ascii")


def share(estimate: Estimate | None) -> str:
    """`0.8 % (0.1 % to 4.2 %)`."""
    if estimate is None:
        return _NONE
    value, low, high = (f"{100 * v:.2g} %" for v in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def count(estimate: Estimate) -> str:
    """`3 (1 to 9)`."""
    value, low, high = (
        f"{v:,.0f}" if v >= 10 else f"{v:.2g}"
        for v in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} ({low} to {high})"


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.PackageLoader("image_assets.stages", "pages")
    templates = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    templates.filters |= {"share": share, "count": count}
    return templates
