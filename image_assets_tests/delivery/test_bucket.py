"""A store whose files are fetched past us: addresses lead to links of its own."""

from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from image_assets.core.links import STATIC, key_of
from image_assets.core.signing import DOWNLOAD, Key, Signer, Terms
from image_assets.delivery.files import FOR_EVER, IMAGES, Files, Manner
from image_assets.delivery.signed import Downloads
from image_assets.services.store.local import LocalStore
from image_assets.services.store.outlets import BucketOutlet
from image_assets_tests.delivery.site import NAME, NOW, SECRET, Site, serving
from image_assets_tests.drawing import picture

JPEG = picture(1, format="JPEG")
SIGNER = Signer([Key(SECRET.encode())], Terms(10**10))


class SigningStore(LocalStore):
    """A store on disk that signs as a bucket does."""

    def presigned(self, key: str, seconds: int) -> str:
        return f"https://bucket.example/{key}?X-Amz-Expires={seconds}"

    def open(self, key: str) -> BufferedReader:
        with self.local(key) as copy:
            return copy.open("rb")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data: Path = tmp_path_factory.mktemp("data")
    manner = Manner(IMAGES, FOR_EVER)
    files = Files(BucketOutlet(SigningStore(data)), key_of, manner)
    downloads = Downloads(files, SIGNER, manner, clock=lambda: NOW)
    app = FastAPI()
    app.router.routes += [Route(f"{STATIC}{{name:path}}", files, methods=["GET"])]
    app.router.routes += [Route(f"{DOWNLOAD}{{name:path}}", downloads, methods=["GET"])]
    with serving(app) as port:
        site = Site(data, port)
        site.export(JPEG)
        yield site


def link(seconds: int, name: str = NAME) -> str:
    return f"{DOWNLOAD}{name}?{SIGNER.sign(name, NOW + seconds, now=0).query}"


@pytest.mark.parametrize(("seconds", "holds"), [(3600, 60), (20, 20), (0, 1)])
def test_a_good_link_leads_to_one_that_does_not_outlive_it(site, seconds, holds):
    answer = site.ask(link(seconds))

    assert (answer.status, answer.body) == (307, b"")
    assert answer.headers["location"].endswith(f"/exports/{NAME}?X-Amz-Expires={holds}")
    assert answer.headers["cache-control"] == "no-store"


def test_an_open_address_leads_there_as_well(site):
    assert site.ask(f"{STATIC}{NAME}").headers["location"].endswith("X-Amz-Expires=60")


def test_who_only_looks_is_answered_here(site):
    answer = site.ask(link(60), "HEAD")

    assert (answer.status, answer.headers["content-length"]) == (200, str(len(JPEG)))


@pytest.mark.parametrize(
    ("path", "status"), [(link(60)[:-1], 403), (link(60, "none.jpg"), 404), (f"{STATIC}none", 404)]
)
def test_nothing_leads_to_what_is_not_there_or_not_allowed(site, path, status):
    answer = site.ask(path)

    assert (answer.status, "location" in answer.headers) == (status, False)
