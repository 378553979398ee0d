import datetime as dt
import errno
import hashlib
import io
from types import MappingProxyType

import httpx
import pytest

from image_assets.compose import source
from image_assets.core.errors import TransientError, UnreadableImageError
from image_assets.core.model import Partition
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.arrival import Part
from image_assets.services.connections import Reply
from image_assets.services.http import Clock, Http, Retry
from image_assets.settings import isolated
from image_assets_tests.loopback import Loopback, reply

CONTENT = bytes(range(256)) * 4
HALF = len(CONTENT) // 2
ETAG = MappingProxyType({"ETag": '"a"'})
LATER = "Fri, 02 Jan 2026 03:04:05 GMT"
EARLIER = "Fri, 02 Jan 2026 03:04:04 GMT"


def client(*urls: str) -> Http:
    return Http("site", urls, clock=Clock(sleep=lambda _: None), retry=Retry(delay=0.001))


def cut(at: int = HALF, content: bytes = CONTENT, **headers: str) -> bytes:
    """The beginning of a whole file."""
    return reply(200, content[:at], length=len(content), **(headers or ETAG))


def rest(start: int = HALF, *, given: str | None = None, **headers: str) -> bytes:
    """The end of a file; `given` is what it says it is."""
    said = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}" if given is None else given
    return reply(206, CONTENT[start:], Content_Range=said, **(headers or ETAG))


def fetch(tmp_path, *replies: bytes, **options):
    """What becomes of a file that is answered so, and the requests it took."""
    with Loopback(*replies) as server:
        options.setdefault("limit", len(CONTENT))
        got = client(server.url).download(server.url, tmp_path / "new", **options)

    assert (tmp_path / "new").read_bytes() == CONTENT
    assert (got.size, got.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert [file.name for file in tmp_path.iterdir()] == ["new"]
    return [asked.headers for asked in server.asked]


def test_only_the_rest_of_a_cut_file_is_asked_for(tmp_path):
    _, second = fetch(tmp_path, cut(), rest())

    assert (second["range"], second["if-range"]) == (f"bytes={HALF}-", '"a"')


def test_the_time_of_the_last_change_tells_the_rest_of_the_same_file_too(tmp_path):
    dated = {"Last_Modified": EARLIER, "Date": LATER}
    _, second = fetch(tmp_path, cut(**dated), rest(**dated))

    assert second["if-range"] == EARLIER


def test_a_rest_that_is_cut_again_goes_on_from_there(tmp_path):
    first = cut(100)
    middle = reply(
        206, CONTENT[100:300], length=924, Content_Range="bytes 100-1023/1024", ETag='"a"'
    )

    asked = fetch(tmp_path, first, middle, rest(300))

    assert [headers.get("range") for headers in asked] == [None, "bytes=100-", "bytes=300-"]


def test_a_server_that_gives_less_of_the_rest_is_asked_for_what_is_left(tmp_path):
    middle = reply(206, CONTENT[100:300], Content_Range="bytes 100-299/1024", ETag='"a"')

    asked = fetch(tmp_path, cut(100), middle, rest(300))

    assert asked[2]["range"] == "bytes=300-"


def test_an_error_in_between_keeps_the_part(tmp_path):
    asked = fetch(tmp_path, cut(), reply(503), rest())

    assert asked[2]["range"] == f"bytes={HALF}-"


def test_a_file_that_changed_meanwhile_begins_anew(tmp_path):
    old = cut(content=b"old" * 400)

    fetch(tmp_path, old, reply(200, CONTENT, ETag='"b"'))


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Nothing": "known"},
        {"ETag": 'W/"a"'},
        {"Last_Modified": LATER, "Date": LATER},
        {"Last_Modified": EARLIER},
        {"Last_Modified": "yesterday", "Date": LATER},
    ],
    ids=["nothing", "weak", "the same second", "no clock", "no date"],
)
def test_without_a_way_to_tell_the_whole_is_asked_for_again(tmp_path, headers):
    _, second = fetch(tmp_path, cut(**headers), reply(200, CONTENT))

    assert "range" not in second


def test_nothing_of_a_file_is_no_part_of_it(tmp_path):
    _, second = fetch(tmp_path, cut(0), reply(200, CONTENT))

    assert "range" not in second


@pytest.mark.parametrize(
    "answer",
    [
        rest(HALF + 1),
        rest(HALF - 1),
        rest(0),
        rest(given=f"bytes {HALF}-1023/1025"),
        rest(given=f"bytes {HALF}-1023/*"),
        rest(given="512-1023/1024"),
        rest(given=""),
        rest(ETag='"b"'),
        rest(ETag='W/"a"'),
        rest(X_No="tag"),
        reply(206, CONTENT[HALF:], Content_Type="multipart/byteranges; boundary=x", ETag='"a"'),
        reply(416, Content_Range="bytes */100"),
    ],
    ids=["a gap", "an overlap", "the whole as a part", "longer now", "no total", "no unit",
         "no range", "another file", "weak now", "no tag", "several parts", "shorter now"],
)  # fmt: skip
def test_a_rest_that_does_not_fit_is_thrown_away_with_its_part(tmp_path, answer):
    asked = fetch(tmp_path, cut(), answer, reply(200, CONTENT))

    assert ["range" in headers for headers in asked] == [False, True, False]


def test_a_rest_by_time_that_tells_another_time_does_not_fit(tmp_path):
    dated = {"Last_Modified": EARLIER, "Date": LATER}
    other = rest(Last_Modified=LATER)

    asked = fetch(tmp_path, cut(**dated), other, reply(200, CONTENT))

    assert "range" not in asked[2]


def test_a_whole_file_that_is_not_what_was_asked_for_is_no_part_of_it(tmp_path):
    def check(got) -> None:
        if got.head.startswith(b"<"):
            raise TransientError("a page")

    page = reply(200, b"<html>", ETag='"page"')
    _, second = fetch(tmp_path, page, reply(200, CONTENT, **ETAG), check=check)

    assert "range" not in second


def test_a_file_of_unknown_length_is_continued_too(tmp_path):
    head = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: "a"\r\n\r\n'
    chunk = f"{HALF:x}\r\n".encode() + CONTENT[:HALF] + b"\r\n"

    _, second = fetch(tmp_path, head + chunk, rest())

    assert second["range"] == f"bytes={HALF}-"


def test_parts_together_are_no_larger_than_the_limit(tmp_path):
    with (
        Loopback(cut(), rest()) as server,
        pytest.raises(UnreadableImageError, match="more than 1000 bytes"),
    ):
        client(server.url).download(server.url, tmp_path / "new", limit=1000)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_stays_cut_leaves_nothing(tmp_path):
    with Loopback(cut()) as server, pytest.raises(TransientError):
        client(server.url).download(server.url, tmp_path / "new", limit=5000)

    assert list(tmp_path.iterdir()) == []


class FillsUp(io.FileIO):
    """A file on a disk that has room for ten bytes more, and then again for all."""

    full = True

    def write(self, content) -> int:
        if not self.full:
            return super().write(content)
        self.full = False
        super().write(bytes(content[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")


def test_bytes_that_were_written_and_never_counted_are_not_kept(tmp_path):
    path = tmp_path / "file"
    answer = Reply(httpx.Request("GET", "http://site/x"), 200, {"etag": '"a"'}, iter(()))
    with FillsUp(path, "w+") as file:
        part = Part(file, path, limit=5000)
        part.begin("site", answer)
        with pytest.raises(TransientError, match="free space"):
            part.add("site", memoryview(b"x" * 20))
        part.begin("site", answer)
        part.add("site", memoryview(b"y" * 5))
        got = part.finish("site", answer, expected=None)

    assert path.read_bytes() == b"yyyyy"
    assert got.sha256 == hashlib.sha256(b"yyyyy").hexdigest()


def test_the_rehearsal_gives_the_rest_of_a_picture(tmp_path):
    with Rehearsal(Profile(cadence=dt.timedelta(hours=12), gap_share=0)) as rehearsal:
        quick = {"DOWNLOAD_RETRY_DELAY": "0.001"}
        site = source(isolated(rehearsal.environment() | quick), "camera")
        entry = site.list(Partition("camera", "apm/in_gate", "2025-09-01")).entries[0]
        rehearsal.inject("cdn", {"kind": "truncate"}, times=2)
        got = site.fetch(entry, tmp_path / "new")
        statuses = [asked["status"] for asked in rehearsal.requests()["requests"][1:]]

    assert statuses == [200, 206, 206]
    assert got.sha256 == hashlib.sha256((tmp_path / "new").read_bytes()).hexdigest()
    assert got.size == entry.size
