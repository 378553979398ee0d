"""What is published, the reports and the page, over real HTTP."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from image_assets.delivery.app import create_app
from image_assets.settings import isolated
from image_assets_tests.delivery.site import Site
from image_assets_tests.delivery.site import site as serve
from image_assets_tests.drawing import picture

SHA = "0123456789abcdef" * 4
JPEG, PNG, WEBP = (picture(1, format=name) for name in ("JPEG", "PNG", "WEBP"))
FILES = {f"{SHA}.jpg": JPEG, f"{SHA}.png": PNG, f"{SHA}.webp": WEBP}
HOSTILE = [
    "<img src=x onerror=alert(1)>.jpg",
    '"><script>alert(1)<!--.jpg',
    "' onload='alert(1).jpg",
    "a?b#c&d.jpg",
    "100%.jpg",
    "%2e%2e.jpg",
    "javascript:alert(1).jpg",
]
UNPRINTABLE = ["two\nlines.jpg", "\u202egpj.exe.jpg", "\x1b[31mred.jpg"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("data")
    (data / "reports").mkdir()
    with serve(data) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    """With three published files, and no trace of other tests."""
    for file in running.public.iterdir():
        if file.is_file() or file.is_symlink():
            file.unlink()
    for name, content in FILES.items():
        (running.public / name).write_bytes(content)
    return running


@pytest.mark.parametrize(
    ("name", "type"), [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")]
)
def test_a_published_file_is_served_under_its_type(site, name, type):
    answer = site.ask(f"/files/{SHA}.{name}")

    assert (answer.status, answer.body) == (200, FILES[f"{SHA}.{name}"])
    assert answer.headers["content-type"] == type


def test_types_do_not_depend_on_what_the_machine_knows(site, monkeypatch):
    monkeypatch.setattr("starlette.responses.guess_type", lambda *_, **__: (None, None))

    assert site.ask(f"/files/{SHA}.webp").headers["content-type"] == "image/webp"


def test_what_is_no_picture_is_never_a_page(site):
    (site.public / "page.html").write_text("<script>alert(1)</script>")

    answer = site.ask("/files/page.html")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_may_be_kept_for_ever_as_its_name_is_its_hash(site):
    answer = site.ask(f"/files/{SHA}.jpg")

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/", "/healthz", f"/files/{SHA}.jpg", "/files/none.jpg", "/none"])
def test_every_answer_forbids_sniffing_and_foreign_content(site, path):
    headers = site.ask(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["referrer-policy"] == "no-referrer"


def test_an_error_is_not_kept(site):
    assert "cache-control" not in site.ask("/files/none.jpg").headers


def test_a_file_that_did_not_change_is_not_sent_again(site):
    first = site.ask(f"/files/{SHA}.jpg")

    again = site.ask(f"/files/{SHA}.jpg", If_None_Match=first.headers["etag"])

    assert (again.status, again.body) == (304, b"")
    assert again.headers["cache-control"] == first.headers["cache-control"]


def test_a_file_with_another_tag_is_sent(site):
    assert site.ask(f"/files/{SHA}.jpg", If_None_Match='"other"').status == 200


def test_a_part_of_a_file_is_served(site):
    answer = site.ask(f"/files/{SHA}.jpg", Range="bytes=10-19")

    assert (answer.status, answer.body) == (206, JPEG[10:20])
    assert answer.headers["content-range"] == f"bytes 10-19/{len(JPEG)}"
    assert answer.headers["content-type"] == "image/jpeg"


def test_a_part_beyond_the_end_is_refused(site):
    assert site.ask(f"/files/{SHA}.jpg", Range="bytes=9999999-").status == 416


@pytest.mark.parametrize("path", ["/", "/healthz", f"/files/{SHA}.jpg"])
def test_head_says_what_get_would_without_the_body(site, path):
    get, head = site.ask(path), site.ask(path, "HEAD")

    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(site, method):
    assert site.ask(f"/files/{SHA}.jpg", method).status == 405
    assert (site.public / f"{SHA}.jpg").read_bytes() == JPEG


@pytest.mark.parametrize("path", ["/files", "/files/", "/files/.", "/files/./", "/files//"])
def test_folders_are_not_listed(site, path):
    answer = site.ask(path)

    assert answer.status in (307, 404)
    assert SHA.encode() not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/files/../secret.txt",
        "/files/%2e%2e/secret.txt",
        "/files/..%2fsecret.txt",
        "/files/%2e%2e%2fsecret.txt",
        "/files/%252e%252e%252fsecret.txt",
        "/files/..\\secret.txt",
        "/files/..%5csecret.txt",
        "/files/.../..%2f../secret.txt",
        f"/files/{SHA}.jpg/../../secret.txt",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/sub/../../secret.txt",
        "/files/%00",
        "/files/secret.txt%00.jpg",
        "/files/" + "a" * 5000,
        "/files/link.jpg",
        "/files/linked/secret.txt",
    ],
)
def test_no_path_leads_out_of_the_folder(site, path):
    (site.data / "secret.txt").write_text("root: the secret")
    (site.public / "link.jpg").symlink_to(site.data / "secret.txt")
    (site.public / "linked").symlink_to(site.data)

    answer = site.ask(path)

    assert answer.status == 404
    assert b"root:" not in answer.body


@pytest.mark.parametrize("path", [".parts/half.jpg", ".hidden.jpg", "%2eparts/half.jpg", ".parts"])
def test_what_is_still_being_written_is_not_public(site, path):
    (site.public / ".parts").mkdir(exist_ok=True)
    (site.public / ".parts/half.jpg").write_bytes(JPEG[:100])
    (site.public / ".hidden.jpg").write_bytes(JPEG)

    assert site.ask(f"/files/{path}").status == 404


def test_the_page_shows_the_newest_pictures_first(site):
    for age, name in enumerate(["new", "older", "oldest"]):
        (site.public / f"{name}.jpg").write_bytes(JPEG)
        os.utime(site.public / f"{name}.jpg", (2e9 - age, 2e9 - age))

    page = site.ask("/").body.decode()

    shown = re.findall(r'src="/files/(\w+)\.jpg"', page)
    assert shown[:3] == ["new", "older", "oldest"]
    assert set(shown) == {"new", "older", "oldest", SHA}


def test_the_page_does_not_grow_with_the_folder(site):
    for number in range(100):
        (site.public / f"{number}.jpg").write_bytes(b"")

    assert site.ask("/").body.count(b"<img") == 60


def test_an_empty_folder_says_what_to_do(site):
    for name in FILES:
        (site.public / name).unlink()

    page = site.ask("/").body.decode()

    assert "<img" not in page
    assert "materialise <code>camera/uploaded_urls/local</code>" in page


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_an_address_and_nothing_else(site, name):
    """Whoever can write into the folder cannot write into the page."""
    (site.public / name).write_bytes(JPEG)
    (site.public / f"{SHA}.jpg").unlink()

    page = site.ask("/").body.decode()

    (address,) = re.findall(
        r'<a href="(/files/[\w.~%-]+)"><img loading="lazy" src="\1" alt="">', page
    )
    assert (page.count("<img"), "alert(1)" in page.replace(address, "")) == (1, False)
    assert site.ask(address).body == JPEG


@pytest.mark.parametrize("name", UNPRINTABLE)
def test_a_name_that_cannot_be_read_is_neither_shown_nor_found(site, name):
    (site.public / name).write_bytes(JPEG)

    assert quote(name) not in site.ask("/").body.decode()
    assert site.ask(f"/files/{quote(name)}").status == 404


def test_a_name_that_is_no_text_does_not_break_the_page(site):
    raw = os.fsencode(site.public) + b"/\xff\xfe.jpg"
    with open(raw, "wb") as file:  # noqa: PTH123 - pathlib knows texts only
        file.write(JPEG)

    answer = site.ask("/")

    Path(os.fsdecode(raw)).unlink()
    assert (answer.status, b"%FF%FE.jpg" in answer.body) == (200, False)


def test_health_is_told(site):
    answer = site.ask("/healthz")

    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')


def test_a_data_folder_that_is_not_there_yet_is_made(tmp_path):
    create_app(isolated({"IMAGE_ASSETS_DATA_DIR": tmp_path / "data"}))

    assert (tmp_path / "data/public").is_dir()


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("run-1.html", "text/html; charset=utf-8"),
        ("run-1.json", "application/json"),
        ("run-1.csv", "text/csv; charset=utf-8"),
        ("run-1.js", "application/octet-stream"),
    ],
)
def test_a_report_is_served_under_its_type_and_may_change(site, name, type):
    (site.data / "reports" / name).write_text("told")

    answer = site.ask(f"/reports/{name}")

    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"told", type)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "immutable" not in answer.headers.get("cache-control", "")


@pytest.mark.parametrize(
    "path", ["/reports/", "/reports/..%2fsecret", "/reports/.hidden", "/reports/none"]
)
def test_nothing_but_reports_is_found_there(site, path):
    (site.data / "secret").write_text("canary")
    (site.data / "reports/.hidden").write_text("canary")

    answer = site.ask(path)

    assert (answer.status, b"canary" in answer.body) == (404, False)
