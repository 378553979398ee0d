"""The stand-ins of Chevereto sites and imgbb, asked as any client might ask them."""

import base64

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal
from image_assets_tests.drawing import decoded, picture

PICTURE = picture(1)
FILE = {"source": ("a.jpg", PICTURE, "image/jpeg")}


@pytest.fixture(scope="module")
def rehearsal():
    with Rehearsal(Profile(chevereto_uploads_per_minute=3)) as rehearsal:
        yield rehearsal


@pytest.fixture
def ask(rehearsal):
    """Posts to a site with its key unless fields say otherwise; code and words of its no, or its yes."""
    rehearsal.reset()
    settings = rehearsal.environment()

    def ask(site, path="/api/1/upload", files=None, **fields):
        known = {"key": settings[f"{site}_API_KEY"]} | fields
        url = settings[f"{site}_API_URL"] + path
        answer = httpx.post(url, data=known, files=files, trust_env=False)
        body = (
            answer.json() if answer.headers["content-type"] == "application/json" else answer.text
        )
        if answer.status_code == 400:
            return body["error"]["code"], body["error"]["message"]
        return body

    return ask


@pytest.mark.parametrize(
    ("fields", "files", "said"),
    [
        ({"key": "wrong"}, FILE, (100, "Invalid API v1 key.")),
        ({"key": ""}, FILE, (100, "No key provided")),
        ({"key": Profile().chevereto_denied_key}, FILE, (401, "Request denied")),
        ({"action": "destroy"}, FILE, (120, "Invalid API action.")),
        ({}, None, (130, "Empty upload source.")),
        ({"source": "not base64!"}, None, (120, "Invalid base64 string.")),
        ({}, {"source": ("a.jpg", b"no picture")}, (311, "Invalid image")),
        ({}, {"source": ("a.jpg", PICTURE[:900])}, (311, "Invalid image")),
        ({}, {"picture": ("a.jpg", PICTURE)}, (130, "Empty upload source.")),
    ],
)
def test_a_chevereto_site_refuses_what_real_ones_refuse(ask, fields, files, said):
    assert ask("CHEVERETO", files=files, **fields) == said


def test_a_stock_site_refuses_what_it_has_for_a_day(rehearsal, ask):
    ask("CHEVERETO", files=FILE)
    again = ask("CHEVERETO", files=FILE)
    rehearsal.clock.advance(24 * 3600 + 1)

    assert again == (101, "Duplicated upload")
    assert ask("CHEVERETO", files=FILE)["status_code"] == 200


def test_a_flood_is_stopped(ask):
    for seed in range(3):
        ask("CHEVERETO", files={"source": ("a.jpg", picture(seed))})

    code, words = ask("CHEVERETO", files={"source": ("a.jpg", picture(4))})

    assert (code, words.split(".")[0]) == (130, "Flooding detected")


def test_freeimage_shows_jpegs_encoded_anew_and_pngs_as_they_came(ask):
    shown = {}
    for format in ("JPEG", "PNG"):
        sent = picture(1, format=format)
        told = ask("FREEIMAGE", files={"source": ("a", sent)})["image"]
        shown[format] = sent == httpx.get(told["url"], trust_env=False).content
        assert (told["width"], told["height"]) == ("160", "90")

    assert shown == {"JPEG": False, "PNG": True}


def test_freeimage_gives_equal_bytes_one_address(ask):
    urls = {ask("FREEIMAGE", files=FILE)["image"]["url"] for _ in range(3)}

    assert len(urls) == 1


def test_a_picture_may_come_as_base64_and_the_answer_as_text(ask):
    url = ask("FREEIMAGE", source=base64.b64encode(PICTURE).decode(), format="txt")

    assert decoded(httpx.get(url, trust_env=False).content).size == (160, 90)


@pytest.mark.parametrize(
    ("fields", "files", "said"),
    [
        ({"key": "wrong"}, None, (100, "Invalid API v1 key.")),
        ({}, None, (130, "Empty upload source.")),
        ({"expiration": "59"}, {"image": PICTURE}, (120, "Invalid expiration.")),
        ({}, {"image": b"no picture"}, (311, "Invalid image")),
    ],
)
def test_imgbb_refuses_what_the_real_one_refuses(ask, fields, files, said):
    assert ask("IMGBB", "/1/upload", files=files, **fields) == said


def test_imgbb_tells_where_a_picture_is_and_what_removes_it(ask):
    told = ask("IMGBB", "/1/upload", files={"image": PICTURE}, name="gate")["data"]

    assert httpx.get(told["url"], trust_env=False).content == PICTURE
    assert told["title"] == "gate"
    assert told["delete_url"].startswith(told["url_viewer"] + "/")


def test_pictures_outlive_a_rehearsal_that_keeps_its_state(tmp_path):
    with Rehearsal(state=tmp_path) as first:
        item = first.shelves["imgbb"].add(PICTURE, name="a.jpg")
        gone = first.shelves["imgbb"].add(picture(2), name="b.jpg")
        first.shelves["imgbb"].remove(gone.id)
    with Rehearsal(state=tmp_path) as second:
        shelf = second.shelves["imgbb"]

        assert [(kept, shelf.content(kept)) for kept in shelf] == [(item, PICTURE)]


def test_the_director_sees_how_many_pictures_each_host_holds(rehearsal, ask):
    ask("IMGBB", "/1/upload", files={"image": PICTURE})

    held = httpx.get(f"{rehearsal.address}/_control/held", trust_env=False).json()

    assert {name: count for name, count in held.items() if count} == {"imgbb": 1}
