import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from image_assets.core import cid
from image_assets.core.cid import Profile
from image_assets.core.errors import PermanentError, RejectedError, VerificationError
from image_assets.core.model import Content, Receipt
from image_assets.rehearsal.server import Rehearsal
from image_assets.services.hosts.pinata import PinataHost
from image_assets.services.http import Retry
from image_assets_tests.host_bench import RehearsedBench
from image_assets_tests.http_host_contract import HttpHostContract
from image_assets_tests.loopback import Loopback, reply

ROUTES = {
    "upload": r"POST /pinata/uploads/v3/files$",
    "list": r"GET /pinata/api/v3/files/public$",
    "remove": r"DELETE /pinata/api/v3/files/public/",
    "gateway": r"GET /pinata/gateway/ipfs/",
}
OTHER = cid.compute(b"other bytes")


class PinataBench(RehearsedBench):
    destination = "pinata"
    credential, address = "PINATA_JWT", "PINATA_UPLOADS_URL"
    powerless = "pinata_powerless_jwt"
    routes = ROUTES

    def __init__(self, rehearsal: Rehearsal, outside: httpx.Client) -> None:
        super().__init__(rehearsal)
        self.outside = outside

    def with_key(self, key: str, **changes: Any) -> PinataHost:
        known = {
            "uploads_url": self.settings["PINATA_UPLOADS_URL"],
            "api_url": self.settings["PINATA_API_URL"],
            "gateway_url": self.settings["PINATA_GATEWAY_URL"],
            "requests_per_minute": 10_000,
            "retry": Retry(delay=0.001, seconds=20.0),
            "timeout": 1.0,
            "read_back": True,
        }
        host = PinataHost(jwt=key, **(known | changes))
        self.opened.append(host)
        return host

    def gone(self) -> PinataHost:
        with Loopback(b"") as server:
            address = server.url
        return self.with_key(self.secret, uploads_url=address)

    def files(self) -> list[dict[str, Any]]:
        answer = self.outside.get(
            f"{self.settings['PINATA_API_URL']}/v3/files/public",
            params={"limit": 1000},
        )
        return answer.raise_for_status().json()["data"]["files"]

    def held(self) -> int:
        return len(self.files())

    def lose(self, receipt: Receipt) -> None:
        self.outside.delete(
            f"{self.settings['PINATA_API_URL']}/v3/files/public/{receipt.host_id}",
        ).raise_for_status()

    def mangle(self, content: Content, receipt: Receipt) -> None:
        self.fault("gateway", {"kind": "status", "status": 200, "body": "other bytes"})

    def lying_answer(self, content: Content) -> Mapping[str, Any]:
        return {"kind": "status", "status": 200, "body": stored_as(OTHER)}


def stored_as(identifier: str) -> str:
    return json.dumps({"data": {"id": "349f1bb2", "cid": identifier, "size": 1000}})


@pytest.fixture(scope="module")
def outside(rehearsal):
    """Another client of the account, with the right key."""
    key = {"Authorization": f"Bearer {rehearsal.profile.pinata_jwt}"}
    with httpx.Client(headers=key, trust_env=False) as client:
        yield client


class TestPinataHost(HttpHostContract):
    @pytest.fixture
    def bench(self, rehearsal, outside):
        rehearsal.reset()
        bench = PinataBench(rehearsal, outside)
        yield bench
        bench.close()

    def test_the_identifier_is_the_one_computed_here(self, host, make):
        content, file = make(size=600_000)

        receipt = host.upload(content, file)

        assert receipt.cid == cid.compute_file(file, Profile.V1)
        assert receipt.url.endswith(f"/pinata/gateway/ipfs/{receipt.cid}")

    def test_a_file_is_public_named_grouped_and_carries_its_hash(self, bench, make):
        group = bench.outside.post(
            f"{bench.settings['PINATA_API_URL']}/v3/groups/public",
            json={"name": "frames"},
        ).json()["data"]["id"]
        content, file = make()
        receipt = bench.with_key(bench.secret, group_id=group).upload(content, file)

        (stored,) = bench.files()

        assert (stored["id"], stored["name"], stored["group_id"], stored["keyvalues"]) == (
            receipt.host_id, content.name, group, {"sha256": content.sha256},
        )  # fmt: skip

    @pytest.mark.parametrize("profile", [Profile.V0, Profile.UNIXFS_V1_2025])
    def test_our_bytes_under_another_profile_are_ours_and_told(self, bench, make, caplog, profile):
        content, file = make(size=600_000)
        theirs = cid.compute_file(file, profile)
        bench.fault("upload", {"kind": "status", "status": 200, "body": stored_as(theirs)})

        receipt = bench.host.upload(content, file)

        assert receipt.cid == theirs
        assert f"used the profile {profile}" in caplog.text

    def test_what_is_stored_under_another_profile_is_found_and_proven(self, bench, make):
        content, file = make(size=600_000)
        bench.outside.post(
            f"{bench.settings['PINATA_UPLOADS_URL']}/v3/files",
            data={"network": "public", "cid_version": "v0"},
            files={"file": ("x.jpg", file.read_bytes())},
        ).raise_for_status()

        receipt = bench.host.find(content, file)

        assert receipt.cid.startswith("Qm")
        assert bench.host.verify(content, file, receipt) is bench.host.level

    def test_an_alarm_names_both_identifiers(self, bench, make):
        content, file = make()
        bench.fault("upload", bench.lying_answer(content))

        with pytest.raises(VerificationError) as raised:
            bench.host.upload(content, file)

        assert OTHER in str(raised.value)
        assert cid.compute_file(file) in str(raised.value)

    def test_a_receipt_of_other_content_is_not_verified(self, host, make):
        receipt = host.upload(*make(1))

        with pytest.raises(VerificationError):
            host.verify(*make(2), receipt)

    def test_a_list_that_answers_another_question_proves_nothing(self, bench, make):
        other = {"files": [{"id": "1", "cid": OTHER}]}
        bench.fault("list", {"kind": "status", "status": 200, "body": json.dumps({"data": other})})

        assert bench.host.find(*make()) is None

    def test_content_that_waits_for_its_identifier_is_not_found_yet(self, bench, make):
        pending = {"files": [{"id": "1", "cid": "pending"}]}
        bench.fault(
            "list", {"kind": "status", "status": 200, "body": json.dumps({"data": pending})}
        )

        assert bench.host.find(*make()) is None

    def test_a_list_of_nothing_may_be_null(self, bench, make):
        bench.fault("list", {"kind": "status", "status": 200, "body": '{"data": {"files": null}}'})

        assert bench.host.find(*make()) is None

    def test_more_than_a_hundred_megabytes_are_refused_unsent(self, bench, make):
        content, file = make()

        with pytest.raises(RejectedError, match="100,000,000"):
            bench.host.upload(replace(content, size=100_000_001), file)

        assert bench.asked("upload") == 0

    def test_a_group_that_is_not_there_is_our_settings_fault_not_the_contents(self, bench, make):
        with pytest.raises(PermanentError, match="check PINATA_GROUP_ID") as raised:
            bench.with_key(bench.secret, group_id="nobody").upload(*make())

        assert not isinstance(raised.value, RejectedError)

    def test_the_key_never_goes_to_the_gateway(self, bench, make):
        with Loopback(reply(200, b"x")) as gateway:
            host = bench.with_key(bench.secret, gateway_url=gateway.url)
            receipt = host.upload(*make())
            with pytest.raises(VerificationError):
                host.verify(*make(), receipt)

            (asked,) = gateway.asked

        assert "authorization" not in asked.headers

    @pytest.mark.parametrize("status", [404, 504])
    def test_a_gateway_that_is_late_is_waited_for_and_no_alarm(self, bench, make, status):
        receipt = bench.host.upload(*make())
        bench.fault("gateway", {"kind": "status", "status": status})

        with pytest.raises(Exception, match=f"answered {status}") as raised:
            bench.host.verify(*make(), receipt)

        assert type(raised.value).__name__ == "TransientError"

    def test_without_reading_back_the_gateway_is_not_asked(self, bench, make):
        host = bench.with_key(bench.secret, read_back=False)
        receipt = host.upload(*make())

        assert host.verify(*make(), receipt) is host.level
        assert bench.asked("gateway") == 0

    def test_an_upload_ends_within_its_deadline(self, bench):
        assert bench.with_key("x", retry=Retry(seconds=70.0)).deadline > 70.0
