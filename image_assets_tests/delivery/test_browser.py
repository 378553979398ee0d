"""The page in a real Chromium: whatever files are called, nothing of it runs."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from image_assets_tests.delivery.site import Site
from image_assets_tests.delivery.site import site as serve
from image_assets_tests.drawing import picture

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PLAYWRIGHT = importlib.util.find_spec("playwright")

pytestmark = [
    pytest.mark.ui,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)"
    ),
    pytest.mark.skipif(
        PLAYWRIGHT is None, reason="Playwright is not installed (the extra `browser`)"
    ),
]

HOSTILE = [
    "<img src=x onerror=alert(1)>.jpg",
    "<script>alert(1)<\u2215script>.jpg",
    '"><svg onload=alert(1)>.jpg',
    "' onload='alert(1)' x='.jpg",
    "javascript:alert(1).jpg",
    "&#106;avascript:alert(1).jpg",
    "data:text<html>,<script>alert(1).jpg",
    "plain.jpg",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serve(tmp_path_factory.mktemp("data")) as site:
        for name in HOSTILE:
            (site.public / name).write_bytes(picture(1, format="JPEG"))
        markup = b"<html><body><script>alert(1)</script><img src=x onerror=alert(1)></body></html>"
        (site.public / "page.html.jpg").write_bytes(markup)
        (site.data / "reports").mkdir()
        (site.data / "reports/r.html").write_bytes(markup)
        yield site


@pytest.fixture
def visited(site: Site) -> Iterator[Any]:
    """Opens a path; gives the page and what it tried to say."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, chromium_sandbox=os.geteuid() != 0
        )
        page = chromium.new_page()
        said: list[str] = []
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))

        def visit(path: str) -> tuple[Any, list[str]]:
            page.goto(f"http://127.0.0.1:{site.port}{path}", wait_until="load")
            return page, said

        yield visit
        chromium.close()


def test_names_with_markup_are_shown_as_pictures_and_nothing_else(visited, site):
    page, said = visited("/")

    shown = page.evaluate(
        "Promise.all([...document.images].map(i => (i.loading = 'eager', i.decode().then(() => 1, () => 0))))"
    )
    hosts = page.evaluate("[...document.links].map(a => a.protocol + '//' + a.host)")
    elements = page.evaluate("[...document.querySelectorAll('script, svg, iframe, object')].length")
    assert said == []
    assert sorted(shown) == [0] + [1] * len(HOSTILE)  # the one that is no picture stays empty
    assert set(hosts) == {f"http://127.0.0.1:{site.port}"}
    assert elements == 0


def test_a_link_of_the_page_leads_to_its_picture(visited):
    page, said = visited("/")

    page.locator("a", has=page.locator('img[src*="javascript"]')).first.click()

    page.wait_for_url("**/files/**")
    assert said == []
    assert page.evaluate("document.contentType") == "image/jpeg"


@pytest.mark.parametrize("path", ["/files/page.html.jpg", "/reports/r.html"])
def test_a_file_that_holds_a_page_runs_nothing(visited, path):
    _, said = visited(path)

    assert said == []
