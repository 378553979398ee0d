"""What every image host promises: the conformance suite.

`HostContract` is for every host; subclass it with a `bench`. `HttpHostContract` adds what can go
wrong on the way, for hosts that are asked over HTTP, with a bench that can make it go wrong.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from image_assets.core import naming
from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import Content, ImageFormat, Level, Receipt
from image_assets.ports import ImageHost

HOSTILE_NAMES = [
    "", ".", "..", "../up.jpg", "/etc/passwd", "a/b.jpg", "a\\b.jpg", "a\0b.jpg", "a\nb.jpg",
    "a\r\nX-Injected: 1.jpg", '"; filename="b.jpg', "a\u202egpj.exe", "x" * 300 + ".jpg", "é.jpg",
    "$(sleep 10).jpg", "<script>.jpg", "a%2Fb.jpg", " .jpg", "CON.jpg", ".hidden.jpg",
]  # fmt: skip


class Bench(Protocol):
    """A host with its other side: what a test may do there behind the host's back."""

    host: ImageHost

    def held(self) -> int:
        """How many things the other side holds."""
        ...

    def lose(self, receipt: Receipt) -> None:
        """The other side loses it, without a word."""
        ...

    def mangle(self, content: Content, receipt: Receipt) -> None:
        """The other side has other bytes from now on."""
        ...


class HttpBench(Bench, Protocol):
    """A bench whose other side answers over HTTP.

    Routes are named by what is done there: `upload`, `list`, `remove`.
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


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait until the other side is done with what nobody waits for any more."""
    give_up = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.02)


class Contents:
    """Draws contents: files and what the ledger knows of them."""

    @pytest.fixture
    def make(self, tmp_path):
        def make(seed: int = 1, size: int = 1000, **changes: Any) -> tuple[Content, Path]:
            body = hashlib.shake_128(b"%d" % seed).digest(size)
            sha256 = hashlib.sha256(body).hexdigest()
            file = tmp_path / f"content-{seed}-{size}"
            file.write_bytes(body)
            name = naming.public_name(sha256, ImageFormat.JPEG)
            content = Content(sha256, f"exports/{name}", size, ImageFormat.JPEG, name)
            return replace(content, **changes), file

        return make

    @pytest.fixture
    def host(self, bench) -> ImageHost:
        return bench.host


class HostContract(Contents):
    """The promises of `ports.ImageHost`."""

    def test_an_upload_gives_a_receipt_with_a_plain_address(self, host, make):
        receipt = host.upload(*make())

        assert receipt.url.startswith(("http://", "https://"))
        assert receipt.url.isascii()
        assert not set(receipt.url) & set(' "<>\\^`{|}')

    def test_what_was_uploaded_is_found_with_the_same_receipt(self, host, make):
        receipt = host.upload(*make())

        assert host.find(*make()) == receipt

    def test_what_was_never_uploaded_is_not_found(self, host, make):
        host.upload(*make(1))

        assert host.find(*make(2)) is None

    def test_nothing_is_found_at_an_empty_host(self, host, make):
        assert host.find(*make()) is None

    def test_what_was_uploaded_is_proven_at_the_hosts_level(self, host, make):
        receipt = host.upload(*make())

        assert host.verify(*make(), receipt) is host.level

    def test_content_of_several_blocks_is_proven_too(self, host, make):
        receipt = host.upload(*make(size=600_000))

        assert host.verify(*make(size=600_000), receipt) is host.level

    def test_content_of_one_byte_is_content(self, host, make):
        receipt = host.upload(*make(size=1))

        assert host.verify(*make(size=1), receipt) is host.level

    def test_uploading_again_gives_the_same_receipt_and_stores_nothing_more(self, bench, make):
        first = bench.host.upload(*make())
        again = bench.host.upload(*make())

        assert (again, bench.held()) == (first, 1)

    def test_two_contents_have_two_addresses(self, bench, make):
        urls = {bench.host.upload(*make(seed)).url for seed in (1, 2)}

        assert (len(urls), bench.held()) == (2, 2)

    def test_uploads_at_once_do_not_disturb_each_other(self, bench, make):
        contents = [make(seed) for seed in range(6)]
        receipts: dict[str, Receipt] = {}

        def upload(content: Content, file: Path) -> None:
            receipts[content.sha256] = bench.host.upload(content, file)

        threads = [threading.Thread(target=upload, args=content) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        found = [bench.host.find(*content) for content in contents]
        assert found == [receipts[content.sha256] for content, _ in contents]

    def test_the_same_content_sent_by_two_at_once_is_there_once(self, bench, make):
        content = make()
        threads = [threading.Thread(target=bench.host.upload, args=content) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert bench.held() == 1

    def test_what_was_removed_is_not_found(self, bench, make):
        bench.host.remove(bench.host.upload(*make()))

        assert (bench.host.find(*make()), bench.held()) == (None, 0)

    def test_removing_takes_nothing_else(self, host, make):
        other = host.upload(*make(2))
        host.remove(host.upload(*make(1)))

        assert host.find(*make(2)) == other

    def test_removing_what_is_not_there_is_nothing(self, host, make):
        receipt = host.upload(*make())
        host.remove(receipt)

        host.remove(receipt)

        assert host.find(*make()) is None

    def test_a_receipt_that_names_nothing_cannot_be_removed(self, bench, make):
        receipt = bench.host.upload(*make())
        with pytest.raises(RejectedError):
            bench.host.remove(replace(receipt, host_id=None))

        assert bench.held() == 1

    def test_what_was_removed_can_be_uploaded_again(self, host, make):
        host.remove(host.upload(*make()))

        assert host.verify(*make(), host.upload(*make())) is host.level

    def test_removed_content_is_not_verified(self, host, make):
        receipt = host.upload(*make())
        host.remove(receipt)

        with pytest.raises(NotFoundError):
            host.verify(*make(), receipt)

    def test_what_the_host_lost_is_not_found_and_not_verified(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.lose(receipt)

        assert bench.host.find(*make()) is None
        with pytest.raises(NotFoundError):
            bench.host.verify(*make(), receipt)

    def test_what_the_host_lost_can_be_uploaded_again(self, bench, make):
        bench.lose(bench.host.upload(*make()))

        assert bench.host.verify(*make(), bench.host.upload(*make())) is bench.host.level

    def test_other_bytes_at_the_host_are_an_alarm(self, bench, make):
        content, file = make()
        receipt = bench.host.upload(content, file)
        bench.mangle(content, receipt)

        with pytest.raises(VerificationError):
            bench.host.verify(content, file, receipt)

    def test_a_file_that_is_not_the_content_is_never_published(self, bench, make):
        """The store is damaged, which no host is to blame for: the content is not refused for ever."""
        content, file = make()
        file.write_bytes(file.read_bytes()[:-1] + b"!")

        with pytest.raises(PermanentError) as raised:
            bench.host.upload(content, file)

        assert not isinstance(raised.value, RejectedError | VerificationError)
        assert bench.held() == 0

    def test_a_file_that_is_not_there_is_an_error_of_ours(self, bench, make):
        content, file = make()
        file.unlink()

        with pytest.raises(ImageAssetsError):
            bench.host.upload(content, file)

        assert bench.held() == 0

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_a_hostile_name_is_refused_or_just_a_name(self, bench, make, name):
        content, file = make(name=name)
        try:
            receipt = bench.host.upload(content, file)
        except RejectedError:
            assert bench.held() == 0
            return

        assert bench.host.verify(content, file, receipt) is bench.host.level
        assert receipt.url.isascii()

    def test_the_file_is_left_as_it_was(self, host, make):
        content, file = make()
        before = file.read_bytes()
        host.upload(content, file)

        assert (file.read_bytes(), file.stat().st_nlink) == (before, 1)

    def test_it_says_who_it_is_what_it_proves_and_when_it_has_ended(self, host):
        assert host.name.isidentifier()
        assert host.level in Level
        assert host.deadline > 0


class HttpHostContract(HostContract):
    """What an HTTP host does when the way to it, or its other side, fails."""

    def test_a_wrong_key_is_told_with_its_setting_and_not_tried_again(self, bench, make):
        host = bench.with_key("wrong")
        for ask in (host.upload, host.find):
            with pytest.raises(AuthenticationError, match=r"check [A-Z_]+"):
                ask(*make())

        assert (bench.asked("upload"), bench.asked("list"), bench.held()) == (1, 1, 0)

    def test_a_key_without_the_right_is_told_with_its_setting(self, bench, make):
        with pytest.raises(AuthenticationError, match=r"check [A-Z_]+"):
            bench.with_key(bench.powerless_key()).upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 0)

    def test_a_removal_without_the_right_is_told_and_removes_nothing(self, bench, make):
        receipt = bench.host.upload(*make())
        with pytest.raises(AuthenticationError):
            bench.with_key(bench.powerless_key()).remove(receipt)

        assert bench.held() == 1

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

    def test_a_failure_of_the_server_leaves_an_upload_in_doubt(self, bench, make):
        bench.fault("upload", {"kind": "status", "status": 500, "processed": True})

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.host.find(*make()) is not None) == (1, True)

    def test_an_upload_without_an_answer_is_in_doubt_and_found_by_asking(self, bench, make):
        bench.fault("upload", {"kind": "drop_after"})
        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        receipt = bench.host.find(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)
        assert bench.host.verify(*make(), receipt) is bench.host.level

    def test_an_upload_that_was_cut_off_by_a_reset_is_in_doubt_too(self, bench, make):
        bench.fault("upload", {"kind": "drop_after", "reset": True})

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)

    def test_an_upload_that_never_arrived_is_in_doubt_and_not_found(self, bench, make):
        bench.fault("upload", {"kind": "drop_before"}, times=1)
        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert bench.host.find(*make()) is None
        assert bench.host.verify(*make(), bench.host.upload(*make())) is bench.host.level

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

        assert (bench.asked("upload"), bench.host.find(*make()) is not None) == (1, True)

    def test_a_receipt_for_other_content_is_an_alarm(self, bench, make):
        content, file = make()
        bench.fault("upload", bench.lying_answer(content))

        with pytest.raises(VerificationError):
            bench.host.upload(content, file)

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 502},
            {"kind": "status", "status": 429},
            {"kind": "drop_before"},
            {"kind": "drop_after", "reset": True},
            {"kind": "truncate"},
            {"kind": "html"},
            {"kind": "non_json"},
            {"kind": "empty"},
        ],
        ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
    )
    def test_a_question_that_fails_once_is_asked_again(self, bench, make, fault):
        receipt = bench.host.upload(*make())
        bench.fault("list", fault, times=1)

        assert bench.host.find(*make()) == receipt

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 404},
            {"kind": "status", "status": 410},
            {"kind": "status", "status": 400},
            {"kind": "status", "status": 403},
            {"kind": "status", "status": 200, "body": "{}"},
            {"kind": "status", "status": 200, "body": "[]"},
            {"kind": "status", "status": 200, "body": '{"data": null}'},
            {"kind": "status", "status": 200, "body": '{"data": {"error": "later"}}'},
            {"kind": "status", "status": 204, "body": ""},
            {"kind": "drop_before"},
            {"kind": "html"},
        ],
        ids=lambda fault: f"{fault['kind']} {fault.get('status', '')} {fault.get('body', '')}",
    )
    def test_a_question_without_an_answer_proves_no_absence(self, bench, make, fault):
        receipt = bench.host.upload(*make())
        bench.fault("list", fault)

        with pytest.raises(ImageAssetsError):
            bench.host.find(*make())
        with pytest.raises(ImageAssetsError) as raised:
            bench.host.verify(*make(), receipt)

        assert not isinstance(raised.value, NotFoundError | VerificationError)

    def test_a_removal_that_fails_once_is_tried_again(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("remove", {"kind": "status", "status": 502}, times=1)

        bench.host.remove(receipt)

        assert (bench.asked("remove"), bench.held()) == (2, 0)

    def test_a_removal_whose_answer_was_lost_is_done(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("remove", {"kind": "drop_after"}, times=1)

        bench.host.remove(receipt)

        assert bench.held() == 0

    def test_a_removal_that_keeps_failing_is_told(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("remove", {"kind": "status", "status": 500})

        with pytest.raises(TransientError):
            bench.host.remove(receipt)

        assert bench.held() == 1

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
