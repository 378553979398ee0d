"""Exports by their open addresses: tags, parts, and names that lead nowhere."""

import email
import hashlib
import os
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from image_assets_tests.delivery.site import NAME, Site
from image_assets_tests.delivery.site import site as serve
from image_assets_tests.drawing import picture

JPEG = picture(1, format="JPEG")
URL = f"/static/output/{NAME}"
LARGE = bytes(range(256)) * 10_000  # more than is read in one go


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serve(tmp_path_factory.mktemp("data")) as site:
        site.export(JPEG)
        site.export(LARGE, "large.png")
        site.export(b"", "empty.png")
        yield site


def test_an_export_is_found_at_its_open_address_for_ever(site):
    answer = site.ask(URL)

    assert (answer.status, answer.body) == (200, JPEG)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_its_tag_is_the_hash_of_its_content(site):
    assert site.ask(URL).headers["etag"] == f'"{hashlib.sha256(JPEG).hexdigest()}"'


def test_other_content_under_the_same_name_has_another_tag(site):
    """Even when size and times are those of before, as long as the file is another."""
    first = site.ask(f"/static/output/{site.export(b'one', 'changing.png')}").headers["etag"]
    file = site.data / "exports/changing.png"
    other = file.with_name("other.png")
    other.write_bytes(b"two")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)

    assert site.ask("/static/output/changing.png").headers["etag"] != first


@pytest.mark.parametrize("tags", ["{tag}", "W/{tag}", '"x", {tag}', "*", '"x",W/{tag}, "y"'])
def test_who_has_it_is_not_sent_it_again(site, tags):
    tag = site.ask(URL).headers["etag"]

    answer = site.ask(URL, If_None_Match=tags.replace("{tag}", tag))

    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)


@pytest.mark.parametrize("tags", ['"x"', "", "{unquoted}", '"'])
def test_who_has_something_else_is_sent_it(site, tags):
    unquoted = site.ask(URL).headers["etag"].strip('"')

    assert site.ask(URL, If_None_Match=tags.replace("{unquoted}", unquoted)).status == 200


def test_who_asks_by_date_is_answered_by_date_unless_there_is_a_tag(site):
    written = site.ask(URL).headers["last-modified"]

    assert site.ask(URL, If_Modified_Since=written).status == 304
    assert site.ask(URL, If_Modified_Since=formatdate(0, usegmt=True)).status == 200
    assert site.ask(URL, If_Modified_Since="yesterday").status == 200
    assert site.ask(URL, If_Modified_Since=written, If_None_Match='"x"').status == 200


@pytest.mark.parametrize(
    ("range", "part"), [("0-9", (0, 10)), ("-5", (-5, None)), ("7-", (7, None))]
)
def test_a_part_is_sent_alone(site, range, part):
    answer = site.ask(URL, Range=f"bytes={range}")

    assert (answer.status, answer.body) == (206, JPEG[slice(*part)])
    assert answer.headers["content-range"].endswith(f"/{len(JPEG)}")
    assert answer.headers["etag"] == site.ask(URL).headers["etag"]


def test_a_part_that_is_not_there_is_refused_with_the_size(site):
    answer = site.ask(URL, Range=f"bytes={len(JPEG)}-")

    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(JPEG)}"


def test_several_parts_are_sent_apart(site):
    answer = site.ask(URL, Range="bytes=0-3,10-13")

    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + answer.body).get_payload()
    assert answer.status == 206
    assert len(answer.body) == int(answer.headers["content-length"])
    assert [part["Content-Range"] for part in parts] == [
        f"bytes 0-3/{len(JPEG)}",
        f"bytes 10-13/{len(JPEG)}",
    ]
    assert answer.body.count(JPEG[10:14]) == 1


def test_a_header_does_not_make_an_answer_many_times_the_file(site):
    answer = site.ask(URL, Range="bytes=" + ",".join(["0-"] * 50 + ["5-"] * 50))

    assert (answer.status, answer.body) == (206, JPEG)


@pytest.mark.parametrize(
    ("condition", "status"), [("{tag}", 206), ("{date}", 206), ('"x"', 200), ("W/{tag}", 200)]
)
def test_a_part_is_sent_only_of_the_file_that_was_begun(site, condition, status):
    headers = site.ask(URL).headers
    spelled = condition.replace("{tag}", headers["etag"]).replace(
        "{date}", headers["last-modified"]
    )

    answer = site.ask(URL, Range="bytes=0-9", If_Range=spelled)

    assert (answer.status, len(answer.body)) == (status, 10 if status == 206 else len(JPEG))


def test_a_large_file_and_its_parts_are_sent_whole(site):
    url = "/static/output/large.png"

    assert site.ask(url).body == LARGE
    assert site.ask(url, Range="bytes=3-2500000").body == LARGE[3:2500001]
    assert len(site.ask(url, Range="bytes=0-1999999,2000001-").body) > len(LARGE)


def test_an_empty_file_is_sent(site):
    assert (site.ask("/static/output/empty.png").status, site.ask(URL).status) == (200, 200)


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}, {"Range": "bytes=999999999-"}])
def test_head_says_what_get_would_of_the_whole(site, headers):
    get, head = site.ask(URL), site.ask(URL, "HEAD", **headers)

    assert (head.status, head.body) == (200, b"")
    told = ("content-length", "content-type", "etag", "cache-control", "last-modified")
    assert [head.headers[name] for name in told] == [get.headers[name] for name in told]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading_is_allowed(site, method):
    answer = site.ask(URL, method)

    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "path",
    [
        "", ".", "./", "..", "../secret.txt", "../public/secret.txt", "..%2fsecret.txt",
        "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "%252e%252e%252fsecret.txt", "..\\secret.txt",
        "..%5csecret.txt", "..%c0%afsecret.txt", "thumbnail", "thumbnail/", "thumbnail/01", "//secret.txt",
        "thumbnail%2f01%2f{file}", "thumbnail/01/%30123456789abcdef01234567-89abcdef.jpg",
        "thumbnail//01/{file}", "thumbnail/./01/{file}", "thumbnail/01/../01/{file}", "%00",
        "thumbnail/01/{file}%00", "thumbnail/01/{file}/", "thumbnail/01/{file}%20", ".hidden.png",
        "a" * 300, "a/" * 600, "%e2%80%aegpj.exe", "link.png", "linked/secret.txt", "%0d%0aX:%20y",
        "con", "C:\\secret.txt", "file:%2f%2f%2fetc%2fpasswd", "/etc/passwd", "%2fetc%2fpasswd",
    ],
)  # fmt: skip
def test_no_name_leads_out_of_the_exports(site, path):
    (site.data / "secret.txt").write_text("root: the secret")
    (site.data / "exports/.hidden.png").write_text("root: hidden")
    for name, target in (("link.png", "secret.txt"), ("linked", "")):
        link = site.data / "exports" / name
        if not link.is_symlink():
            link.symlink_to(site.data / target)

    answer = site.ask("/static/output/" + path.replace("{file}", NAME.rpartition("/")[2]))

    assert answer.status == 404
    assert b"root:" not in answer.body


def test_a_file_that_just_changed_is_hashed_again(site):
    """Within a tick of the file system's clock a second change shows in nothing but the content."""
    first = site.ask(f"/static/output/{site.export(b'one', 'ticking.png')}").headers["etag"]
    file = site.data / "exports/ticking.png"
    before = file.stat()
    with file.open("r+b") as opened:
        opened.write(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert site.ask("/static/output/ticking.png").headers["etag"] != first


def test_a_store_that_is_not_there_is_not_an_absent_file(tmp_path):
    with serve(tmp_path / "data") as site:
        site.export(JPEG)
        (tmp_path / "data").rename(tmp_path / "unmounted")

        answer = site.ask(URL)

    assert answer.status == 500
    assert str(tmp_path).encode() not in answer.body


class Rebuilds:
    """Makes one export again, under the key it had or under another one."""

    def __init__(self, site_data, key: str, becomes: str) -> None:
        self._data, self._key, self._becomes = site_data, key, becomes
        self.asked: list[tuple[str, str | None]] = []

    def rebuild(self, key: str, tenant: str | None) -> str | None:
        self.asked.append((key, tenant))
        if key != self._key:
            return None
        file = self._data / self._becomes
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(JPEG)
        return self._becomes


def test_an_expired_export_is_made_again_when_it_is_asked_for(tmp_path):
    rebuilds = Rebuilds(tmp_path, f"exports/{NAME}", f"exports/{NAME}")
    with serve(tmp_path, rebuilder=rebuilds) as site:
        first, again, other = site.ask(URL), site.ask(URL), site.ask(f"{URL}.png")

    assert (first.status, first.body, again.body) == (200, JPEG, JPEG)
    assert first.headers["cache-control"].endswith("immutable")
    assert other.status == 404
    assert rebuilds.asked == [(f"exports/{NAME}", None), (f"exports/{NAME}.png", None)]


def test_what_stands_in_for_an_expired_export_is_not_kept_for_ever(tmp_path):
    rebuilds = Rebuilds(tmp_path, f"exports/{NAME}", "exports/thumbnail/01/newer.jpg")
    with serve(tmp_path, rebuilder=rebuilds) as site:
        answer = site.ask(URL)

    assert (answer.status, answer.body) == (200, JPEG)
    assert answer.headers["cache-control"] == "no-cache"
