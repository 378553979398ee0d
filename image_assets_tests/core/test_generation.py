import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.core.generation import RequestState, VariationState, is_script


@pytest.mark.parametrize(
    "text",
    [
        "a kite",
        " a ",
        "two\nlines\r\n\tand a tab",
        "çava 图像 🎏",
        "<script>",
        "\u202eodd",
        "x" * 10,
    ],
)
def test_what_can_be_read_is_a_script(text):
    assert is_script(text, 30)


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t", "a\0", "\x1b[31m", "a\x7f", "a\x85", "\ud800", "a\udfff", "x" * 21]
)
def test_what_is_empty_too_long_or_not_text_is_none(text):
    assert not is_script(text, 20)


@given(st.text(st.characters(exclude_categories=()), max_size=30))
def test_every_script_can_be_kept_and_sent(text):
    if is_script(text):
        assert json.loads(json.dumps(text).encode()) == text
        assert "\0" not in text.encode().decode()


def test_only_what_is_settled_or_over_is_never_taken_up_again():
    assert {s for s in VariationState if not s.is_settled} == {"waiting", "sending"}
    assert {s for s in RequestState if s.is_over} == {"done", "failed"}
