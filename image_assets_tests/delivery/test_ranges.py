"""Which bytes a Range header asks for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.delivery.ranges import Span, spans

WHOLE = None


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", (Span(0, 1),)),
        ("bytes=0-99", (Span(0, 100),)),
        ("bytes=90-", (Span(90, 100),)),
        ("bytes=90-1000", (Span(90, 100),)),
        ("bytes=-10", (Span(90, 100),)),
        ("bytes=-1000", (Span(0, 100),)),
        ("Bytes = 0-0", (Span(0, 1),)),
        ("bytes=0-0, 50-59", (Span(0, 1), Span(50, 60))),
        ("bytes=50-59,0-0", (Span(0, 1), Span(50, 60))),
        ("bytes=0-49,50-99", (Span(0, 100),)),
        ("bytes=0-60,40-99", (Span(0, 100),)),
        ("bytes=0-0,200-300", (Span(0, 1),)),
        ("bytes=100-", ()),
        ("bytes=100-200", ()),
        ("bytes=-0", ()),
        ("bytes=200-,300-", ()),
        ("bytes=", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=5-4", WHOLE),
        ("bytes=a-b", WHOLE),
        ("bytes=0-0,", WHOLE),
        ("bytes=1-2-3", WHOLE),
        ("bytes=--1", WHOLE),
        ("bytes=٠-١", WHOLE),
        ("items=0-0", WHOLE),
        ("0-0", WHOLE),
        ("bytes=0-" + "9" * 30, WHOLE),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 100, 2)), WHOLE),
        ("bytes=" + ",".join(["0-"] * 1000), WHOLE),
    ],
)
def test_a_header_asks_for_these_bytes(header, wanted):
    assert spans(header, 100) == wanted


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1", "bytes=0-0"])
def test_nothing_of_an_empty_file_can_be_asked_for(header):
    assert spans(header, 0) == ()


@given(st.text("bytes=0123456789-, ", max_size=60), st.integers(0, 1000))
@settings(deadline=None)
def test_spans_lie_in_the_file_apart_and_in_order(header, size):
    found = spans(header, size) or ()

    edges = [edge for span in found for edge in (span.start, span.end)]
    assert edges == sorted(set(edges))
    assert all(0 <= edge <= size for edge in edges)
