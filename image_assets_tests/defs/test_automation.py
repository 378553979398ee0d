"""What automation asks for, evaluated without a daemon."""

import datetime as dt

import dagster as dg
import pytest

from image_assets.defs.assets.options import RECENT
from image_assets_tests.journey import own_instance

NOW = dt.datetime(2025, 11, 21, 12, tzinfo=dt.UTC)
DAYS = dg.DailyPartitionsDefinition("2025-09-01")
STREAMS = dg.StaticPartitionsDefinition(["in", "out"])
FRAMES = dg.MultiPartitionsDefinition({"date": DAYS, "stream": STREAMS})


@dg.asset(partitions_def=FRAMES)
def parent() -> None:
    """What something new arrives in."""


@dg.asset(partitions_def=FRAMES, deps=[parent], automation_condition=RECENT)
def child() -> None:
    """What should follow."""


DEFINITIONS = dg.Definitions(assets=[parent, child])


@pytest.fixture
def instance():
    with own_instance() as instance:
        yield instance


def arrives(instance: dg.DagsterInstance, key: str) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("parent", partition=key))


def asked(instance: dg.DagsterInstance, cursor=None):
    return dg.evaluate_automation_conditions(
        DEFINITIONS, instance=instance, evaluation_time=NOW, cursor=cursor
    )


def requested(result) -> set[str]:
    return set(map(str, result.get_requested_partitions(dg.AssetKey("child"))))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("2025-11-20|in", {"2025-11-20|in"}),
        ("2025-11-15|out", {"2025-11-15|out"}),
        ("2025-10-01|in", set()),
    ],
    ids=["yesterday", "days late", "older than the window: a backfill's business"],
)
def test_what_arrived_in_the_last_seven_days_is_followed(instance, key, expected):
    before = asked(instance)
    arrives(instance, key)

    result = asked(instance, before.cursor)

    assert requested(result) == expected


def test_what_failed_is_not_asked_for_again_and_again(instance):
    before = asked(instance)
    arrives(instance, "2025-11-20|in")
    first = asked(instance, before.cursor)

    second = asked(instance, first.cursor)

    assert (len(requested(first)), requested(second)) == (1, set())


def test_news_of_the_parent_are_followed_again(instance):
    before = asked(instance)
    arrives(instance, "2025-11-20|in")
    first = asked(instance, before.cursor)
    quiet = asked(instance, first.cursor)
    arrives(instance, "2025-11-20|in")

    again = asked(instance, quiet.cursor)

    assert requested(again) == {"2025-11-20|in"}
