"""Exports by signed links, over real HTTP."""

import hmac
import logging
import os
import random
from collections.abc import Iterator

import pytest

from image_assets.core.errors import MissingSettingError, PermanentError
from image_assets.core.links import DOWNLOAD
from image_assets.core.signing import Key, Signer, Terms
from image_assets.delivery.app import create_app
from image_assets.settings import isolated
from image_assets_tests.delivery.site import NAME, NOW, OTHER, SECRET, Site, access_lines
from image_assets_tests.delivery.site import site as serve
from image_assets_tests.drawing import picture

JPEG = picture(1, format="JPEG")
DAY = 24 * 3600
SIGNED = {"SIGN_URLS": True, "SIGNING_SECRET": SECRET, "SIGNING_SECRET_PREVIOUS": OTHER}


def link(
    name: str = NAME, seconds: int = 3600, *, secret: str = SECRET, tenant: str = "default"
) -> str:
    signer = Signer([Key(secret.encode())], Terms(10**10))
    return f"{DOWNLOAD}{name}?{signer.sign(name, NOW + seconds, now=0, tenant=tenant).query}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serve(tmp_path_factory.mktemp("data"), **SIGNED) as site:
        site.export(JPEG)
        site.export(b"<script>", "page.html")
        yield site


def test_a_signed_link_opens_its_export(site):
    answer = site.ask(link())

    assert (answer.status, answer.body) == (200, JPEG)
    assert answer.headers["content-type"] == "image/jpeg"


def test_a_link_to_get_is_one_to_head(site):
    answer = site.ask(link(), "HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(JPEG))


def test_what_a_link_opens_is_kept_by_nobody_else_and_no_longer_than_the_link_lives(site):
    assert site.ask(link(seconds=60)).headers["cache-control"] == "private, max-age=60"
    assert site.ask(link(seconds=-3)).headers["cache-control"] == "private, max-age=0"


def test_a_download_is_named_as_its_file_and_is_never_a_page(site):
    picture, page = site.ask(link()), site.ask(link("page.html"))

    name = NAME.rpartition("/")[2]
    assert picture.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["x-content-type-options"] == "nosniff"


def test_a_link_is_good_for_tags_and_parts(site):
    tag = site.ask(link()).headers["etag"]

    assert site.ask(link(), If_None_Match=tag).status == 304
    assert site.ask(link(), Range="bytes=-3").body == JPEG[-3:]


def test_a_link_that_has_expired_is_gone(site):
    answer = site.ask(link(seconds=-6))

    assert (answer.status, answer.body) == (410, b'{"detail":"this link has expired"}')
    assert answer.headers["cache-control"] == "no-store"


def test_clocks_may_differ_a_little(site):
    assert site.ask(link(seconds=-5)).status == 200


def test_the_secret_before_still_opens(site):
    assert site.ask(link(secret=OTHER)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        DOWNLOAD + NAME,
        f"{DOWNLOAD}{NAME}?",
        link().replace("signature=v1", "signature=v2"),
        link()[:-1],
        link() + "&download=1",
        link().replace("expires=1", "expires=2"),
        link().replace("thumbnail/01", "thumbnail/02"),
        link().replace("thumbnail/01", "thumbnail%2f01"),
        link().replace("thumbnail", "%74humbnail"),
        link().replace(".jpg", ".png"),
        link("none.jpg").replace("none", "other"),
        link(secret="f" + SECRET),
        link(seconds=8 * DAY),
        link(seconds=-6, secret="f" + SECRET),
        link() + "&tenant=shop",
        link(tenant="shop").removesuffix("&tenant=shop"),
        f"{DOWNLOAD}../secret.txt?{link().partition('?')[2]}",
        f"{DOWNLOAD}?{link().partition('?')[2]}",
        f"{DOWNLOAD}%00?{link().partition('?')[2]}",
    ],
)
def test_a_link_that_is_not_good_is_refused_whatever_is_wrong_with_it(site, path):
    answer = site.ask(path)

    assert (answer.status, answer.body) == (403, b'{"detail":"this link is not valid"}')
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_signed_and_not_there_is_not_found(site):
    assert site.ask(link("none.jpg")).status == 404


@pytest.mark.parametrize("name", ["../secret.txt", "link.png", "linked/secret.txt", "thumbnail"])
def test_even_a_signed_link_leads_nowhere_else(site, name):
    (site.data / "secret.txt").write_text("root: the secret")
    for link_name, target in (("link.png", "secret.txt"), ("linked", "")):
        at = site.data / "exports" / link_name
        if not at.is_symlink():
            at.symlink_to(site.data / target)

    answer = site.ask(link(name))

    assert (answer.status, b"root:" in answer.body) == (404, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_link_is_to_read(site, method):
    assert site.ask(link(), method).status == 405


def test_what_is_signed_has_no_open_address(site):
    assert site.ask(f"/static/output/{NAME}").status == 404


def test_what_was_published_on_purpose_stays_public(site):
    (site.public / "a.jpg").write_bytes(JPEG)

    assert site.ask("/files/a.jpg").body == JPEG


def test_mutated_urls_over_http_are_refused(site):
    """A few of those that core/test_signing.py makes, as a server and its parser see them."""
    chance = random.Random(7)
    url = link()
    for _ in range(int(os.environ.get("IMAGE_ASSETS_TEST_URLS", "10000")) // 50):
        place = chance.randrange(len(DOWNLOAD), len(url))
        letter = chance.choice("0123456789abcdefABC._-%&=")
        changed = url[:place] + letter + url[place + 1 :]

        assert changed == url or site.ask(changed).status in (400, 403)


def test_without_signing_there_are_open_addresses_and_no_links(tmp_path):
    with serve(tmp_path) as site:
        site.export(JPEG)

        assert site.ask(f"/static/output/{NAME}").status == 200
        assert site.ask(link()).status == 404


def test_with_a_secret_links_work_beside_open_addresses(tmp_path):
    with serve(tmp_path, SIGNING_SECRET=SECRET) as site:
        site.export(JPEG)

        assert site.ask(f"/static/output/{NAME}").status == 200
        assert (site.ask(link()).status, site.ask(link()[:-1]).status) == (200, 403)


@pytest.mark.parametrize(("compatible", "status"), [(False, 403), (True, 200)])
def test_links_of_the_first_system_are_good_where_that_is_asked_for(tmp_path, compatible, status):
    name, expires = "export_0f8fad5b-d9cb-469f-a165-70867728950e.png", NOW + 60
    signature = hmac.new(SECRET.encode(), f"{name}:{expires}".encode(), "sha256").hexdigest()
    with serve(tmp_path, **SIGNED, SIGNING_COMPATIBILITY=compatible) as site:
        site.export(JPEG, name)

        answer = site.ask(f"{DOWNLOAD}{name}?expires={expires}&signature={signature}")

    assert answer.status == status


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"SIGN_URLS": True}, "SIGNING_SECRET is not set"),
        ({"SIGNING_COMPATIBILITY": True}, "SIGNING_SECRET is not set"),
        ({"SIGNING_SECRET_PREVIOUS": SECRET}, "SIGNING_SECRET is not set"),
        ({"SIGNING_SECRET": "default-secret"}, "SIGNING_SECRET is shorter than 32 bytes"),
        ({"SIGNING_SECRET": "default-secret" * 3}, "SIGNING_SECRET is a placeholder"),
        ({"SIGNING_SECRET": "x" * 64}, "SIGNING_SECRET repeats itself"),
        (
            {"SIGNING_SECRET": SECRET, "SIGNING_SECRET_PREVIOUS": "short-and-old"},
            "SIGNING_SECRET_PREVIOUS is shorter",
        ),
    ],
)
def test_a_missing_or_weak_secret_does_not_start(tmp_path, variables, complaint):
    with pytest.raises(PermanentError, match=complaint) as refusal:
        create_app(isolated({"IMAGE_ASSETS_DATA_DIR": tmp_path} | variables))

    assert "openssl rand -hex 32" in str(refusal.value)
    assert all(str(v) not in str(refusal.value) for n, v in variables.items() if "SECRET" in n)


def test_an_unset_secret_is_told_as_any_missing_setting(tmp_path):
    with pytest.raises(MissingSettingError):
        create_app(isolated({"IMAGE_ASSETS_DATA_DIR": tmp_path, "SIGN_URLS": True}))


def test_no_log_line_holds_a_signature(site, caplog, monkeypatch):
    """Not even when somebody configures logging after the server did."""
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)
    good, bad = link(), link(secret="f" + SECRET)
    with caplog.at_level(logging.DEBUG):
        for path in (good, bad, f"/static/output/{NAME}?{good.partition('?')[2]}"):
            site.ask(path)
        lines = access_lines(caplog, 3)

    signatures = [url.partition("signature=")[2] for url in (good, bad)]
    assert sum(DOWNLOAD + NAME in line for line in lines) == 2
    assert not any(signature in caplog.text for signature in signatures)
    assert "signature" not in caplog.text


def test_an_access_line_tells_who_what_and_how_much(site, caplog):
    with caplog.at_level(logging.INFO):
        site.ask(link())
        (line,) = access_lines(caplog, 1)

    assert line.startswith(f"127.0.0.1 GET {DOWNLOAD}{NAME} 200 {len(JPEG)} bytes ")
