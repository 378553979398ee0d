"""What other Python programs call: `ensure_url` and `upload`."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import image_assets
from image_assets.core.errors import (
    MissingSettingError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.rehearsal import Rehearsal
from image_assets.settings import isolated, isolated_environment
from image_assets_tests.drawing import picture
from image_assets_tests.host_bench import QUICK

ASKER = """
import sys
import image_assets
print(image_assets.ensure_url(sys.argv[1], "imgbb"))
"""


@pytest.fixture(scope="module")
def rehearsal():
    with Rehearsal() as rehearsal:
        yield rehearsal


@pytest.fixture
def own(tmp_path, rehearsal) -> dict[str, str]:
    rehearsal.reset()
    data = {"IMAGE_ASSETS_DATA_DIR": str(tmp_path / "data"), "UPLOAD_SOURCE_DIR": str(tmp_path)}
    logged = {"UPLOAD_LOG": str(tmp_path / "log.csv"), "UPLOAD_TIMEOUT": "30"}
    return {**rehearsal.environment(), **QUICK, **data, **logged}


@pytest.fixture
def file(tmp_path) -> Path:
    file = tmp_path / "a b.jpg"
    file.write_bytes(picture(1))
    return file


@pytest.mark.parametrize("url", ["https://x.test/a.png", "ipfs://bafy", "data:image/png;base64,"])
def test_a_url_stays_and_nothing_is_needed_for_that(url):
    assert image_assets.ensure_url(url, settings=isolated({})) == url


def test_a_path_is_uploaded_once_whatever_it_is_called(own, file, rehearsal, tmp_path):
    settings = isolated(own)
    first = image_assets.ensure_url(str(file), "imgbb", settings=settings)
    copy = tmp_path / "copy.png"
    copy.write_bytes(file.read_bytes())

    second = image_assets.ensure_url(copy, "imgbb", settings=settings)

    assert first.startswith("http")
    assert (second, len(rehearsal.shelves["imgbb"])) == (first, 1)


def test_a_link_to_a_picture_is_the_picture(own, file, tmp_path):
    (tmp_path / "link.jpg").symlink_to(file)
    settings = isolated(own)

    urls = {image_assets.ensure_url(p, settings=settings) for p in (file, tmp_path / "link.jpg")}

    assert len(urls) == 1


def test_threads_that_ask_at_once_get_one_url(own, file, rehearsal):
    settings = isolated(own)
    with ThreadPoolExecutor(6) as pool:
        urls = list(
            pool.map(lambda _: image_assets.ensure_url(file, "imgbb", settings=settings), range(6))
        )

    assert (len(set(urls)), len(rehearsal.shelves["imgbb"])) == (1, 1)


def test_processes_that_ask_at_once_get_one_url(own, file, rehearsal):
    rehearsal.inject("POST /imgbb", {"kind": "delay", "seconds": 0.5})
    command = [sys.executable, "-c", ASKER, str(file)]
    askers = [
        subprocess.Popen(command, env=isolated_environment(own), stdout=subprocess.PIPE)
        for _ in range(3)
    ]

    urls = [asker.communicate(timeout=120)[0] for asker in askers]
    rehearsal.clear_faults()

    assert len(set(urls)) == 1
    assert urls[0].startswith(b"http")
    assert len(rehearsal.shelves["imgbb"]) == 1


@pytest.mark.parametrize(
    ("name", "error"),
    [("absent.png", NotFoundError), ("text.png", RejectedError), (".", RejectedError)],
)
def test_what_is_no_picture_is_told(own, tmp_path, name, error):
    (tmp_path / "text.png").write_text("no picture")

    with pytest.raises(error):
        image_assets.ensure_url(tmp_path / name, settings=isolated(own))


def test_a_host_that_did_not_answer_is_asked_again_by_the_next_call(own, file, rehearsal):
    settings = isolated(own)
    rehearsal.inject("POST /freeimage", {"kind": "status", "status": 503}, times=3)
    with pytest.raises(TransientError):
        image_assets.ensure_url(file, settings=settings)

    assert image_assets.ensure_url(file, settings=settings).startswith("http")


def test_a_missing_key_is_named(own, file):
    without = isolated({name: value for name, value in own.items() if name != "IMGBB_API_KEY"})

    with pytest.raises(MissingSettingError, match="IMGBB_API_KEY"):
        image_assets.ensure_url(file, "imgbb", settings=without)


def test_a_host_that_there_is_not_is_named(own, file):
    with pytest.raises(PermanentError, match="there is no host 'flickr'"):
        image_assets.ensure_url(file, "flickr", settings=isolated(own))


def test_a_program_uploads_a_folder_and_hears_how_it_gets_on(own, file, tmp_path):
    (tmp_path / "b.png").write_bytes(picture(2, format="PNG"))
    heard = []

    done = image_assets.upload(
        image_assets.UploadOrder(hosts=("freeimage", "local")),
        settings=isolated(own),
        on_progress=lambda host, report, total: heard.append((host, report.done, total)),
    )

    assert sorted(heard) == [
        (host, count, 2) for host in ("freeimage", "local") for count in (1, 2)
    ]
    assert (done.failed, [picture.names for picture in done.pictures]) == (
        0,
        [("a b.jpg",), ("b.png",)],
    )
    assert {at.destination for picture in done.pictures for at in picture.at} == {
        "freeimage",
        "local",
    }
