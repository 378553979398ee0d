"""The fakes pass the contracts of what they stand for: so they cannot lie."""

import datetime as dt
from dataclasses import dataclass, field

import pytest

from image_assets.core import naming
from image_assets.core.errors import (
    InDoubtError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import Content, Entry, Listing, Partition, Receipt
from image_assets_tests.fakes import (
    BusyHost,
    CannotBeAsked,
    DropsEveryThird,
    FakeHost,
    FakeLatestStore,
    FakeSource,
    FallsSilent,
    MangledHost,
    RefusesSome,
    RefusesWrites,
)
from image_assets_tests.host_contract import Contents, HostContract
from image_assets_tests.latest_contract import KEY, LatestContract
from image_assets_tests.source_contract import SourceBench, SourceContract


@dataclass
class FakeBench:
    host: FakeHost = field(default_factory=FakeHost)

    def held(self) -> int:
        return len(self.host.held)

    def lose(self, receipt: Receipt) -> None:
        del self.host.held[receipt.host_id]

    def mangle(self, content: Content, receipt: Receipt) -> None:
        self.host.held[receipt.host_id] += b"!"


class TestFakeHost(HostContract):
    @pytest.fixture
    def bench(self):
        return FakeBench()


class TestFakeSource(SourceContract):
    @pytest.fixture
    def bench(self):
        contents = {f"202509011{hour}0000": b"picture %d" % hour for hour in range(4)}
        entries = tuple(Entry(key, key, naming.captured_at(key)) for key in contents)
        source = FakeSource(Listing(entries, True), contents)
        return SourceBench(source, contents, lambda entry: source.pictures.pop(entry.item_key))


class TestFakeLatestStore(LatestContract):
    @pytest.fixture
    def store(self):
        return FakeLatestStore()


class TestLateFakeLatestStore(LatestContract):
    @pytest.fixture
    def time(self):
        return [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)]

    @pytest.fixture
    def store(self, time):
        return FakeLatestStore(lag=dt.timedelta(seconds=60), now=lambda: time[0])

    @pytest.fixture
    def settled(self, store, time):
        def settled() -> None:
            time[0] += store.staleness

        return settled

    def test_a_read_is_late(self, store, settled):
        store.put(KEY, "first")
        settled()
        store.put(KEY, "second")

        assert store.get(KEY) == "first"


class TestFaultyHosts(Contents):
    def test_one_that_falls_silent_has_the_content(self, make):
        host = FallsSilent(each=1)
        with pytest.raises(InDoubtError):
            host.upload(*make())

        assert host.find(*make()) is not None

    def test_one_that_refuses_has_nothing(self, make):
        content, file = make()
        host = RefusesSome(content.name)
        with pytest.raises(RejectedError):
            host.upload(content, file)

        assert host.find(content, file) is None

    def test_a_busy_one_takes_the_content_in_the_end(self, make):
        host = BusyHost(times=1)
        with pytest.raises(TransientError):
            host.upload(*make())

        assert host.verify(*make(), host.upload(*make())) is host.level

    def test_a_mangled_one_is_seen_by_verifying(self, make):
        host = MangledHost()
        receipt = host.upload(*make())

        with pytest.raises(VerificationError):
            host.verify(*make(), receipt)

    def test_one_that_cannot_be_asked_says_so(self, make):
        with pytest.raises(InDoubtError):
            CannotBeAsked().find(*make())


def test_a_source_that_drops_every_third_leaves_no_file(tmp_path):
    entries = tuple(Entry(str(number), str(number)) for number in range(6))
    source = DropsEveryThird(Listing(entries, True), {e.item_key: b"x" for e in entries})
    dropped = 0
    for entry in source.list(Partition("s", "c", "2025-09-01")).entries:
        try:
            source.fetch(entry, tmp_path / entry.item_key)
        except TransientError:
            dropped += 1

    assert (dropped, len(list(tmp_path.iterdir()))) == (2, 4)


def test_a_store_that_refuses_writes_holds_nothing():
    store = RefusesWrites(TransientError("later"))
    with pytest.raises(TransientError):
        store.put(KEY, "value")

    assert store.get(KEY) is None
