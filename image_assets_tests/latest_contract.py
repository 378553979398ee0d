"""What every latest store promises. Subclass it and give a `store` that is empty.

`settled` waits until reads give what was written; a store whose reads are late gives its own.
"""

import datetime as dt

import pytest

from image_assets.core.errors import RejectedError
from image_assets.ports import Statement

KEY = "apm/in_gate:daily:latest"
VALUE = '{"url": "https://x.example/ä", "updated_at": "1756721254", "metadata": {"sequence": 1}}'


class LatestContract:
    """The promises of `ports.LatestStore`."""

    @pytest.fixture
    def settled(self):
        return lambda: None

    def test_a_key_that_was_never_written_has_no_value(self, store):
        assert store.get(KEY) is None

    def test_what_is_put_is_got_to_the_letter(self, store, settled):
        store.put(KEY, VALUE)
        settled()

        assert store.get(KEY) == VALUE

    def test_the_last_value_counts(self, store, settled):
        store.put(KEY, "first")
        store.put(KEY, "second")
        settled()

        assert store.get(KEY) == "second"

    def test_keys_do_not_touch_each_other(self, store, settled):
        keys = [
            "a:b",
            "a/b",
            "a%2Fb",
            "a b",
            "A:B",
            "a:b ",
            "ä",
            ".a",
            "a..",
            "%",
            "a?b#c",
            "a&b=c",
        ]
        for key in keys:
            store.put(key, f"value of {key}")
        settled()

        assert [store.get(key) for key in keys] == [f"value of {key}" for key in keys]

    @pytest.mark.parametrize("value", ["", " ", "\n", "null", "ü\u2028\U0001f69b", "x" * 100_000])
    def test_any_text_is_a_value(self, store, settled, value):
        store.put(KEY, value)
        settled()

        assert store.get(KEY) == value

    @pytest.mark.parametrize("key", ["", ".", "..", "x" * 513, "é" * 300])
    def test_what_is_no_key_is_refused(self, store, key):
        with pytest.raises(RejectedError):
            store.put(key, "value")

    def test_its_staleness_is_a_duration_and_its_name_is_set(self, store):
        assert store.staleness >= dt.timedelta(0)
        assert store.name

    def test_many_are_put_and_got_together(self, store, settled):
        values = {f"key:{number}": f"value {number}" for number in range(250)}
        refused = store.put_many({key: Statement(value) for key, value in values.items()})
        settled()

        got = store.get_many([*values, "key:absent"])

        assert (refused, got) == (frozenset(), values)

    def test_none_are_got_and_put_for_nothing(self, store):
        assert (store.get_many([]), store.put_many({})) == ({}, frozenset())

    def test_a_value_with_something_beside_it_is_got_to_the_letter(self, store, settled):
        store.put(KEY, VALUE, {"sequence": 1, "captured_at": "2026-01-01T00:00:00+00:00"})
        settled()

        assert store.get(KEY) == VALUE

    @pytest.mark.parametrize("key", ["", ".", "x" * 513])
    def test_what_is_no_key_is_refused_among_many(self, store, key):
        with pytest.raises(RejectedError):
            store.put_many({"good": Statement("value"), key: Statement("value")})
        with pytest.raises(RejectedError):
            store.get_many(["good", key])
