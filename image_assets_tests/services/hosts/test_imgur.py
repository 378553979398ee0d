import io
import json
from dataclasses import replace
from typing import ClassVar

import httpx
import pytest
from PIL import Image

from image_assets.core.errors import (
    AuthenticationError,
    InDoubtError,
    NotFoundError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import ImageFormat, Level
from image_assets.rehearsal import Profile, Rehearsal
from image_assets_tests.drawing import encoded, noise
from image_assets_tests.host_bench import ShelfBench, bench_of
from image_assets_tests.host_contract import HostPromises, NotAskable, Pictures, Removable
from image_assets_tests.http_host_contract import HttpPromises, HttpRemovable, ReadBack, SentOnce


class ImgurBench(ShelfBench):
    destination = "imgur"
    credential = "IMGUR_CLIENT_ID"
    address = "IMGUR_API_URL"
    powerless = "imgur_blocked_client_id"
    routes: ClassVar = {
        "upload": r"POST /imgur/3/image$",
        "credits": r"GET /imgur/3/credits$",
        "tell": r"GET /imgur/3/image/",
        "remove": r"DELETE /imgur/3/image/",
        "read": r"GET /imgur/images/",
    }

    def item(self, receipt):
        return receipt.url.rpartition("/")[2].partition(".")[0]

    def lying_answer(self, content):
        return self.uploaded(id=self.other_picture())

    def uploaded(self, **data):
        known = {"id": "orunSTu", "type": "image/jpeg", "deletehash": "x70po4w7BVvSUzZ"}
        told = {"data": known | data, "success": True, "status": 200}
        return self.answering(json.dumps(told))

    def refused(self, error, status, *, under=None, **headers):
        told = {"data": {"error": error, "request": "/3/image"}, "success": False, "status": status}
        return {**self.answering(json.dumps(told), under or status), "headers": headers}


class TestImgurHost(
    Pictures, HostPromises, NotAskable, Removable, HttpPromises, SentOnce, HttpRemovable, ReadBack
):
    bench = bench_of(ImgurBench)

    def test_a_wrong_key_is_told_before_anything_is_sent(self, bench, make):
        with pytest.raises(AuthenticationError, match="check IMGUR_CLIENT_ID"):
            bench.with_key("wrong").upload(*make())

        assert (bench.asked("credits"), bench.asked("upload"), bench.held()) == (1, 0, 0)

    def test_a_day_that_another_process_spent_is_not_overrun(self, bench, make):
        told = {"data": {"ClientRemaining": 9}, "success": True, "status": 200}
        bench.fault("credits", bench.answering(json.dumps(told)))

        with pytest.raises(QuotaExhaustedError):
            bench.host.upload(*make())

        assert bench.asked("upload") == 0

    def test_what_is_left_is_asked_for_once(self, bench, make):
        for seed in (1, 2):
            bench.host.upload(*make(seed))

        assert bench.asked("credits") == 1

    def test_the_address_is_of_the_id_and_the_receipt_keeps_the_delete_hash(self, bench, make):
        receipt = bench.host.upload(*make())

        (item,) = bench.shelf
        assert receipt.url == f"{bench.settings['IMGUR_IMAGES_URL']}/{item.id}.jpg"
        assert receipt.host_id == item.secret[:15]

    def test_each_upload_is_a_picture_of_its_own(self, bench, make):
        urls = {bench.host.upload(*make()).url for _ in range(2)}

        assert (len(urls), bench.held()) == (2, 2)

    def test_an_address_without_tls_and_of_the_small_picture_are_not_believed(self, bench, make):
        bench.fault("upload", bench.uploaded(link="http://i.imgur.com/orunSTuh.gif"))

        receipt = bench.host.upload(*make())

        assert receipt.url.endswith("/orunSTu.jpg")

    @pytest.mark.parametrize("kind", ["video/mp4", "image/png", "image/webp"])
    def test_what_became_something_else_is_taken_down_again_and_told(self, bench, make, kind):
        bench.fault("upload", bench.uploaded(type=kind))

        with pytest.raises(RejectedError, match=f"made {kind} of it"):
            bench.host.upload(*make())

        assert bench.asked("remove") == 1

    def test_what_cannot_be_taken_down_again_is_told_with_its_address_and_refused(
        self, bench, make
    ):
        """Whatever else it were called, a next run would send it once more."""
        bench.fault("upload", bench.uploaded(type="video/mp4"))
        bench.fault("remove", {"kind": "status", "status": 500})

        with pytest.raises(RejectedError, match=r"still at http.*orunSTu"):
            bench.host.upload(*make())

    def test_a_png_that_would_come_back_as_a_jpeg_is_not_sent(self, bench, make):
        content, file = make()
        large = replace(content, format=ImageFormat.PNG, size=5_000_001)

        with pytest.raises(PermanentError, match="takes 5,000,000 bytes of PNG") as raised:
            bench.host.upload(large, file)

        assert not isinstance(raised.value, RejectedError)
        assert bench.asked("upload") == 0

    @pytest.mark.parametrize("format", [ImageFormat.WEBP, ImageFormat.BMP, ImageFormat.AVIF])
    def test_a_format_that_imgur_turns_into_another_is_not_sent(self, bench, make, format):
        content, file = make()

        with pytest.raises(PermanentError, match=f"takes no {format.upper()}"):
            bench.host.upload(replace(content, format=format), file)

        assert bench.asked("upload") == 0

    def test_a_jpeg_that_was_encoded_anew_is_proven_by_its_look(self, bench, make):
        content, file = make()
        receipt = bench.host.upload(content, file)
        with Image.open(file) as image:
            out = io.BytesIO()
            image.save(out, "JPEG", quality=70)
        bench.swap(receipt, out.getvalue())

        assert bench.host.verify(content, file, receipt) is Level.L2

    def test_a_picture_that_is_gone_is_told_by_the_api_and_not_by_its_placeholder(
        self, bench, make
    ):
        receipt = bench.host.upload(*make())
        bench.lose(receipt)

        with pytest.raises(NotFoundError):
            bench.host.verify(*make(), receipt)

        assert bench.asked("read") == 0

    def test_the_site_that_is_not_imgurs_api_proves_no_absence(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("tell", bench.answering("<html>404</html>", 404))

        with pytest.raises(PermanentError, match="check IMGUR_API_URL") as raised:
            bench.host.verify(*make(), receipt)

        assert not isinstance(raised.value, NotFoundError)

    def test_another_type_at_imgur_is_an_alarm(self, bench, make):
        receipt = bench.host.upload(*make())
        bench.fault("tell", bench.uploaded(type="video/mp4"))

        with pytest.raises(VerificationError, match="video/mp4"):
            bench.host.verify(*make(), receipt)

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, RejectedError),
            (403, AuthenticationError),
            (500, InDoubtError),
            ("no", InDoubtError),
        ],
    )
    def test_a_refusal_under_200_is_a_refusal(self, bench, make, status, error):
        bench.fault("upload", bench.refused("no", status, under=200))

        with pytest.raises(error):
            bench.host.upload(*make())

        assert bench.asked("upload") == 1

    @pytest.mark.parametrize("status", [200, 400, 429])
    def test_an_hour_that_is_used_up_is_told_with_its_wait(self, bench, make, status):
        said = "You are uploading too fast. Please wait 59 more minutes."
        bench.fault("upload", bench.refused(said, 429, under=status))

        with pytest.raises(TransientError) as raised:
            bench.host.upload(*make())

        assert (raised.value.retry_after, bench.asked("upload")) == (59 * 60.0, 1)

    @pytest.mark.parametrize("reset", ["3600", "now + 3600"])
    def test_a_reset_is_seconds_or_a_time(self, bench, make, reset):
        at = int(bench.rehearsal.clock.epoch()) + 3600
        told = {"X-RateLimit-UserRemaining": "0",
                "X-RateLimit-UserReset": reset if reset == "3600" else str(at)}  # fmt: skip
        bench.fault("upload", {**bench.answering("", 429), "headers": told})

        with pytest.raises(TransientError) as raised:
            bench.host.upload(*make())

        assert raised.value.retry_after == pytest.approx(3600, abs=30)

    def test_the_other_shape_of_too_many_requests_is_waited_out(self, bench, make):
        told = {"errors": [{"id": "legacy-api-1", "code": "429", "detail": "Too Many Requests"}]}
        bench.fault("upload", bench.answering(json.dumps(told), 429), times=1)

        bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (2, 1)

    def test_a_spent_day_is_known_from_the_last_answer_and_never_overrun(self, bench, make):
        spent = {"X-RateLimit-ClientRemaining": "9"}
        bench.fault("upload", {**bench.uploaded(), "headers": spent}, times=1)
        bench.host.upload(*make(1))

        with pytest.raises(QuotaExhaustedError, match="spent"):
            bench.host.upload(*make(2))

        assert bench.asked("upload") == 1

    def test_a_removal_without_an_answer_about_it_never_tells_the_delete_hash(
        self, bench, make, caplog
    ):
        caplog.set_level("DEBUG")
        receipt = bench.host.upload(*make())
        bench.fault("remove", bench.refused(f"no {receipt.host_id}", 500))

        with pytest.raises(TransientError) as raised:
            bench.host.remove(receipt)

        assert receipt.host_id not in f"{raised.value} {caplog.text}"

    def test_a_probe_sends_nothing_and_tells_a_wrong_client(self, bench):
        bench.host.probe()

        with pytest.raises(AuthenticationError, match="check IMGUR_CLIENT_ID"):
            bench.with_key("wrong").probe()
        assert bench.held() == 0


class TestTheStandIn(Pictures):
    bench = bench_of(ImgurBench)

    def test_a_day_of_two_uploads_ends_after_two_and_is_never_overrun(self, make):
        with Rehearsal(Profile(imgur_daily_uploads=2)) as rehearsal:
            bench = ImgurBench(rehearsal)
            for seed in (1, 2):
                bench.host.upload(*make(seed))

            with pytest.raises(QuotaExhaustedError):
                bench.host.upload(*make(3))
            with pytest.raises(QuotaExhaustedError):
                bench.open().probe()

            assert bench.asked("upload") == 2
            bench.close()

    def test_it_makes_a_jpeg_of_a_large_png(self, bench):
        large = encoded(noise(1, (1300, 1300)), "PNG")
        key = {"Authorization": f"Client-ID {bench.secret}"}

        answer = httpx.post(
            f"{bench.settings['IMGUR_API_URL']}/3/image",
            files={"image": ("x.png", large)},
            headers=key,
            trust_env=False,
        )

        assert answer.json()["data"]["type"] == "image/jpeg"
        assert answer.json()["data"]["size"] < len(large)
