"""What a host over HTTP does with uploads when the way to it, or its other side, fails."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import Content, Receipt
from image_assets.ports import ImageHost
from image_assets_tests.host_contract import Bench


class HttpBench(Bench, Protocol):
    """A bench whose other side answers over HTTP.

    Routes are named by what is done there: `upload`, `list`, `remove`, `read`.
    """

    secret: str

    def fault(self, route: str, fault: Mapping[str, Any], *, times: int | None = None) -> None:
        """Let requests to a route go wrong, `times` times or from now on."""
        ...

    def asked(self, route: str) -> int:
        """How many requests a route has had."""
        ...

    def with_key(self, key: str) -> ImageHost:
        """The same host with another key."""
        ...

    def powerless_key(self) -> str:
        """A valid key without the right to write."""
        ...

    def gone(self) -> ImageHost:
        """The same host at an address where nobody listens."""
        ...

    def lying_answer(self, content: Content) -> Mapping[str, Any]:
        """The fault that answers an upload with a receipt for other content."""
        ...


class ReadBench(HttpBench, Protocol):
    """A bench whose other side serves pictures that can be swapped."""

    def swap(self, receipt: Receipt, body: bytes) -> None:
        """The other side serves `body` from now on."""
        ...


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait until the other side is done with what nobody waits for any more."""
    give_up = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.02)


class HttpPromises:
    """What any host over HTTP promises."""

    def test_a_wrong_key_is_told_with_its_setting_and_not_tried_again(self, bench, make):
        with pytest.raises(AuthenticationError, match=r"check [A-Z_]+"):
            bench.with_key("wrong").upload(*make())

        # Not once, where the key is tried before anything is sent.
        assert (bench.asked("upload") <= 1, bench.held()) == (True, 0)

    def test_a_key_without_the_right_is_told_with_its_setting(self, bench, make):
        with pytest.raises(AuthenticationError, match=r"check [A-Z_]+"):
            bench.with_key(bench.powerless_key()).upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 0)

    def test_a_busy_host_is_asked_again_for_an_upload(self, bench, make):
        bench.fault("upload", {"kind": "status", "status": 503}, times=2)

        bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (3, 1)

    def test_too_many_requests_are_waited_out(self, bench, make):
        limited = {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}}
        bench.fault("upload", limited, times=1)

        bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (2, 1)

    def test_a_host_that_asks_for_an_hour_is_not_waited_for(self, bench, make):
        limited = {"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}}
        bench.fault("upload", limited)

        with pytest.raises(TransientError) as raised:
            bench.host.upload(*make())

        assert (raised.value.retry_after, bench.asked("upload")) == (3600.0, 1)

    def test_a_host_that_stays_busy_is_given_up_as_transient(self, bench, make):
        bench.fault("upload", {"kind": "status", "status": 503})

        with pytest.raises(TransientError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (3, 0)

    @pytest.mark.parametrize("status", [400, 413, 415, 422])
    def test_refused_content_is_rejected_and_not_tried_again(self, bench, make, status):
        bench.fault("upload", {"kind": "status", "status": status, "body": '{"error": "no"}'})

        with pytest.raises(RejectedError):
            bench.host.upload(*make())

        assert bench.asked("upload") == 1

    def test_a_receipt_for_other_content_is_an_alarm_at_the_latest_when_verified(self, bench, make):
        content, file = make()
        bench.fault("upload", bench.lying_answer(content))

        with pytest.raises(VerificationError):
            bench.host.verify(content, file, bench.host.upload(content, file))

    def test_a_host_that_is_not_there_is_transient_and_nothing_is_in_doubt(self, bench, make):
        with pytest.raises(TransientError, match="no connection"):
            bench.gone().upload(*make())

    def test_no_failure_tells_the_key(self, bench, make, caplog):
        caplog.set_level(logging.DEBUG)
        echo = f"Bearer {bench.secret} is not what we like"
        told = []
        for status in (400, 401, 403, 404, 429, 500, 503):
            bench.fault("upload", {"kind": "status", "status": status, "body": echo}, times=3)
            with pytest.raises(ImageAssetsError) as raised:
                bench.host.upload(*make())
            told.append(f"{raised.value!r} {raised.value} {raised.value.__cause__!r}")

        assert bench.secret not in "\n".join([*told, caplog.text, repr(bench.host)])

    def test_a_key_that_stops_working_takes_nothing_with_it(self, bench, make, level):
        receipt = bench.host.upload(*make(1))
        with pytest.raises(AuthenticationError):
            bench.with_key("revoked").upload(*make(2))

        assert bench.host.verify(*make(1), receipt) is level
        assert bench.held() == 1

    def test_a_failure_is_no_obstacle_to_what_comes_next(self, bench, make, level):
        bench.fault("upload", {"kind": "status", "status": 413}, times=1)
        with pytest.raises(ImageAssetsError):
            bench.host.upload(*make(1))

        assert bench.host.verify(*make(2), bench.host.upload(*make(2))) is level

    def test_an_upload_is_not_carried_to_where_a_redirect_leads(self, bench, make):
        elsewhere = {"Location": "http://127.0.0.1:9/elsewhere"}
        bench.fault("upload", {"kind": "status", "status": 307, "headers": elsewhere})

        with pytest.raises(PermanentError, match="check"):
            bench.host.upload(*make())

        assert bench.held() == 0

    def test_a_host_that_takes_its_time_is_waited_for(self, bench, make, level):
        bench.fault("upload", {"kind": "delay", "seconds": 0.2}, times=1)

        receipt = bench.host.upload(*make())

        assert bench.host.verify(*make(), receipt) is level
        assert (bench.asked("upload"), bench.held()) == (1, 1)

    def test_verifying_sends_nothing(self, bench, make):
        receipt = bench.host.upload(*make())
        for _ in range(2):
            bench.host.verify(*make(), receipt)

        assert (bench.asked("upload"), bench.held()) == (1, 1)

    def test_another_process_verifies_what_this_one_sent(self, bench, make, level):
        receipt = bench.host.upload(*make())

        assert bench.with_key(bench.secret).verify(*make(), receipt) is level


class SentOnce:
    """A host at which a second upload would be a second picture."""

    def test_a_failure_of_the_server_leaves_an_upload_in_doubt(self, bench, make):
        bench.fault("upload", {"kind": "status", "status": 500, "processed": True})

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)

    def test_an_upload_without_an_answer_is_in_doubt(self, bench, make):
        bench.fault("upload", {"kind": "drop_after"})

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)

    def test_an_upload_that_was_cut_off_by_a_reset_is_in_doubt_too(self, bench, make):
        bench.fault("upload", {"kind": "drop_after", "reset": True})

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)

    def test_an_upload_that_never_arrived_is_in_doubt_and_can_be_sent_again(
        self, bench, make, level
    ):
        bench.fault("upload", {"kind": "drop_before"}, times=1)
        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert bench.held() == 0
        assert bench.host.verify(*make(), bench.host.upload(*make())) is level

    def test_an_answer_that_comes_too_late_leaves_the_upload_in_doubt(self, bench, make):
        bench.fault("upload", {"kind": "delay", "seconds": 1.5}, times=1)

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        wait_for(lambda: bench.asked("upload") == 1)
        assert bench.held() == 1

    def test_an_answer_that_dribbles_in_leaves_the_upload_in_doubt(self, bench, make):
        bench.fault("upload", {"kind": "slow_body", "seconds": 30.0}, times=1)

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)

    @pytest.mark.parametrize("kind", ["truncate", "html", "non_json", "empty"])
    def test_an_upload_whose_answer_cannot_be_read_is_in_doubt(self, bench, make, kind):
        bench.fault("upload", {"kind": kind, "processed": True}, times=1)

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)


class SentAgain:
    """A host at which sending twice is as good as once."""

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "status", "status": 500, "processed": True},
            {"kind": "drop_before"},
            {"kind": "drop_after"},
            {"kind": "drop_after", "reset": True},
            {"kind": "delay", "seconds": 1.5},
            {"kind": "slow_body", "seconds": 30.0},
            {"kind": "truncate"},
            {"kind": "html", "processed": True},
            {"kind": "non_json", "processed": True},
            {"kind": "empty"},
        ],
        ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}{fault.get('reset', '')}",
    )
    def test_an_upload_without_a_usable_answer_is_sent_again_and_is_there_once(
        self, bench, make, level, fault
    ):
        bench.fault("upload", fault, times=1)

        receipt = bench.host.upload(*make())

        wait_for(lambda: bench.asked("upload") == 2)
        assert bench.held() == 1
        assert bench.host.verify(*make(), receipt) is level

    def test_what_never_gets_an_answer_is_given_up(self, bench, make):
        bench.fault("upload", {"kind": "drop_after"})

        with pytest.raises(TransientError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (3, 1)
