"""Where the bars of a chart stand."""

import pytest

from image_assets.core.charts import HEIGHT, WIDTH, stacked


def test_parts_stand_on_top_of_each_other_and_say_what_they_are():
    chart = stacked([("2025-09-01", {"downloaded": 75, "failed": 25})])

    lower, upper = chart.bars
    assert (lower.y + lower.height, upper.y + upper.height) == (chart.floor, lower.y)
    assert lower.height == pytest.approx(3 * upper.height)
    assert lower.says == "2025-09-01: 75 downloaded"


def test_a_part_of_nothing_is_not_drawn():
    assert stacked([("a", {"downloaded": 0, "failed": 0})]).bars == ()


@pytest.mark.parametrize("days", [1, 7, 31, 366])
def test_bars_stay_within_the_drawing_and_beside_each_other(days):
    chart = stacked([(str(n), {"downloaded": 1 + n % 9}) for n in range(days)])

    ends = [bar.x + bar.width for bar in chart.bars]
    assert all(end <= after.x for end, after in zip(ends, chart.bars[1:], strict=False))
    assert (len(chart.bars), max(ends) <= WIDTH) == (days, True)
    assert all(0 <= bar.y <= HEIGHT for bar in chart.bars)
    assert len(chart.labels) <= 9


@pytest.mark.parametrize(
    ("most", "top"),
    [(0, "1"), (1, "1"), (3, "5"), (10, "10"), (11, "20"), (144, "200"), (999, "1,000")],
)
def test_an_axis_ends_at_a_round_number(most, top):
    chart = stacked([("a", {"downloaded": most})])

    assert chart.ticks[-1].text == top


def test_numbers_are_shown_in_their_unit():
    chart = stacked([("a", {"bytes": 1_500_000})], "MB", scale=1_000_000)

    assert (chart.bars[0].says, chart.ticks[-1].text) == ("a: 1.5 MB", "2")


def test_a_chart_of_nothing_has_axes():
    chart = stacked([])

    assert (chart.bars, len(chart.ticks)) == ((), 3)
