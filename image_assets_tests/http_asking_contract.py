"""What a host over HTTP does with questions, removals and readings that fail."""

from dataclasses import replace

import pytest
from PIL import Image

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    NotFoundError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets_tests.drawing import encoded


class HttpAskable:
    """A host that is asked over HTTP."""

    def test_a_wrong_key_is_no_absence(self, bench, make):
        with pytest.raises(AuthenticationError, match=r"check [A-Z_]+"):
            bench.with_key("wrong").find(*make())

        assert bench.asked("list") == 1

    def test_an_upload_in_doubt_is_found_by_asking(self, bench, make, level):
        bench.fault("upload", {"kind": "drop_after"})
        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        receipt = bench.host.find(*make())

        assert (bench.asked("upload"), bench.held()) == (1, 1)
        assert bench.host.verify(*make(), receipt) is level

    def test_an_upload_that_never_arrived_is_not_found(self, bench, make):
        bench.fault("upload", {"kind": "drop_before"}, times=1)
        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

        assert bench.host.find(*make()) is None

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


class HttpRemovable:
    """A host that is told to remove over HTTP."""

    def test_a_removal_without_the_right_is_told_and_removes_nothing(self, bench, make):
        receipt = bench.host.upload(*make())
        with pytest.raises(AuthenticationError):
            bench.with_key(bench.powerless_key()).remove(receipt)

        assert bench.held() == 1

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


class ReadBack:
    """A host that is verified by reading the address that it gave."""

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 429},
            {"kind": "drop_before"},
            {"kind": "truncate"},
            {"kind": "html"},
        ],
        ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
    )
    def test_a_reading_that_fails_once_is_tried_again(self, bench, make, level, fault):
        receipt = bench.host.upload(*make())
        bench.fault("read", fault, times=1)

        assert bench.host.verify(*make(), receipt) is level

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 403},
            {"kind": "status", "status": 429},
            {"kind": "drop_before"},
            {"kind": "truncate"},
            {"kind": "html"},
        ],
        ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
    )
    def test_a_reading_that_keeps_failing_proves_nothing(self, bench, make, fault):
        receipt = bench.host.upload(*make())
        bench.fault("read", fault)

        with pytest.raises(ImageAssetsError) as raised:
            bench.host.verify(*make(), receipt)

        assert not isinstance(raised.value, NotFoundError | VerificationError)

    def test_another_picture_at_the_address_is_an_alarm(self, bench, make):
        receipt = bench.host.upload(*make(1))
        bench.swap(receipt, make(2)[1].read_bytes())

        with pytest.raises(VerificationError):
            bench.host.verify(*make(1), receipt)

    def test_a_picture_that_the_host_cut_is_an_alarm(self, bench, make):
        content, file = make()
        receipt = bench.host.upload(content, file)
        bench.swap(receipt, file.read_bytes()[: content.size // 2])

        with pytest.raises(VerificationError):
            bench.host.verify(content, file, receipt)

    def test_a_picture_that_the_host_made_smaller_is_an_alarm(self, bench, make):
        content, file = make(size=600_000)
        receipt = bench.host.upload(content, file)
        with Image.open(file) as image:
            bench.swap(receipt, encoded(image.resize((480, 270)), self.format.value))

        with pytest.raises(VerificationError, match="480 x 270"):
            bench.host.verify(content, file, receipt)

    def test_a_receipt_that_leads_elsewhere_is_not_followed(self, bench, make):
        receipt = bench.host.upload(*make())
        for url in ("http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "//x/y"):
            with pytest.raises(RejectedError):
                bench.host.verify(*make(), replace(receipt, url=url))
