import json
from dataclasses import replace
from typing import ClassVar

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    InDoubtError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.core.model import ImageFormat, Level
from image_assets_tests.drawing import picture
from image_assets_tests.host_bench import ShelfBench, bench_of
from image_assets_tests.host_contract import HostPromises, NotRemovable, Once, Pictures
from image_assets_tests.http_host_contract import (
    HttpPromises,
    PictureHostContract,
    ReadBack,
    SentAgain,
)
from image_assets_tests.loopback import Loopback, reply


class CheveretoBench(ShelfBench):
    destination = "chevereto"
    credential, address = "CHEVERETO_API_KEY", "CHEVERETO_API_URL"
    powerless = "chevereto_denied_key"
    routes: ClassVar = {
        "upload": r"POST /chevereto/api/1/upload$",
        "read": r"GET /chevereto/images/",
    }

    def lying_answer(self, content):
        url = f"{self.settings[self.address]}/images/{self.other_picture()}.jpg"
        return self.answering(json.dumps({"image": {"id_encoded": "other", "url": url}}))

    def says_no(self, code, words, *, status=400, times=None):
        error = {"message": words, "code": code}
        body = json.dumps({"status_code": 400, "error": error, "status_txt": "Bad Request"})
        self.fault("upload", self.answering(body, status), times=times)


class FreeimageBench(CheveretoBench):
    destination = "freeimage"
    credential, address = "FREEIMAGE_API_KEY", "FREEIMAGE_API_URL"
    powerless = "freeimage_denied_key"
    routes: ClassVar = {
        "upload": r"POST /freeimage/api/1/upload$",
        "read": r"GET /freeimage/images/",
    }
    level = Level.L2  # it encodes JPEGs anew


class TestChevereto(PictureHostContract):
    bench = bench_of(CheveretoBench)

    @pytest.mark.parametrize(
        ("code", "words", "error"),
        [
            (100, "Invalid API v1 key.", AuthenticationError),
            (100, "No key provided", AuthenticationError),
            ("100", "Invalid API v1 key.", AuthenticationError),
            (401, "Request denied", AuthenticationError),
            (101, "Duplicated upload", InDoubtError),
            (103, "Duplicated upload", InDoubtError),
            (110, "Invalid API version.", PermanentError),
            (120, "Invalid base64 string.", RejectedError),
            (201, "The uploaded file exceeds the limit of the server", RejectedError),
            (311, "Invalid image", RejectedError),
            (313, "File too big - max 32 MB", RejectedError),
            (
                130,
                "Flooding detected. You can only upload 1000 images per day",
                QuotaExhaustedError,
            ),
            (130, "Flooding detected. You can only upload 500 images per hour", TransientError),
            (130, "Empty upload source.", PermanentError),
            (9999, "Something new", PermanentError),
        ],
    )
    @pytest.mark.parametrize("status", [400, 200])
    def test_what_a_no_means_its_code_and_words_say(self, bench, make, status, code, words, error):
        bench.says_no(code, words, status=status)

        with pytest.raises(error) as raised:
            bench.host.upload(*make())

        assert bench.asked("upload") == 1
        assert isinstance(raised.value, RejectedError) == (error is RejectedError)

    @pytest.mark.parametrize(
        ("code", "words"),
        [(100, "Rate limit reached."), (666, "Concurrency"), (410, "Storage failure")],
    )
    def test_what_was_not_done_is_sent_again(self, bench, make, code, words):
        bench.says_no(code, words, times=2)

        bench.host.upload(*make())

        assert (bench.asked("upload"), bench.held()) == (3, 1)

    def test_a_page_where_an_answer_was_expected_is_no_refusal_of_the_picture(self, bench, make):
        bench.fault("upload", bench.answering("<html>400 The plain HTTP request</html>", 400))

        with pytest.raises(PermanentError, match="check CHEVERETO_API_URL") as raised:
            bench.host.upload(*make())

        assert not isinstance(raised.value, RejectedError)

    def test_what_the_site_has_already_is_shown_in_doubt(self, bench, make):
        bench.host.upload(*make())
        with pytest.raises(InDoubtError, match="does not say where"):
            bench.host.upload(*make())

        assert bench.held() == 1

    def test_a_picture_that_waits_for_approval_is_in_doubt_and_not_sent_again(self, bench, make):
        waiting = {"status_code": 200, "image": {"id_encoded": "abc", "is_approved": 0}}
        bench.fault("upload", bench.answering(json.dumps(waiting)))

        with pytest.raises(InDoubtError, match="approval"):
            bench.host.upload(*make())

        assert bench.asked("upload") == 1

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x/y.jpg", "https://x/ y", 7])
    def test_an_address_that_is_none_leaves_the_upload_in_doubt(self, bench, make, url):
        told = {"image": {"id_encoded": "abc", "url": url}}
        bench.fault("upload", bench.answering(json.dumps(told)))

        with pytest.raises(InDoubtError):
            bench.host.upload(*make())

    def test_what_opens_the_removal_is_kept_and_not_told(self, bench, make):
        receipt = bench.host.upload(*make())
        id, _, secret = receipt.host_id.partition("/")
        with pytest.raises(RejectedError) as raised:
            bench.host.remove(receipt)

        assert (id, secret) == (next(iter(bench.shelf)).id, next(iter(bench.shelf)).secret)
        assert secret not in str(raised.value)

    def test_pictures_at_an_address_nobody_configured_are_not_read(self, bench, make):
        content, file = make()
        with Loopback(reply(200, file.read_bytes())) as elsewhere:
            receipt = replace(bench.host.upload(content, file), url=f"{elsewhere.url}/x.jpg")
            with pytest.raises(RejectedError):
                bench.host.verify(content, file, receipt)

            assert elsewhere.asked == []

    def test_pictures_are_read_where_the_settings_say_and_without_the_key(self, bench, make):
        content, file = make()
        with Loopback(reply(200, file.read_bytes())) as images:
            host = bench.open(CHEVERETO_IMAGES_URL=images.url)
            receipt = replace(host.upload(content, file), url=f"{images.url}/x.jpg")
            level = host.verify(content, file, receipt)

            (asked,) = images.asked

        assert level is Level.L3
        assert bench.secret not in f"{asked.path} {asked.headers} {asked.body!r}"

    def test_a_format_that_the_site_does_not_take_is_not_sent(self, bench, make):
        with pytest.raises(PermanentError, match=r"takes no AVIF.*nothing was sent"):
            bench.host.upload(*make(format=ImageFormat.AVIF))

        assert bench.asked("upload") == 0

    def test_a_file_that_is_too_large_is_not_sent(self, bench, make):
        with pytest.raises(PermanentError, match=r"takes 100 bytes of JPEG.*nothing was sent"):
            bench.open(CHEVERETO_MAX_BYTES="100").upload(*make())

        assert bench.asked("upload") == 0

    def test_a_probe_tries_the_key_and_sends_nothing(self, bench):
        bench.host.probe()
        with pytest.raises(AuthenticationError, match="check CHEVERETO_API_KEY"):
            bench.with_key("wrong").probe()

        assert bench.held() == 0

    def test_a_site_that_gives_equal_bytes_one_address_can_be_told_so(self, bench, make):
        assert bench.open(CHEVERETO_SAME_ADDRESS="true").find(*make()) is None


class TestFreeimage(Pictures, HostPromises, Once, NotRemovable, HttpPromises, SentAgain, ReadBack):
    bench = bench_of(FreeimageBench)

    def test_what_it_encodes_anew_is_the_same_picture_and_other_bytes(self, bench, make):
        content, file = make()
        bench.host.upload(content, file)

        (item,) = bench.shelf

        assert bench.shelf.content(item) != file.read_bytes()
        assert bench.host.verify(content, file, bench.host.upload(content, file)) is Level.L2

    def test_a_png_is_shown_as_it_was_sent(self, bench, make):
        content, file = make(body=picture(1, format="PNG"), format=ImageFormat.PNG)

        assert bench.host.verify(content, file, bench.host.upload(content, file)) is Level.L3

    def test_sending_again_is_as_good_as_asking(self, bench, make):
        receipt = bench.host.upload(*make())

        assert bench.host.find(*make()) is None
        assert bench.host.upload(*make()) == receipt

    def test_should_it_no_longer_do_so_what_is_in_doubt_is_shown(self, bench, make):
        host = bench.open(FREEIMAGE_SAME_ADDRESS="false")
        bench.fault("upload", {"kind": "drop_after"})
        with pytest.raises(InDoubtError):
            host.upload(*make())
        with pytest.raises(InDoubtError, match="cannot be asked"):
            host.find(*make())

        assert bench.asked("upload") == 1
