import datetime as dt

import pytest

from image_assets.core.model import Partition
from image_assets.core.spans import Span

FIRST = dt.date(2025, 8, 31)
SPAN = Span("camera", ("apm/in_gate", "apm/out_gate"), FIRST, FIRST + dt.timedelta(days=1))


def test_a_span_is_every_day_of_each_collection():
    found = [(p.collection, p.key) for p in SPAN.partitions()]

    assert found == [
        ("apm/in_gate", "2025-08-31"),
        ("apm/in_gate", "2025-09-01"),
        ("apm/out_gate", "2025-08-31"),
        ("apm/out_gate", "2025-09-01"),
    ]


def test_a_partition_is_a_span_of_one_day_and_keeps_its_tenant():
    partition = Partition("camera", "apm/in_gate", "2025-09-01", tenant="shop")

    assert list(Span.of(partition).partitions()) == [partition]


def test_a_wider_span_has_more_days_on_either_side():
    wide = SPAN.widened(2)

    assert (wide.first, wide.last) == (dt.date(2025, 8, 29), dt.date(2025, 9, 3))


def test_a_span_does_not_end_before_it_begins():
    with pytest.raises(ValueError, match="before it begins"):
        Span("camera", (), FIRST, FIRST - dt.timedelta(days=1))


def test_a_partition_without_a_date_is_no_span():
    with pytest.raises(ValueError, match="isoformat"):
        Span.of(Partition("inbox", "shop", "batch-7"))
