"""Publishing in a bucket, against a real server behind a strict door."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from image_assets.core.errors import (
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import Content, Receipt
from image_assets.services.hosts.s3 import S3Host
from image_assets.services.politeness import Retry
from image_assets_tests.http_host_contract import HttpHostContract
from image_assets_tests.s3_server import POWERLESS, SECRET, Inside, StrictS3, error, ministack

NAME = r"/[0-9a-f]{64}\.jpg"
ROUTES = {
    "upload": f"^PUT .*{NAME}$",
    "list": rf"^(HEAD|GET) .*{NAME}$",
    "remove": f"^DELETE .*{NAME}$",
    "read": rf"^GET /public.*{NAME}$",
}
# What an upload's answer says, its headers say: what cuts or slows a body has nothing to work on.
BARE = {"kind": "status", "status": 200, "body": "", "processed": True}
SPOKEN = {"truncate": BARE, "empty": BARE, "slow_body": {"kind": "drop_after"}}


@dataclass
class S3Bench:
    server: StrictS3
    inside: Inside
    base: str | None
    opened: list[S3Host] = field(default_factory=list)
    secret = SECRET

    def __post_init__(self) -> None:
        self.host = self.with_key(SECRET)

    def with_key(self, key: str, **changes: Any) -> S3Host:
        known = {"retry": Retry(delay=0.001, seconds=20.0), "base_url": self.base}
        who = {"key_id": "AKIAPOWERLESS"} if key == POWERLESS else {}
        door = self.server.door(self.inside.name, prefix="pictures", timeout=1.0, secret=key, **who)
        places = {n: changes.pop(n) for n in ("endpoint_url",) if n in changes}
        host = S3Host(replace(door, **places), **(known | changes))
        self.opened.append(host)
        return host

    def powerless_key(self) -> str:
        return POWERLESS

    def gone(self) -> S3Host:
        return self.with_key(SECRET, endpoint_url="http://127.0.0.1:9")

    def fault(self, route: str, fault: Mapping[str, Any], *, times: int | None = None) -> None:
        self.server.fault(ROUTES[route], SPOKEN.get(fault["kind"], fault), times=times)

    def asked(self, route: str) -> int:
        return self.server.count(ROUTES[route])

    def held(self) -> int:
        return len(self.inside.held())

    def lose(self, receipt: Receipt) -> None:
        self.inside.delete(f"pictures/{receipt.host_id}")

    def mangle(self, content: Content, receipt: Receipt) -> None:
        self.inside.put(f"pictures/{receipt.host_id}", b"other bytes")

    def lying_answer(self, content: Content) -> Mapping[str, Any]:
        other = base64.b64encode(hashlib.sha256(b"other bytes").digest()).decode()
        headers = {"ETag": '"x"', "x-amz-checksum-sha256": other}
        return {"kind": "status", "status": 200, "body": "", "headers": headers}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ministack(tmp_path_factory.mktemp("ministack")) as inner, StrictS3(inner) as server:
        yield server


@pytest.fixture
def bench(server):
    server.reset()
    inside = server.new_bucket("public")
    bench = S3Bench(server, inside, f"{server.url}/{inside.name}/pictures")
    yield bench
    for host in bench.opened:
        host.close()


@pytest.fixture
def private(server):
    server.reset()
    bench = S3Bench(server, server.new_bucket(), None)
    yield bench
    for host in bench.opened:
        host.close()


class TestS3Host(HttpHostContract):
    def test_the_world_reads_it_under_its_type_and_may_keep_it(self, bench, make):
        content, file = make()
        receipt = bench.host.upload(content, file)

        answer = httpx.get(receipt.url, trust_env=False)

        assert receipt == Receipt(f"{bench.base}/{content.name}", content.name)
        assert (answer.status_code, answer.content) == (200, file.read_bytes())
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"

    def test_what_is_there_is_not_sent_over(self, bench, make):
        bench.host.upload(*make())
        bench.host.upload(*make())

        assert bench.asked("upload") == 2  # the second was refused by its condition
        assert bench.inside.read(f"pictures/{make()[0].name}") == make()[1].read_bytes()

    def test_other_bytes_under_our_name_are_replaced(self, bench, make, caplog):
        content, file = make()
        receipt = bench.host.upload(content, file)
        bench.mangle(content, receipt)

        bench.host.upload(content, file)

        assert bench.host.verify(content, file, receipt) is bench.host.level
        assert "held other bytes" in caplog.text

    def test_readers_who_are_sent_away_are_told_as_our_settings_fault(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("read", error(403, "AccessDenied"))

        with pytest.raises(PermanentError, match="S3_PUBLISH_BASE_URL") as raised:
            bench.host.verify(*make(), receipt)

        assert not isinstance(raised.value, RejectedError)

    def test_an_address_that_is_late_is_waited_for_and_no_alarm(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("read", {"kind": "status", "status": 404})

        with pytest.raises(TransientError, match="does not show it yet"):
            bench.host.verify(*make(), receipt)

    @pytest.mark.parametrize("body", ["other bytes", "x" * 5000])
    def test_readers_who_get_other_bytes_are_an_alarm(self, bench, make, body):
        receipt = bench.host.upload(*make())
        bench.fault("read", {"kind": "status", "status": 200, "body": body})

        with pytest.raises(VerificationError, match=r"than (was|were) sent"):
            bench.host.verify(*make(), receipt)

    def test_readers_never_see_our_key(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.server.asked.clear()
        bench.host.verify(*make(), receipt)

        assert bench.asked("read") == 1
        assert not [asked for asked in bench.server.asked if "X-Amz" in asked]

    def test_without_reading_back_the_services_checksum_is_believed(self, bench, make):
        host = bench.with_key(SECRET, read_back=False)
        receipt = host.upload(*make())

        assert host.verify(*make(), receipt) is host.level
        assert bench.asked("read") == 0

    def test_without_reading_back_bytes_without_a_checksum_are_read(self, bench, make):
        content, file = make()
        host = bench.with_key(SECRET, read_back=False)
        receipt = host.upload(content, file)
        bench.inside.put(f"pictures/{content.name}", b"!" * content.size)

        with pytest.raises(VerificationError):
            host.verify(content, file, receipt)

    def test_a_receipt_of_other_content_is_not_verified(self, host, make):
        receipt = host.upload(*make(1))

        with pytest.raises(Exception, match="not in s3://"):
            host.verify(*make(2), receipt)

    def test_an_upload_ends_within_its_deadline(self, bench):
        assert bench.with_key("x", retry=Retry(seconds=70.0)).deadline > 70.0

    def test_a_private_bucket_is_proven_by_a_signed_link(self, private, make):
        content, file = make()
        receipt = private.host.upload(content, file)

        assert private.host.verify(content, file, receipt) is private.host.level
        assert "?" not in receipt.url
        assert httpx.get(receipt.url, trust_env=False).status_code == 403

    def test_what_is_private_is_shown_by_a_signed_link(self, private, make):
        content, file = make()
        link = private.host.presigned(private.host.upload(content, file), 60)

        assert httpx.get(link, trust_env=False).content == file.read_bytes()

    def test_no_failure_tells_a_signature(self, private, make, caplog):
        receipt = private.host.upload(*make())
        private.server.fault(r"^GET .*X-Amz-Signature", error(403, "AccessDenied"))

        with pytest.raises(PermanentError) as raised:
            private.host.verify(*make(), receipt)

        assert "X-Amz" not in f"{raised.value!r} {raised.value.__cause__!r} {caplog.text}"

    @pytest.mark.parametrize("seconds", [0, 7 * 24 * 3600 + 1])
    def test_no_link_holds_longer_than_seven_days(self, private, make, seconds):
        receipt = private.host.upload(*make())

        with pytest.raises(PermanentError, match="604800"):
            private.host.presigned(receipt, seconds)
