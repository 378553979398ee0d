"""Handing over to a real nginx: the application judges, nginx sends."""

import hashlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets.core.links import DOWNLOAD
from image_assets.core.signing import Key, Signer, Terms
from image_assets_tests.delivery.nginx import NGINX, in_front
from image_assets_tests.delivery.site import NAME, NOW, SECRET, Site, access_lines
from image_assets_tests.delivery.site import site as serve
from image_assets_tests.drawing import picture

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (nginx-light)")

JPEG = picture(1, format="JPEG")
TAG = f'"{hashlib.sha256(JPEG).hexdigest()}"'
PREFIX = "/_image_assets/"
SIGNED = {"SIGN_URLS": True, "SIGNING_SECRET": SECRET, "DELIVERY_ACCEL_PREFIX": PREFIX}


def link(name: str = NAME, seconds: int = 3600) -> str:
    signer = Signer([Key(SECRET.encode())], Terms(10**10))
    return f"{DOWNLOAD}{name}?{signer.sign(name, NOW + seconds, now=0).query}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def behind(folder: Path) -> Iterator[Site]:
    """The application itself."""
    with serve(folder / "data", **SIGNED) as site:
        site.export(JPEG)
        yield site


@pytest.fixture(scope="module")
def site(behind: Site, folder: Path) -> Iterator[Site]:
    """As the world sees it."""
    with in_front(behind.port, behind.data, folder / "nginx") as port:
        yield Site(behind.data, port)


def test_the_application_names_the_file_and_sends_nothing(behind):
    answer = behind.ask(link())

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["x-accel-redirect"] == f"{PREFIX}exports/{NAME}"


def test_nginx_sends_the_file_as_the_application_would(site):
    answer = site.ask(link(seconds=60))

    assert (answer.status, answer.body) == (200, JPEG)
    assert "x-accel-redirect" not in answer.headers
    assert answer.headers["server"].startswith("nginx")
    assert {name: answer.headers[name] for name in ("content-type", "etag", "cache-control")} == {
        "content-type": "image/jpeg",
        "etag": TAG,
        "cache-control": "private, max-age=60",
    }
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_head_parts_and_tags_work_through_nginx(site):
    date = site.ask(link()).headers["last-modified"]

    assert (site.ask(link(), "HEAD").status, site.ask(link(), "HEAD").body) == (200, b"")
    assert site.ask(link(), Range="bytes=3-9").body == JPEG[3:10]
    assert site.ask(link(), Range=f"bytes={len(JPEG)}-").status == 416
    assert site.ask(link(), If_None_Match=TAG).status == 304
    assert site.ask(link(), If_None_Match='"x"').body == JPEG
    assert site.ask(link(), If_Modified_Since=date).status == 304


@pytest.mark.parametrize(("tag", "status"), [(TAG, 206), ('"x"', 200)])
def test_a_download_is_continued_only_with_the_file_it_began_with(site, tag, status):
    assert site.ask(link(), Range="bytes=3-9", If_Range=tag).status == status


def test_what_is_published_goes_the_same_way(site, behind):
    (site.public / "a b.jpg").write_bytes(JPEG)

    answer = site.ask("/files/a%20b.jpg")

    assert (answer.status, answer.body) == (200, JPEG)
    assert answer.headers["cache-control"].endswith("immutable")
    assert behind.ask("/files/a%20b.jpg").headers["x-accel-redirect"].endswith("a%20b.jpg")


@pytest.mark.parametrize("path", ["", "exports/", f"exports/{NAME}", "../secret.txt", "catalog.db"])
def test_nobody_reaches_the_data_folder_past_the_application(site, path):
    (site.data / "catalog.db").write_bytes(b"the catalog")

    assert site.ask(PREFIX + path).status in (400, 404)


@pytest.mark.parametrize(
    ("path", "status"), [(link()[:-1], 403), (link(seconds=-60), 410), (link("none.jpg"), 404)]
)
def test_what_the_application_refuses_nginx_refuses(site, path, status):
    assert site.ask(path).status == status


def test_no_log_of_nginx_holds_a_signature(site, folder, caplog):
    with caplog.at_level(logging.DEBUG):
        site.ask(link())
        site.ask(link()[:-1])
        access_lines(caplog, 2)

    last = f"GET {DOWNLOAD}{NAME} 403"
    logged = logs(folder / "nginx", until=last)
    assert f"GET {DOWNLOAD}{NAME} 200" in logged
    assert last in logged
    assert "signature" not in logged + caplog.text


def logs(folder: Path, *, until: str) -> str:
    """What nginx logged, once it has logged that: it does so when the answer is gone."""
    deadline = time.monotonic() + 10
    while True:
        logged = "".join(file.read_text() for file in folder.glob("*.log"))
        if until in logged or time.monotonic() > deadline:
            return logged
        time.sleep(0.01)
