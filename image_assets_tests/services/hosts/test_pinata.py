import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from image_assets.core import cid
from image_assets.core.cid import Profile
from image_assets.core.errors import (
    AuthenticationError,
    InDoubtError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import Content, ImageFormat, Receipt
from image_assets.rehearsal.server import Rehearsal
from image_assets.services.hosts.pinata import LARGE, PinataHost
from image_assets.services.http import Politeness, Retry
from image_assets_tests.host_bench import RehearsedBench
from image_assets_tests.http_host_contract import HttpHostContract
from image_assets_tests.loopback import Loopback, reply

ROUTES = {
    "upload": r"POST /pinata/uploads/v3/files$",
    "list": r"GET /pinata/api/v3/files/public$",
    "remove": r"DELETE /pinata/api/v3/files/public/",
    "gateway": r"GET /pinata/gateway/ipfs/",
    "piece": r"PATCH /pinata/uploads/v3/files/",
    "arrived": r"HEAD /pinata/uploads/v3/files/",
    "link": r"POST /pinata/api/v3/files/private/download_link$",
    "private": r"GET /pinata/gateway/files/",
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
            "pace": Politeness(4),
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
        content, file = make(
            labels={"tenant": "default", "captured_at": "2025-09-01T10:00:00+00:00"}
        )
        receipt = bench.with_key(bench.secret, group_id=group).upload(content, file)

        (stored,) = bench.files()

        assert (stored["id"], stored["name"], stored["group_id"], stored["keyvalues"]) == (
            receipt.host_id, content.name, group,
            {"sha256": content.sha256, "tenant": "default", "captured_at": "2025-09-01T10:00:00+00:00"},
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

    def test_more_than_is_expected_of_any_file_is_not_sent(self, bench, make):
        content, file = make()

        with pytest.raises(PermanentError, match="IMAGE_ASSETS_MAX_BYTES") as raised:
            bench.host.upload(replace(content, size=LARGE + 1), file)

        assert not isinstance(raised.value, RejectedError)
        assert bench.asked("upload") == 0

    def test_no_more_than_ten_pairs_are_sent(self, bench, make):
        content, file = make(labels={f"label{n}": "x" for n in range(12)})
        bench.host.upload(content, file)

        (stored,) = bench.files()

        assert len(stored["keyvalues"]) == 10
        assert stored["keyvalues"]["sha256"] == content.sha256

    def test_a_file_that_was_there_already_is_told_as_such(self, bench, make, caplog):
        bench.host.upload(*make())
        bench.host.upload(*make())

        assert caplog.text.count("Pinata had it already") == 1

    def test_a_probe_tries_the_key_and_the_group_and_sends_nothing(self, bench):
        bench.host.probe()
        with pytest.raises(AuthenticationError, match="check PINATA_JWT"):
            bench.with_key(bench.powerless_key()).probe()
        with pytest.raises(PermanentError, match="check PINATA_GROUP_ID and PINATA_NETWORK"):
            bench.with_key(bench.secret, group_id="nobody").probe()

        assert (bench.asked("upload"), bench.held()) == (0, 0)

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


class TestInPieces:
    """Files that are too large for one request."""

    SIZE, PIECE = 600_000, 250_000

    @pytest.fixture
    def bench(self, rehearsal, outside):
        rehearsal.reset()
        bench = PinataBench(rehearsal, outside)
        bench.host = bench.with_key(bench.secret, large=500_000, piece=self.PIECE, most=10**6)
        yield bench
        bench.close()

    @pytest.fixture
    def make(self, tmp_path):
        def make(seed=1):
            body = hashlib.shake_128(b"%d" % seed).digest(self.SIZE)
            file = tmp_path / f"large-{seed}"
            file.write_bytes(body)
            sha256 = hashlib.sha256(body).hexdigest()
            labels = {"source": "camera"}
            return Content(sha256, "a", self.SIZE, ImageFormat.PNG, f"{sha256}.png", labels), file

        return make

    def test_a_large_file_arrives_in_pieces_as_a_small_one_does_whole(self, bench, make):
        content, file = make()

        receipt = bench.host.upload(content, file)

        (stored,) = bench.files()
        assert (bench.asked("upload"), bench.asked("piece"), bench.asked("arrived")) == (1, 3, 0)
        assert receipt.cid == stored["cid"] == cid.compute_file(file)
        assert (stored["name"], stored["keyvalues"]) == (
            content.name, {"sha256": content.sha256, "source": "camera"},
        )  # fmt: skip
        assert bench.host.verify(content, file, receipt) is bench.host.level

    def test_its_progress_is_told(self, bench, make, caplog):
        caplog.set_level(logging.INFO)

        bench.host.upload(*make())

        assert [r.args[1] for r in caplog.records if "bytes sent" in r.msg] == [
            250_000, 500_000, 600_000,
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "drop_before"},
            {"kind": "drop_after"},
            {"kind": "drop_after", "reset": True},
            {"kind": "status", "status": 500, "processed": True},
            {"kind": "status", "status": 503},
            {"kind": "status", "status": 409},
            {"kind": "delay", "seconds": 1.5},
        ],
        ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
    )
    def test_after_a_break_the_server_is_asked_where_to_go_on(self, bench, make, fault):
        bench.fault("piece", fault, times=1)

        receipt = bench.host.upload(*make())

        assert bench.asked("arrived") >= 1
        assert (bench.held(), bench.host.verify(*make(), receipt)) == (1, bench.host.level)

    def test_half_a_piece_that_arrived_is_not_sent_again(self, bench, make):
        bench.fault("piece", {"kind": "drop_after"}, times=1)
        bench.rehearsal.inject(ROUTES["arrived"], {"kind": "delay", "seconds": 0.0}, times=1)
        sessions, answered = bench.rehearsal.pinata_uploads.sessions, []
        whole = sessions.arrived

        def half(request, name):
            sessions.cut(100_000)
            answered.append(whole(request, name))
            return answered[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sessions, "arrived", half)
            receipt = bench.host.upload(*make())

        assert [reply.headers["Upload-Offset"] for reply in answered] == ["100000"]
        assert bench.host.verify(*make(), receipt) is bench.host.level

    def test_a_first_piece_that_never_arrives_fails_and_nothing_is_in_doubt(self, bench, make):
        bench.fault("piece", {"kind": "drop_before"})

        with pytest.raises(TransientError):
            bench.host.upload(*make())

        assert (bench.asked("piece"), bench.held()) == (3, 0)

    def test_a_last_piece_without_an_answer_is_asked_about_and_found(self, bench, make):
        bench.host = bench.with_key(bench.secret, large=500_000, piece=600_000, most=10**6)
        bench.fault("piece", {"kind": "drop_after"}, times=1)

        receipt = bench.host.upload(*make())

        assert (bench.asked("piece"), bench.held()) == (1, 1)
        assert bench.host.verify(*make(), receipt) is bench.host.level

    def test_a_last_piece_that_nobody_answers_for_is_in_doubt_and_found_by_asking(
        self, bench, make
    ):
        bench.host = bench.with_key(bench.secret, large=500_000, piece=600_000, most=10**6)
        bench.fault("piece", {"kind": "drop_after"})
        bench.fault("arrived", {"kind": "status", "status": 500})

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert bench.host.find(*make()) is not None

    def test_a_file_that_is_not_listed_yet_is_in_doubt(self, bench, make):
        bench.fault("list", bench.answering('{"data": {"files": []}}'))

        with pytest.raises(InDoubtError, match="does not list"):
            bench.host.upload(*make())

    def test_a_group_that_is_not_there_is_our_settings_fault(self, bench, make):
        host = bench.with_key(bench.secret, group_id="nobody", large=500_000, most=10**6)

        with pytest.raises(PermanentError, match="check PINATA_GROUP_ID") as raised:
            host.upload(*make())

        assert not isinstance(raised.value, RejectedError)

    def test_pieces_are_not_carried_to_another_address(self, bench, make):
        elsewhere = {"kind": "status", "status": 201, "headers": {"Location": "http://x.example/"}}
        bench.fault("upload", elsewhere)

        with pytest.raises(PermanentError, match="not followed"):
            bench.host.upload(*make())

        assert bench.asked("piece") == 0

    def test_other_bytes_at_the_end_are_an_alarm(self, bench, make):
        bench.fault(
            "piece", {"kind": "status", "status": 204, "body": "", "headers": {"upload-cid": OTHER}}
        )

        with pytest.raises(VerificationError, match=OTHER):
            bench.host.upload(*make())

    def test_a_longer_deadline_is_kept_where_such_files_can_come(self, bench):
        usual = bench.with_key("x", retry=Retry(seconds=100.0), most=LARGE)
        large = bench.with_key("x", retry=Retry(seconds=100.0), most=100_000_000)

        assert (usual.deadline, large.deadline) == (110.0, 110.0 + 4 * 102.0)

    def test_a_file_beyond_the_limit_of_one_request_really_goes(self, bench, tmp_path):
        file = tmp_path / "large"
        with file.open("wb") as opened:
            opened.truncate(LARGE + 1)
        with file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        content = Content(sha256, "a", LARGE + 1, ImageFormat.BMP, f"{sha256}.bmp")
        host = bench.with_key(bench.secret, most=100_000_000, read_back=False, timeout=60.0)

        receipt = host.upload(content, file)

        assert (bench.asked("piece"), host.verify(content, file, receipt)) == (3, host.level)


class TestPrivate:
    """The network that nobody reads without a link."""

    @pytest.fixture
    def bench(self, rehearsal, outside):
        rehearsal.reset()
        bench = PinataBench(rehearsal, outside)
        bench.host = bench.with_key(bench.secret, network="private")
        yield bench
        bench.close()

    @pytest.fixture
    def make(self, tmp_path):
        body = b"for few"
        file = tmp_path / "private"
        file.write_bytes(body)
        sha256 = hashlib.sha256(body).hexdigest()
        content = Content(sha256, "a", len(body), ImageFormat.JPEG, f"{sha256}.jpg")
        return lambda: (content, file)

    def test_a_private_file_is_on_no_public_list_and_proven_by_a_signed_link(self, bench, make):
        receipt = bench.host.upload(*make())

        assert (bench.held(), bench.host.verify(*make(), receipt)) == (0, bench.host.level)
        assert (bench.asked("link"), bench.asked("private"), bench.asked("gateway")) == (1, 1, 0)
        assert bench.host.find(*make()) == receipt

    def test_its_address_alone_opens_nothing(self, bench, make):
        receipt = bench.host.upload(*make())

        assert "/gateway/files/" in receipt.url
        assert httpx.get(receipt.url, trust_env=False).status_code == 401

    def test_a_private_file_is_removed_by_its_id(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.host.remove(receipt)

        assert bench.host.find(*make()) is None

    @pytest.mark.parametrize("link", ["", "http://x.example/files/a?X-Signature=1", None])
    def test_a_link_to_elsewhere_is_not_followed(self, bench, make, link):
        receipt = bench.host.upload(*make())
        bench.fault("link", bench.answering(json.dumps({"data": link})))

        with pytest.raises(TransientError, match="without a link"):
            bench.host.verify(*make(), receipt)

        assert bench.asked("private") == 0

    def test_a_link_that_is_not_signed_is_our_settings_fault_and_no_absence(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("link", {"kind": "status", "status": 404})

        with pytest.raises(PermanentError, match="check PINATA_GATEWAY_URL") as raised:
            bench.host.verify(*make(), receipt)

        assert not isinstance(raised.value, NotFoundError | VerificationError)

    def test_no_message_shows_a_signature(self, bench, make, caplog):
        caplog.set_level(logging.DEBUG)
        receipt = bench.host.upload(*make())
        bench.fault("private", {"kind": "status", "status": 403, "body": "no"})

        with pytest.raises(AuthenticationError) as raised:
            bench.host.verify(*make(), receipt)

        assert "X-Signature" not in f"{raised.value!r} {caplog.text}"

    def test_the_network_is_a_setting(self, bench, make):
        host = bench.open(PINATA_NETWORK="private", PINATA_READ_BACK="true")

        assert host.verify(*make(), host.upload(*make())) is host.level
        assert bench.asked("private") == 1
