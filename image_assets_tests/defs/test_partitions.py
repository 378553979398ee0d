import datetime as dt

import dagster as dg
import pytest

from image_assets.core.errors import PermanentError
from image_assets.core.model import Partition
from image_assets.defs.partitions import (
    DATE,
    STREAM,
    collections,
    frame_days,
    key_of,
    partition_of,
    partitions,
)
from image_assets.sources import SourceSpec

NOON = dt.datetime(2025, 9, 3, 12, tzinfo=dt.UTC)
STREAMS = ("apm/in_gate", "apm/out_gate", "hogan")


def spec(**of) -> SourceSpec:
    given = {"name": "camera", "kind": "draydog", "collections": STREAMS, "start": "2025-09-01"}
    return SourceSpec.model_validate(given | of)


def keys(spec: SourceSpec, now: dt.datetime = NOON) -> list[str]:
    return sorted(map(str, frame_days(spec).get_partition_keys(current_time=now)))


@pytest.mark.parametrize("stream", STREAMS)
def test_a_key_leads_to_its_partition_and_back(stream):
    partition = Partition("camera", stream, "2025-09-01")

    assert partition_of(spec(), key_of(partition)) == partition


def test_a_key_that_came_as_plain_text_is_understood():
    found = partition_of(spec(), "2025-09-01|apm/in_gate")

    assert found == Partition("camera", "apm/in_gate", "2025-09-01")


def test_dagster_knows_every_key_that_we_spell():
    partitions = [Partition("camera", s, d) for d in ("2025-09-01", "2025-09-02") for s in STREAMS]

    assert keys(spec()) == sorted(str(key_of(partition)) for partition in partitions)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (dt.datetime(2025, 9, 3, 0, 0, 1, tzinfo=dt.UTC), "2025-09-02"),
        (dt.datetime(2025, 9, 2, 23, 59, 59, tzinfo=dt.UTC), "2025-09-01"),
    ],
)
def test_a_day_exists_once_it_has_ended_in_utc(now, last):
    assert {key.partition("|")[0] for key in keys(spec(), now)} >= {last}
    assert max(keys(spec(), now)).partition("|")[0] == last


def test_a_day_on_which_clocks_change_somewhere_is_a_day_like_any_other():
    october = spec(start="2025-10-25", end="2025-10-28")

    window = frame_days(october).get_partitions_def_for_dimension(DATE)

    assert window.get_partition_keys() == ["2025-10-25", "2025-10-26", "2025-10-27"]
    assert {dt.timedelta(days=1)} == {
        w.end - w.start
        for w in map(window.time_window_for_partition_key, window.get_partition_keys())
    }


def test_a_source_that_has_ended_has_no_later_days():
    assert {key[:10] for key in keys(spec(end="2025-09-02"))} == {"2025-09-01"}


INBOX = SourceSpec.model_validate({"name": "inbox", "kind": "inbox"})


def test_an_inbox_is_cut_by_batches_that_are_added_as_they_come():
    found = partitions(INBOX)

    assert isinstance(found, dg.DynamicPartitionsDefinition)
    assert found.name == "inbox_batches"


def test_the_key_of_a_batch_leads_to_its_shop_and_its_tenant():
    found = partition_of(INBOX, "acme:20261121-180000-001")

    assert found == Partition("inbox", "acme", "20261121-180000-001", tenant="acme")


def test_a_key_that_is_no_batchs_is_told():
    with pytest.raises(PermanentError, match="'nonsense' is no batch"):
        partition_of(INBOX, "nonsense")


@pytest.mark.parametrize(
    "of", [{"start": "2025-09-01"}, {"cadence_minutes": 5}, {"collections": ["a/b"]}]
)
def test_an_inbox_has_shops_and_no_days(of):
    with pytest.raises(ValueError, match="inbox"):
        SourceSpec.model_validate({"name": "inbox", "kind": "inbox"} | of)


def test_latest_is_cut_by_stream_alone():
    days = frame_days(spec())

    streams = days.get_partitions_def_for_dimension(STREAM)

    assert collections(spec()) == streams
    assert collections(spec()).get_partition_keys() == list(STREAMS)
