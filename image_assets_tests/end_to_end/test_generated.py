"""Pictures by request: asked for over HTTP, drawn once, exported, and told in the words of original 1."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageChops, ImageStat

from image_assets.core.model import Partition
from image_assets_tests.drawing import decoded, picture
from image_assets_tests.end_to_end.asking import Agency, agency
from image_assets_tests.journey import Run

SCRIPT = "a red kite over the sea"
BASE = picture(7, (320, 180), "PNG")

ORIGINAL: dict[str, Any] = {
    "request_id": str,
    "variations": [
        {
            "id": str,
            "storage_path": str,
            "metadata": dict,
            "exports": {
                name: {
                    "format": str,
                    "url": str,
                    "file_path": str,
                    "size": int,
                    "exported_at": str,
                }
                for name in ("png", "jpeg", "webp")
            },
        }
    ],
}
"""What original 1 answers, key by key."""


def shape(value: Any, like: Any) -> Any:
    """The value with types in place of what has one in `like`; whatever else it has stays in it."""
    if isinstance(like, type):
        return like if isinstance(value, like) else value
    if isinstance(like, list):
        return [shape(item, like[0]) for item in value]
    return {
        name: shape(item, like.get(name)) if name in like else item for name, item in value.items()
    }


@dataclass(frozen=True)
class Drawn:
    """A request for two pictures over a base, as `curl -F` sends it, waited for; and its run."""

    agency: Agency
    answer: httpx.Response

    @property
    def key(self) -> str:
        key: str = self.answer.json()["request_id"]
        return key

    @property
    def partition(self) -> Partition:
        return Partition("generated", "default", self.key)

    @property
    def variations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.answer.json()["variations"]
        return found


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawn]:
    with agency(tmp_path_factory.mktemp("drawn")) as drawing:
        with drawing.working():
            answer = drawing.client.post(
                "/api/thumbnails?wait=200",
                data={"script": SCRIPT, "aspect_ratio": "16:9", "count": "2"},
                files={"image": ("my_image.png", BASE, "image/png")},
            )
        yield Drawn(drawing, answer)


def test_the_answer_has_the_shape_of_original_1_key_by_key(drawn):
    assert drawn.answer.status_code == 200, drawn.answer.text
    assert shape(drawn.answer.json(), ORIGINAL) == {
        **ORIGINAL,
        "variations": 2 * ORIGINAL["variations"],
    }
    assert [v["id"] for v in drawn.variations] == ["var-1", "var-2"]
    assert [e["format"] for e in drawn.variations[0]["exports"].values()] == ["JPEG", "PNG", "WEBP"]


def test_every_url_gives_its_file_in_the_size_of_the_ratio(drawn):
    for variation in drawn.variations:
        for name, export in variation["exports"].items():
            file = drawn.agency.client.get(export["url"])

            assert (file.status_code, len(file.content)) == (200, export["size"])
            assert file.headers["content-type"] == f"image/{name}"
            assert decoded(file.content).size == (1280, 720)


def test_the_raw_pictures_are_kept_where_it_says(drawn):
    data = drawn.agency.settings.data_dir
    for variation in drawn.variations:
        raw = (data / variation["storage_path"]).read_bytes()

        assert hashlib.sha256(raw).hexdigest() == variation["metadata"]["sha256"]
        assert decoded(raw).size == (1344, 768)


def test_prompt_model_version_and_response_are_told(drawn):
    told = [variation["metadata"] for variation in drawn.variations]

    assert {t["prompt"] for t in told} == {SCRIPT}
    assert {t["model"] for t in told} == {"gemini-nano-banana-2.1"}
    assert {t["model_version"] for t in told} == {"gemini-nano-banana-2.1 (rehearsal)"}
    assert len({t["response_id"] for t in told}) == 2


def test_the_record_of_a_picture_says_where_it_comes_from(drawn):
    from image_assets.services.catalog.schema import images

    with drawn.agency.catalog.engine.connect() as connection:
        rows = connection.execute(images.select()).all()

    assert {row.exif["prompt"] for row in rows} == {SCRIPT}
    assert {row.exif["model"] for row in rows} == {"gemini-nano-banana-2.1"}
    assert all(row.origin.endswith(row.exif["response_id"]) for row in rows)


def test_an_export_is_seven_parts_picture_and_three_parts_base(drawn):
    export = drawn.variations[0]["exports"]["png"]
    raw = (drawn.agency.settings.data_dir / drawn.variations[0]["storage_path"]).read_bytes()
    # 1344x768 covers 1280x720 when six rows of it are cut above and below.
    above = decoded(raw).convert("RGB").resize((1280, 720), box=(0, 6, 1344, 762))
    below = decoded(BASE).convert("RGB").resize((1280, 720))

    export = decoded(drawn.agency.client.get(export["url"]).content).convert("RGB")

    off = ImageStat.Stat(ImageChops.difference(Image.blend(above, below, 0.3), export)).mean
    assert max(off) < 2
    assert max(ImageStat.Stat(ImageChops.difference(above, export)).mean) > 8


def test_the_base_is_in_the_store_under_its_hash(drawn):
    sha256 = hashlib.sha256(BASE).hexdigest()

    stored = drawn.agency.settings.data_dir / "uploads" / sha256[:2] / f"{sha256}.png"

    assert stored.read_bytes() == BASE
    assert drawn.variations[0]["metadata"]["base_sha256"] == sha256


def test_it_was_asked_for_twice_and_the_key_was_in_no_address(drawn):
    requests = drawn.agency.rehearsal.requests()["requests"]

    assert len(requests) == 2
    assert drawn.agency.rehearsal.profile.gemini_api_key not in json.dumps(requests)


def test_its_state_is_done_and_all_of_it_is_told_again(drawn):
    status = drawn.agency.status(drawn.key)

    assert (status["state"], status["progress"]["percent"]) == ("done", 100)
    assert status["variations"] == drawn.variations


def test_run_again_it_asks_for_nothing_and_changes_nothing(drawn):
    asked, before = drawn.agency.asked(), drawn.agency.status(drawn.key)

    run = drawn.agency.run(f"default:{drawn.key}")

    assert run.success
    assert drawn.agency.asked() == asked
    assert drawn.agency.status(drawn.key) == before
    assert drawn.agency.tick() == "no request is due"


def test_the_materialisation_shows_prompt_models_and_answers(drawn):
    run = drawn.agency.run(f"default:{drawn.key}", "images")

    told = shown(run, "images")
    assert (told["prompt"], told["variations"], told["received"]) == (SCRIPT, 2, 2)
    assert [row.data["state"] for row in told["lineage"].records] == ["received", "received"]
    assert checks(run)["all_came"] == (True, "2 of 2 variations came")


def shown(run: Run, stage: str) -> dict[str, Any]:
    (event,) = [
        e
        for e in run.events
        if e.is_step_materialization and e.asset_key.path == ["generated", *stage.split("/")]
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def checks(run: Run) -> dict[str, tuple[bool, str | None]]:
    found = [
        e.event_specific_data for e in run.events if e.event_type_value == "ASSET_CHECK_EVALUATION"
    ]
    return {check.check_name: (check.passed, check.description) for check in found}


def events(answer: httpx.Response) -> list[dict[str, str]]:
    """The events of a stream, each with its fields; comments and empty ones left out."""
    blocks = [block for block in answer.text.split("\n\n") if "data:" in block]
    return [
        dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        for block in blocks
    ]


def test_its_events_are_told_in_order_and_end_with_done(drawn):
    told = events(drawn.agency.client.get(f"/api/thumbnails/{drawn.key}/events"))

    assert [int(event["id"]) for event in told] == list(range(1, len(told) + 1))
    assert (told[0]["event"], told[-1]["event"]) == ("accepted", "done")
    assert [event["event"] for event in told].count("received") == 2
    assert json.loads(told[-1]["data"])["settled"] == 2


def test_who_comes_back_hears_only_what_he_missed(drawn):
    stream = f"/api/thumbnails/{drawn.key}/events"
    whole = events(drawn.agency.client.get(stream))

    rest = events(drawn.agency.client.get(stream, headers={"Last-Event-ID": whole[-3]["id"]}))
    nothing = drawn.agency.client.get(stream, headers={"Last-Event-ID": whole[-1]["id"]})

    assert rest == whole[-2:]
    assert nothing.status_code == 204


def test_exports_that_expired_are_told_under_the_names_they_had(drawn):
    """Whoever asks for one has it made again (`image-assets serve`)."""
    from image_assets.services.catalog.schema import exports

    with drawn.agency.catalog.engine.begin() as connection:
        connection.execute(exports.update().values(state="expired", blob_id=None))

    assert drawn.agency.status(drawn.key)["variations"] == drawn.variations


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[Agency]:
    with agency(tmp_path) as drawing:
        yield drawing


def test_without_waiting_the_answer_says_where_to_look(drawing):
    answer = drawing.ask(wait=0)

    key = answer.json()["request_id"]
    assert answer.status_code == 202
    assert re.fullmatch(r"req_[0-9a-f]{32}", key)
    assert answer.headers["location"] == answer.json()["poll"] == f"/api/thumbnails/{key}"
    assert drawing.status(key)["state"] == "waiting"


def test_a_request_becomes_a_partition_of_its_own(drawing):
    key = drawing.ask().json()["request_id"]

    asked = drawing.tick()

    assert asked == [f"default:{key}"]
    assert drawing.instance.get_dynamic_partitions("generated_requests") == asked


def test_an_answer_that_waits_is_told_as_soon_as_it_is_done(drawing):
    with drawing.working():
        answer = drawing.ask(wait=200, count=1, aspect_ratio="1:1")

    (variation,) = answer.json()["variations"]
    assert answer.status_code == 200
    file = drawing.client.get(variation["exports"]["jpeg"]["url"])
    assert decoded(file.content).size == (1080, 1080)


def test_a_blind_retry_under_one_idempotency_key_pays_once(drawing):
    headers = {"Idempotency-Key": "the-same"}
    first, second = (drawing.ask(headers=headers) for _ in range(2))
    other = drawing.ask("another script", headers=headers)

    for key in drawing.tick():
        assert drawing.run(key, "images").success

    assert first.json()["request_id"] == second.json()["request_id"]
    assert (other.status_code, drawing.asked()) == (409, 1)
    assert "used before" in other.json()["detail"]


def test_a_batch_tells_of_each_item_and_a_refused_one_stops_no_other(drawing):
    items = [
        {"script": "one", "count": 1},
        {"script": "", "count": 1},
        {"script": "three", "image": base64.b64encode(b"no picture").decode()},
        {"script": "four", "image": base64.b64encode(BASE).decode(), "aspect_ratio": "9:16"},
    ]
    with drawing.working():
        answer = drawing.client.post("/api/thumbnails/batch?wait=200", json={"requests": items})

    results = answer.json()["results"]
    assert [result["status"] for result in results] == [200, 422, 422, 200]
    assert [result["index"] for result in results] == [0, 1, 2, 3]
    assert results[2]["problem"]["detail"] == "the image cannot be used: not_an_image"
    assert set(results[3]["result"]["variations"][0]["exports"]) == {"png", "jpeg", "webp"}


def test_signed_links_are_answered_where_links_are_signed(tmp_path):
    secret = "8f1c0d6b7a5e4f3929d0c1b2a3f4e5d6c7b8a9f0e1d2c3b4"
    with agency(tmp_path, SIGN_URLS="true", SIGNING_SECRET=secret) as drawing:
        with drawing.working():
            (variation,) = drawing.ask(wait=200).json()["variations"]

        url = variation["exports"]["webp"]["url"]
        assert re.match(r"/api/download/.+\.webp\?expires=\d+&signature=", url)
        assert drawing.client.get(url).status_code == 200
        assert drawing.client.get(url.replace("expires=1", "expires=2")).status_code == 403
