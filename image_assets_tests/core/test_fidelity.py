import pytest

from image_assets.core.fidelity import (
    ESTABLISHED,
    Habit,
    Shown,
    Sighting,
    Treatment,
    change,
    profile,
)
from image_assets.core.model import Content, ImageFormat, Level

JPEG, PNG = ImageFormat.JPEG, ImageFormat.PNG
KEPT = Habit(JPEG, Treatment.SAME_BYTES, ESTABLISHED, "https://host.test/a.jpg")


def seen(treatment: Treatment, format: ImageFormat = JPEG) -> Sighting:
    return Sighting(format, treatment, 1, "https://host.test/b.jpg")


def test_a_first_treatment_is_learned_and_no_change():
    assert change([], seen(Treatment.ENCODED_ANEW)) is None


def test_another_treatment_than_the_usual_one_is_a_change_and_says_what_was_usual():
    assert change([KEPT], seen(Treatment.ENCODED_ANEW)) == "keeps the bytes (3)"


def test_what_was_seen_before_is_no_change():
    assert change([KEPT], seen(Treatment.SAME_BYTES)) is None


def test_before_a_treatment_is_established_another_one_is_learned_too():
    young = Habit(JPEG, Treatment.SAME_BYTES, ESTABLISHED - 1, "https://host.test/a.jpg")

    assert change([young], seen(Treatment.ENCODED_ANEW)) is None


def test_formats_are_learned_apart():
    assert change([KEPT], seen(Treatment.ENCODED_ANEW, PNG)) is None


@pytest.mark.parametrize(
    "harm", [Treatment.RESIZED, Treatment.REPLACED, Treatment.BROKEN, Treatment.LOST]
)
def test_harm_is_a_change_the_first_time(harm):
    assert change([], seen(harm)) == "nothing known"


@pytest.mark.parametrize(
    ("level", "treatments"),
    [
        (Level.L4, {Treatment.SAME_BYTES}),
        (Level.L3, {Treatment.SAME_BYTES}),
        (Level.L2, set()),
        (Level.L1, set()),
    ],
)
def test_a_level_alone_proves_equal_bytes_or_says_nothing(level, treatments):
    content = Content("0" * 64, "a", 9, JPEG, "a.jpg")

    assert Shown.proven(content, level).treatments == treatments


def test_a_profile_says_what_is_most_frequent_first():
    rare = Habit(JPEG, Treatment.ENCODED_ANEW, 1, "x")

    assert profile([rare, KEPT]) == {"jpeg": "keeps the bytes (3), encodes the picture anew (1)"}


def test_a_change_that_was_taken_note_of_alarms_no_more():
    changed = Habit(JPEG, Treatment.RESIZED, 1, "x", instead_of="keeps the bytes (3)")
    noted = Habit(JPEG, Treatment.RESIZED, 1, "x", "keeps the bytes (3)", accepted=True)

    assert (KEPT.alarms, changed.alarms, noted.alarms) == (False, True, False)
    assert changed.said == (
        "changes its size (sent as JPEG), where it was: keeps the bytes (3); for instance x"
    )
