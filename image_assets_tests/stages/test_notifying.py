"""What is told to whom and when; the outbox is a real one."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NotFoundError,
    RejectedError,
    TransientError,
)
from image_assets.core.notices import Happening, Message, NoticeKind
from image_assets.ports.notifications import Pace, Subscription
from image_assets.services.catalog import Catalog
from image_assets.stages.notifying import Teller, batch_finished
from image_assets.stages.report import Cause, Report

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
FAILED = NoticeKind.UPLOAD_FAILED


@dataclass
class FakeChannel:
    """Takes messages, or fails as it is told to; once each."""

    name: str = "slack"
    address: str = "there"
    deadline: float = 15.0
    errors: list[ImageAssetsError] = field(default_factory=list)
    took: list[Message] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def send(self, message: Message) -> None:
        self.tried.append(message.id)
        if self.errors:
            raise self.errors.pop(0)
        self.took.append(message)

    def probe(self) -> None:
        """Well."""

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class House:
    catalog: Catalog
    channels: list[FakeChannel]
    now: dt.datetime = NOW

    def teller(
        self, owner: str = "us", kinds: Collection[NoticeKind] = tuple(NoticeKind)
    ) -> Teller:
        told = [Subscription(channel, kinds) for channel in self.channels]
        return Teller(
            self.catalog.notices,
            told,
            Pace(),
            owner,
            lambda: self.now,
            lambda: 1.0,
            lambda text: text.replace("canary", "***"),
        )

    def tell(self, minutes: float = 0) -> dict[str, str]:
        self.now = NOW + minutes * MINUTE
        return self.teller().tell()

    def happens(self, text: str) -> None:
        self.catalog.notices.tell([Happening(FAILED, "pinata", text)], now=self.now)


@pytest.fixture
def house(sqlite_catalog: Catalog) -> House:
    return House(sqlite_catalog, [FakeChannel()])


def test_without_a_channel_nothing_is_looked_at(sqlite_catalog):
    assert House(sqlite_catalog, []).tell() == {}


def test_what_happened_is_told_and_then_there_is_nothing_to_tell(house):
    house.happens("broken")

    outcomes = [house.tell(minute) for minute in (0, 10)]

    (channel,) = house.channels
    assert outcomes == [{"slack": "told of 1"}, {"slack": "nothing to tell"}]
    assert [n.text for n in channel.took[0].notices] == ["broken"]


def test_what_is_not_taken_is_tried_again_under_one_id_and_later_each_time(house):
    (channel,) = house.channels
    channel.errors = [TransientError("busy")] * 4
    house.happens("broken")
    tried = []
    for half_minutes in range(40):
        before = len(channel.tried)
        house.tell(half_minutes / 2)
        tried += [half_minutes / 2] * (len(channel.tried) - before)

    assert tried == [0, 0.5, 1.5, 3.5, 7.5]
    assert len(set(channel.tried)) == 1
    assert len(channel.took) == 1


def test_how_long_a_channel_asks_to_wait_is_waited(house):
    (channel,) = house.channels
    channel.errors = [TransientError("busy", retry_after=600)]
    house.happens("broken")
    house.tell()

    tries = [bool(house.tell(minute)["slack"] == "told of 1") for minute in (9, 10)]

    assert tries == [False, True]


@pytest.mark.parametrize("error", [AuthenticationError("wrong"), TransientError("busy")])
def test_after_a_day_a_message_is_given_up(house, error):
    (channel,) = house.channels
    channel.errors = [error] * 2
    house.happens("broken")
    house.tell()

    outcome = house.tell(24 * 60)

    assert outcome["slack"].startswith("given up")
    assert house.tell(24 * 60 + 10) == {"slack": "nothing to tell"}


def test_what_is_refused_is_given_up_at_once_and_the_next_goes(house):
    (channel,) = house.channels
    channel.errors = [RejectedError("invalid_blocks")]
    house.happens("broken")
    first = house.tell()
    house.happens("refused")

    second = house.tell(10)

    assert (first["slack"], second["slack"]) == ("given up: invalid_blocks", "told of 1")


def test_a_channel_that_is_gone_is_not_used_again_until_it_leads_elsewhere(house):
    (channel,) = house.channels
    channel.errors = [NotFoundError("410 Gone")]
    house.happens("broken")
    house.tell()
    house.happens("refused")
    gone = house.tell(10)
    tries = len(channel.tried)
    channel.address = "elsewhere"

    again = house.tell(20)

    assert (gone, tries) == ({"slack": "not used any more: 410 Gone"}, 1)
    assert again == {"slack": "told of 1"}


def test_one_channel_that_fails_does_not_stop_the_other(house):
    house.channels.append(FakeChannel("webhook"))
    house.channels[0].errors = [TransientError("busy")]
    house.happens("broken")

    assert house.tell() == {"slack": "later: busy", "webhook": "told of 1"}


def test_a_channel_has_one_sender_at_a_time(house):
    house.happens("broken")
    until = NOW + MINUTE
    assert house.catalog.notices.lease("notify:slack", "them", until=until, now=NOW)

    assert house.tell() == {"slack": "another process is telling it"}
    assert house.tell(1) == {"slack": "told of 1"}


def test_a_secret_in_the_news_is_not_told(house):
    house.happens("the key canary is wrong")

    house.tell()

    assert house.channels[0].took[0].notices[0].text == "the key *** is wrong"


def test_a_reason_that_holds_a_secret_is_not_told_either(house, caplog):
    house.channels[0].errors = [TransientError("no canary here")]
    house.happens("broken")

    outcome = house.tell()

    assert "canary" not in outcome["slack"] + caplog.text


def test_a_storm_is_a_few_messages(house):
    (channel,) = house.channels
    for minute in range(60):
        news = [Happening(FAILED, "pinata", f"cause {chr(97 + n)} of {minute}") for n in range(25)]
        house.catalog.notices.tell(news, now=NOW + minute * MINUTE)
        house.tell(minute)

    told = sum(n.count for m in channel.took for n in m.notices)
    assert len(channel.took) <= 6
    assert told + sum(m.left_out for m in channel.took) >= 25


def test_a_batch_that_is_over_is_told(house):
    reports = {"imgur": Report({"verified": 3}, {Cause.TRANSIENT: 1}), "local": Report()}
    batch_finished(house.catalog.notices, "images/to_upload", reports, now=NOW)

    house.tell()

    (notice,) = house.channels[0].took[0].notices
    assert (notice.kind, notice.subject) == (NoticeKind.BATCH_FINISHED, "images/to_upload")
    assert notice.text == "imgur: 3 of 4 well; local: 0 of 0 well"


def test_a_batch_is_over_even_if_nobody_can_be_told(caplog):
    class Down:
        def tell(self, *_, **__):
            raise TransientError("no database")

    batch_finished(Down(), "images/to_upload", {}, now=NOW)

    assert "images/to_upload is over, and nobody is told: no database" in caplog.text
