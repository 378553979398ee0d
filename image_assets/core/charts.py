"""Where the bars of a chart stand, in the units of its drawing; what they look like is the page's."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 960, 180
_LEFT, _BELOW, _ABOVE = 64, 22, 8
_MOST_LABELS = 9


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of a kind (`downloaded`, `failed` …), and what it says when it is pointed at."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word at a place of an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with their axes: ticks on the left, labels below."""

    bars: tuple[Bar, ...]
    ticks: tuple[Label, ...]
    labels: tuple[Label, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    floor: int = HEIGHT - _BELOW


def stacked(
    columns: Sequence[tuple[str, Mapping[str, int]]], unit: str = "", *, scale: int = 1
) -> Chart:
    """One column for each label, its parts on top of each other in the order they are given.

    Args:
        columns: label and parts by kind.
        unit: said after a number.
        scale: numbers are shown divided by it.
    """
    top = _round_up(max((sum(parts.values()) for _, parts in columns), default=0))
    room = HEIGHT - _BELOW - _ABOVE
    step = (WIDTH - _LEFT) / max(len(columns), 1)
    bars = []
    for number, (label, parts) in enumerate(columns):
        floor = float(HEIGHT - _BELOW)
        for kind, value in parts.items():
            tall = room * value / top
            floor -= tall
            if value:
                says = f"{label}: {_number(value / scale)} {unit or kind}"
                x = _LEFT + number * step
                bars.append(
                    Bar(kind, round(x, 2), round(floor, 2), _wide(step), round(tall, 2), says)
                )
    ticks = tuple(
        Label(round(HEIGHT - _BELOW - room * share, 2), _number(top * share / scale))
        for share in (0, 0.5, 1)
    )
    return Chart(tuple(bars), ticks, _labels([label for label, _ in columns], step))


def _labels(names: Sequence[str], step: float) -> tuple[Label, ...]:
    every = math.ceil(len(names) / _MOST_LABELS) or 1
    return tuple(
        Label(round(_LEFT + (number + 0.5) * step, 2), name)
        for number, name in enumerate(names)
        if number % every == 0
    )


def _wide(step: float) -> float:
    """A column with a little air; a year's are thin."""
    return round(min(max(step * 0.85, step - 2), 60.0), 2)


def _round_up(value: int) -> int:
    """The next 1, 2 or 5 with zeros behind it, at least 1: where an axis ends."""
    if value <= 1:
        return 1
    power = int("1" + "0" * (len(str(value - 1)) - 1))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
