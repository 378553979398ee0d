import json
from typing import ClassVar

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets_tests.host_bench import ShelfBench, bench_of
from image_assets_tests.http_host_contract import PictureHostContract
from image_assets_tests.loopback import Loopback, reply


class ImgbbBench(ShelfBench):
    destination = "imgbb"
    credential, address, powerless = "IMGBB_API_KEY", "IMGBB_API_URL", "imgbb_denied_key"
    routes: ClassVar = {"upload": r"POST /imgbb/1/upload$", "read": r"GET /imgbb/images/"}

    def lying_answer(self, content):
        url = f"{self.settings[self.address]}/images/{self.other_picture()}/other.jpg"
        return self.answering(json.dumps({"data": {"id": "other", "url": url}}))


class TestImgbb(PictureHostContract):
    bench = bench_of(ImgbbBench)

    def test_the_key_travels_in_the_form_and_in_no_address(self, bench, make):
        with Loopback(reply(400, b"{}")) as server:
            with pytest.raises(RejectedError):
                bench.open(IMGBB_API_URL=server.url).upload(*make())

            (asked,) = server.asked

        assert asked.path == "/1/upload"
        assert bench.secret.encode() in asked.body
        assert bench.secret not in f"{asked.headers}"

    @pytest.mark.parametrize(
        ("words", "error", "times"),
        [
            ("Rate limit reached.", TransientError, 3),
            ("Invalid API v1 key.", AuthenticationError, 1),
        ],
    )
    def test_a_rate_limit_and_a_bad_key_have_one_code_and_other_words(
        self, bench, make, words, error, times
    ):
        said = {"status_code": 400, "error": {"message": words, "code": 100}}
        bench.fault("upload", bench.answering(json.dumps(said), 400))

        with pytest.raises(error):
            bench.host.upload(*make())

        assert bench.asked("upload") == times

    def test_equal_bytes_sent_twice_are_two_pictures(self, bench, make):
        urls = {bench.host.upload(*make()).url for _ in range(2)}

        assert (len(urls), bench.held()) == (2, 2)

    def test_a_picture_is_named_by_its_content_and_arrives_unchanged(self, bench, make):
        content, file = make()
        bench.host.upload(content, file)

        (item,) = bench.shelf

        assert item.name == content.name.removesuffix(".jpg")
        assert bench.shelf.content(item) == file.read_bytes()

    def test_a_picture_that_expired_there_is_not_verified(self, bench, make):
        host = bench.open(IMGBB_EXPIRATION="60")
        receipt = host.upload(*make())
        bench.rehearsal.clock.advance(61)

        with pytest.raises(NotFoundError):
            host.verify(*make(), receipt)

    def test_more_than_thirty_two_megabytes_are_not_sent(self, bench, make):
        with pytest.raises(PermanentError, match=r"takes 32,000,000 bytes.*nothing was sent"):
            bench.host.upload(*make(size=1000, body=b"x" * 32_000_001))

        assert bench.asked("upload") == 0

    def test_what_opens_the_removal_is_kept_and_not_told(self, bench, make):
        receipt = bench.host.upload(*make())
        with pytest.raises(RejectedError) as raised:
            bench.host.remove(receipt)

        (item,) = bench.shelf

        assert receipt.host_id == f"{item.id}/{item.secret}"
        assert item.secret not in str(raised.value)
        assert bench.host.image_id(receipt) == item.id

    def test_a_probe_tries_the_key_and_sends_nothing(self, bench):
        bench.host.probe()
        with pytest.raises(AuthenticationError, match="check IMGBB_API_KEY"):
            bench.with_key("wrong").probe()

        assert bench.held() == 0
