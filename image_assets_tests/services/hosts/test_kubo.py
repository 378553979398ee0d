import base64
import json
from typing import ClassVar

import pytest

from image_assets.core import cid
from image_assets.core.cid import Profile
from image_assets.core.errors import (
    AuthenticationError,
    InDoubtError,
    PermanentError,
    TransientError,
    VerificationError,
)
from image_assets.rehearsal import Profile as Rehearsed
from image_assets.rehearsal import Rehearsal
from image_assets.settings import isolated
from image_assets_tests.host_bench import RehearsedBench, bench_of
from image_assets_tests.http_host_contract import HttpHostContract
from image_assets_tests.loopback import Loopback, reply

OTHER = cid.compute(b"other bytes")
ADDED = r"POST /kubo/api/v0/add$"


class KuboBench(RehearsedBench):
    destination = "kubo"
    credential, address, powerless = (
        "KUBO_AUTHORIZATION",
        "KUBO_API_URL",
        "kubo_reader_authorization",
    )
    routes: ClassVar = {
        "upload": ADDED,
        "list": r"POST /kubo/api/v0/pin/ls$",
        "remove": r"POST /kubo/api/v0/pin/rm$",
        "read": r"POST /kubo/api/v0/cat$",
    }

    def held(self):
        return len(self.rehearsal.kubo)

    def lose(self, receipt):
        assert self.rehearsal.kubo.unpin(receipt.cid)

    def mangle(self, content, receipt):
        self.rehearsal.kubo.swap(receipt.cid, b"other bytes")

    def lying_answer(self, content):
        return self.answering(line(OTHER))


def line(identifier):
    return json.dumps({"Name": "x", "Hash": identifier, "Size": "11"}) + "\n"


class TestKuboHost(HttpHostContract):
    bench = bench_of(KuboBench)

    def test_the_identifier_is_the_one_computed_here_and_the_address_of_the_gateway(
        self, bench, make
    ):
        content, file = make(size=600_000)

        receipt = bench.host.upload(content, file)

        assert receipt.cid == receipt.host_id == cid.compute_file(file, Profile.V1)
        assert receipt.url == f"{bench.settings['KUBO_GATEWAY_URL']}/ipfs/{receipt.cid}"

    def test_a_pin_has_the_contents_name(self, bench, make):
        content, file = make()

        receipt = bench.host.upload(content, file)

        assert bench.rehearsal.kubo.pinned(receipt.cid) == content.name

    def test_every_option_is_said_and_no_browser_is_played(self, bench, make):
        with Loopback(reply(400, b"no")) as node:
            with pytest.raises(PermanentError):
                bench.open(KUBO_API_URL=node.url).upload(*make())

            (asked,) = node.asked

        said = dict(pair.split("=") for pair in asked.path.partition("?")[2].split("&"))
        assert (asked.method, asked.path.partition("?")[0]) == ("POST", "/api/v0/add")
        assert (
            said.items()
            >= {
                "cid-version": "1",
                "raw-leaves": "true",
                "chunker": "size-262144",
                "pin": "true",
                "progress": "false",
            }.items()
        )
        assert not {"origin", "referer"} & set(asked.headers)

    def test_a_failure_behind_the_first_answer_is_seen_by_the_pin_that_is_not_there(self, make):
        with Rehearsal(Rehearsed(kubo_disk_bytes=1500)) as rehearsal:
            bench = KuboBench(rehearsal)
            bench.host.upload(*make(1))

            with pytest.raises(TransientError, match="not pinned"):
                bench.host.upload(*make(2))

            assert bench.held() == 1
            bench.close()

    def test_a_pin_that_cannot_be_asked_for_leaves_the_upload_in_doubt(self, bench, make):
        bench.fault("list", {"kind": "status", "status": 500})

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)

    @pytest.mark.parametrize(
        "body",
        ["", "\n", '{"Name": "x", "Bytes": 11}\n', line(OTHER) + line(OTHER), line(OTHER)[:-5]],
    )
    def test_an_answer_without_one_identifier_is_no_receipt(self, bench, make, body):
        bench.fault("upload", bench.answering(body) | {"processed": True})

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert bench.host.find(*make()) is not None

    def test_lines_of_progress_before_the_identifier_are_passed_over(self, bench, make):
        content, file = make()
        said = '{"Name": "x", "Bytes": 11}\n' + line(cid.compute_file(file))
        bench.fault("upload", bench.answering(said) | {"processed": True})

        assert bench.host.upload(content, file).cid == cid.compute_file(file)

    @pytest.mark.parametrize(
        "message",
        [
            "context deadline exceeded",
            f"path '/ipfs/{OTHER}' is not pinned",
            "is not pinned",
            "not pinned",
            "",
        ],
    )
    def test_only_the_nodes_own_words_about_this_identifier_are_an_absence(
        self, bench, make, message
    ):
        said = {"Message": message, "Code": 0, "Type": "error"}
        bench.fault("list", bench.answering(json.dumps(said), 500))

        with pytest.raises(TransientError):
            bench.host.find(*make())

    def test_a_pin_of_something_else_says_nothing_about_ours(self, bench, make):
        pins = {"Keys": {OTHER: {"Type": "recursive"}}}
        bench.fault("list", bench.answering(json.dumps(pins)))

        with pytest.raises(TransientError, match="without the pin"):
            bench.host.find(*make())

    def test_what_is_pinned_in_another_profile_is_found_and_proven(self, bench, make):
        content, file = make(size=600_000)
        theirs = cid.compute_file(file, Profile.V0)
        bench.rehearsal.kubo.keep(theirs, file.read_bytes())
        bench.rehearsal.kubo.pin(theirs)

        receipt = bench.host.find(content, file)

        assert receipt.cid == theirs
        assert bench.host.verify(content, file, receipt) is bench.host.level

    def test_bytes_that_the_node_lost_under_its_pin_are_no_proof(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.rehearsal.kubo.unpin(receipt.cid)
        bench.rehearsal.kubo.collect()
        bench.fault("list", bench.answering(json.dumps({"Keys": {receipt.cid: {}}})))

        with pytest.raises(TransientError):
            bench.host.verify(*make(), receipt)

    def test_without_reading_back_the_pin_is_believed(self, bench, make):
        host = bench.open(KUBO_READ_BACK="false")
        receipt = host.upload(*make())

        assert host.verify(*make(), receipt) is host.level
        assert bench.asked("read") == 0

    def test_a_swapped_byte_is_an_alarm(self, bench, make):
        content, file = make()
        receipt = bench.host.upload(content, file)
        bench.rehearsal.kubo.swap(receipt.cid, file.read_bytes()[:-1] + b"!")

        with pytest.raises(VerificationError, match="other bytes"):
            bench.host.verify(content, file, receipt)

    def test_a_probe_tries_the_right_to_add_and_keeps_nothing(self, bench):
        bench.host.probe()
        with pytest.raises(AuthenticationError, match="check KUBO_AUTHORIZATION"):
            bench.with_key(bench.powerless_key()).probe()

        assert bench.held() == 0

    def test_an_address_that_is_no_node_is_told_as_such(self, bench):
        with pytest.raises(PermanentError, match="check KUBO_API_URL"):
            bench.open(KUBO_API_URL=f"{bench.rehearsal.address}/imgur").probe()

    def test_an_upload_and_its_question_end_within_the_deadline(self, bench):
        assert bench.open(UPLOAD_TIMEOUT="100").deadline > 2 * 200


@pytest.mark.parametrize(
    ("secret", "header"),
    [
        ("bearer:tok:en", "Bearer tok:en"),
        ("token", "Bearer token"),
        ("basic:ann:pa:ss", f"Basic {base64.b64encode(b'ann:pa:ss').decode()}"),
        ("basic:YW5uOnBhc3M=", "Basic YW5uOnBhc3M="),
    ],
)
def test_an_authorization_is_spelled_as_in_the_nodes_configuration(secret, header):
    settings = isolated({"KUBO_AUTHORIZATION": secret})

    assert settings.kubo_header == header
    assert header.partition(" ")[2] in settings.secrets


def test_a_node_may_ask_for_nobodys_name():
    assert isolated({}).kubo_header is None
