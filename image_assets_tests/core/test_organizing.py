"""Where an old download belongs, by its name, its sidecar and what is there."""

import datetime as dt

import pytest

from image_assets.core.model import ImageFormat, Partition, Picture, Variant
from image_assets.core.organizing import (
    Claim,
    Contents,
    Fate,
    OldDownload,
    Planner,
    in_order,
    named,
    shown,
)

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PLACE = "images/2025-09-01/in_gate/20250901100734_in_gate.jpg"
ONE, OTHER = "1" * 64, "2" * 64


def old(
    file: str, sha256: str = ONE, format=ImageFormat.JPEG, stream=None, hashed=None, url=None
) -> OldDownload:
    """A picture of these bytes, and what its sidecar says."""
    claim = Claim(stream, hashed, url)
    return OldDownload(file, claim, Contents(sha256, 100, Picture(format, 16, 9)))


def planner(there: dict[str, str] | None = None, refusal=lambda partition: None) -> Planner:
    return Planner("camera", "apm", (there or {}).get, refusal, NOW)


@pytest.mark.parametrize(
    "stem",
    [
        "20250901T100734_in_gate",
        "20250901100734_in_gate",
        "20250901_100734_in_gate",
        "20250901100734~0123abcd_in_gate",
        "2025-09-01T10:07:34-in_gate",
        "2025-09-01T10%3A07%3A34-in_gate",
        "2025-09-01T10_07_34-in_gate",
        "2025-09-01T10-07-34-in_gate",
    ],
)
def test_both_forms_of_names_and_the_sites_own_say_second_and_stream(stem):
    at = dt.datetime(2025, 9, 1, 10, 7, 34, tzinfo=dt.UTC)

    found = named(stem)

    assert found is not None
    assert (found.captured_at, found.stream, found.variant) == (at, "in_gate", Variant.FULL)


@pytest.mark.parametrize(
    "stem", ["2025-09-01T10:07:34-in_gate-thumbnail", "20250901100734_in_gate-thumbnail"]
)
def test_a_thumbnail_is_one_by_its_name(stem):
    found = named(stem)

    assert found is not None
    assert (found.stream, found.variant) == ("in_gate", Variant.THUMBNAIL)


def test_the_second_of_a_second_keeps_its_number():
    found = named("20250901100734-2_in_gate")

    assert (found.stream, found.ordinal) == ("in_gate", 2)


@pytest.mark.parametrize(
    "stem",
    [
        "20250901",
        "20250901100760_in_gate",
        "20250931100734_in_gate",
        "20250901240000_in_gate",
        "20250901100734_",
        "20250901100734_../in_gate",
        "20250901100734_in gate",
        "20250901100734_in_gate\n",
        "x20250901100734_in_gate",
        "٢٠٢٥٠٩٠١١٠٠٧٣٤_in_gate",
        "in_gate",
        "",
    ],
)
def test_what_is_no_such_name_says_nothing(stem):
    assert named(stem) is None


def test_a_picture_goes_to_the_place_of_its_second_under_its_contents_extension():
    step = planner().decide(old("a/20250901T100734_in_gate.jpg", format=ImageFormat.PNG))

    assert step.fate is Fate.PLACE
    assert step.arrival.blob.path == "images/2025-09-01/in_gate/20250901100734_in_gate.png"
    assert step.arrival.partition == Partition("camera", "apm/in_gate", "2025-09-01")


def test_a_late_hour_belongs_to_its_utc_day():
    step = planner().decide(old("20250901T235959_in_gate.jpg"))

    assert step.arrival.partition.key == "2025-09-01"


def test_the_same_bytes_at_the_place_need_nothing_more():
    step = planner({PLACE: ONE}).decide(old("20250901T100734_in_gate.jpg"))

    assert (step.fate, step.arrival.blob.path) == (Fate.THERE, PLACE)


def test_other_bytes_at_the_place_are_kept_and_these_beside():
    step = planner({PLACE: OTHER}).decide(old("20250901T100734_in_gate.jpg"))

    assert step.fate is Fate.BESIDE
    assert step.arrival.blob.path == PLACE.replace("34_", "34~11111111_")
    assert PLACE in step.reason


def test_two_names_of_one_second_are_told_apart_by_their_bytes():
    plan = planner()
    names = [
        "a/20250901T100734_in_gate.jpg",
        "b/20250901100734_in_gate.jpg",
        "c/20250901100734_in_gate.jpg",
    ]

    fates = [plan.decide(old(n, s)).fate for n, s in zip(names, [ONE, ONE, OTHER], strict=True)]

    assert fates == [Fate.PLACE, Fate.THERE, Fate.BESIDE]


def test_a_third_of_the_same_second_that_equals_the_one_beside_is_there():
    plan = planner({PLACE: OTHER})

    fates = [plan.decide(old(f"{n}/20250901100734_in_gate.jpg")).fate for n in "ab"]

    assert fates == [Fate.BESIDE, Fate.THERE]


def test_bytes_that_collide_in_their_short_hash_stay_where_they_are():
    taken = PLACE.replace("34_", "34~11111111_")

    step = planner({PLACE: OTHER, taken: OTHER}).decide(old("20250901100734_in_gate.jpg"))

    assert (step.fate, step.arrival) == (Fate.LEFT, None)


def test_a_thumbnail_has_a_place_of_its_own():
    step = planner().decide(old("2025-09-01T10:07:34-in_gate-thumbnail.jpeg"))

    assert step.arrival.blob.path == PLACE.replace(".jpg", "-thumbnail.jpg")


@pytest.mark.parametrize("held", ["jpg", "png"])
def test_a_thumbnail_of_a_picture_that_is_here_stays_where_it_is(held):
    there = {PLACE.replace(".jpg", f".{held}"): OTHER}

    step = planner(there).decide(old("2025-09-01T10:07:34-in_gate-thumbnail.jpeg"))

    assert (step.fate, "the full size is here" in step.reason) == (Fate.LEFT, True)


def test_full_sizes_are_planned_before_thumbnails():
    names = ["a/2025-09-01T10:07:34-in_gate-thumbnail.jpeg", "b/2025-09-01T10:07:34-in_gate.jpeg"]

    assert sorted(names, key=in_order) == [names[1], names[0]]


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"hashed": OTHER}, "its sidecar says SHA-256 222222222222…, it has 111111111111…"),
        ({"stream": "out_gate"}, "its sidecar says stream out_gate, its name in_gate"),
        ({"hashed": "\n"}, "its sidecar says SHA-256 \\n…"),
    ],
)
def test_a_sidecar_that_contradicts_keeps_the_file_where_it_is(claim, reason):
    step = planner().decide(old("20250901100734_in_gate.jpg", **claim))

    assert (step.fate, step.reason.startswith(reason)) == (Fate.LEFT, True)


def test_a_sidecars_hash_counts_in_any_case_of_letters():
    hashed = OldDownload(
        "20250901100734_in_gate.jpg",
        Claim(sha256="AB" * 32),
        Contents("ab" * 32, 100, Picture(ImageFormat.JPEG, 16, 9)),
    )

    assert planner().decide(hashed).fate is Fate.PLACE


def test_a_sidecar_fills_in_what_the_name_does_not_say():
    url = "https://cdn.draydog.com/apm/2025-09-01/10/2025-09-01T10:07:34-in_gate.jpeg"

    steps = [
        planner().decide(old("IMG_1.jpg", url=url)),
        planner().decide(old("20250901100734.jpg", stream="in_gate")),
    ]

    assert [step.arrival.blob.path for step in steps] == [PLACE, PLACE]
    assert steps[0].arrival.url == url


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("holiday.jpg", "neither its name nor a sidecar says when it was taken"),
        ("20250901100734.jpg", "neither its name nor a sidecar says its stream"),
        ("20990901100734_in_gate.jpg", "taken at 2099-09-01 10:07, which is still to come"),
    ],
)
def test_what_cannot_be_placed_stays_with_a_reason(file, reason):
    step = planner().decide(old(file))

    assert (step.fate, step.reason) == (Fate.LEFT, reason)


def test_what_the_source_cannot_have_stays_with_its_reason():
    step = planner(refusal=lambda p: f"no {p.collection}").decide(old("20250901100734_yard.jpg"))

    assert (step.fate, step.reason) == (Fate.LEFT, "no apm/yard")


def test_what_is_no_picture_stays_with_the_decoders_reason():
    step = planner().decide(OldDownload("20250901100734_in_gate.jpg", problem="truncated"))

    assert (step.fate, step.reason) == (Fate.LEFT, "truncated")


def test_a_name_is_shown_on_one_line():
    assert shown("two\nlines\udcff.jpg") == "two\\nlines\\udcff.jpg"
