"""Hosts that misbehave, over real HTTP: what an operator sees of each, and what is done about it.

The matrix of bad input of publishing: pages under 200, pictures encoded anew, cut, swapped, shrunk and
lost, quotas that end in the middle, keys that are wrong or expired.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets import compose
from image_assets.compose import DecodingPool
from image_assets.core.model import Level, UploadState
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.settings import isolated
from image_assets.stages.report import Cause
from image_assets_tests.drawing import decoded, encoded, picture
from image_assets_tests.end_to_end.publishing import Publishing, publishing

PROFILE = Profile(imgur_daily_uploads=None)
KEYS = {
    "freeimage": "FREEIMAGE_API_KEY",
    "chevereto": "CHEVERETO_API_KEY",
    "imgbb": "IMGBB_API_KEY",
    "imgur": "IMGUR_CLIENT_ID",
    "cloudinary": "CLOUDINARY_API_SECRET",
    "pinata": "PINATA_JWT",
}
SHOWN = {"imgbb": "GET /imgbb/", "freeimage": "GET /freeimage/images/"}


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Rehearsal]:
    with Rehearsal(PROFILE) as rehearsal:
        yield rehearsal


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecodingPool]:
    with compose.decoder(isolated({})) as decoder:
        yield decoder


@pytest.fixture
def place(tmp_path: Path, rehearsal: Rehearsal, decoder: DecodingPool) -> Iterator[Publishing]:
    """Four originals, JPEG, that nobody has published yet."""
    rehearsal.reset()
    with publishing(tmp_path, rehearsal, decoder) as place:
        place.take([picture(n) for n in range(4)])
        yield place


def test_a_page_under_200_instead_of_a_receipt_is_in_doubt_and_never_sent_again(place):
    place.rehearsal.inject("POST /imgbb/", {"kind": "html"}, times=1)

    first, second = place.publish("imgbb"), place.publish("imgbb")

    assert (first.counts, first.causes) == ({"verified": 3}, {Cause.IN_DOUBT: 1})
    assert (second.counts, second.causes) == ({"unchanged": 3}, {Cause.IN_DOUBT: 1})
    assert "cannot be asked" in second.failures[0].reason
    assert len(place.rehearsal.shelves["imgbb"]) == 3
    assert place.states("imgbb")[UploadState.IN_DOUBT] == 1


def test_where_sending_again_is_as_good_as_asking_a_page_costs_a_second_request_and_no_copy(place):
    place.rehearsal.inject("POST /freeimage/", {"kind": "html", "processed": True}, times=1)

    report = place.publish("freeimage")

    assert (report.counts, report.failed) == ({"verified": 4}, 0)
    assert len(place.rehearsal.shelves["freeimage"]) == 4
    assert place.asked("POST /freeimage/") == 5


def test_a_page_where_a_picture_was_asked_for_is_asked_again_by_the_next_run(place):
    place.rehearsal.inject(SHOWN["imgbb"], {"kind": "html"})
    first = place.publish("imgbb")
    place.rehearsal.clear_faults()

    second = place.publish("imgbb")

    assert (first.transient_only, first.counts) == (True, {})
    assert "with a page where a picture was asked for" in first.failures[0].reason
    assert (second.counts, len(place.rehearsal.shelves["imgbb"])) == ({"verified": 4}, 4)


def test_a_host_that_encodes_anew_is_learned_and_its_proof_is_what_it_looks_like(place):
    place.take([picture(n, format="PNG") for n in (50, 51)], "png")

    report = place.publish("freeimage")

    assert report.counts == {"verified": 6}
    assert place.treats("freeimage") == {"jpeg": ["encoded_anew"], "png": ["same_bytes"]}
    levels = {row.content.format.value: row.level for row in place.rows("freeimage")}
    assert levels == {"jpeg": Level.L2, "png": Level.L3}
    assert place.news() == []


@pytest.mark.parametrize(
    ("spoil", "treatment", "said"),
    [
        (lambda body: body[: len(body) // 2], "broken", "cannot be decoded"),
        (lambda _: picture(99), "replaced", "shows another picture than was sent"),
        (
            lambda body: encoded(decoded(body).resize((80, 45)), "JPEG"),
            "resized",
            "shows 80 x 45 pixels where 160 x 90 were sent",
        ),
        (lambda _: b"", "broken", "cannot be decoded"),
    ],
    ids=["cut", "swapped", "shrunk", "emptied"],
)
def test_what_is_spoiled_there_is_an_alarm_at_once_and_given_up_after_a_second_look(
    place, spoil, treatment, said
):
    place.publish("imgbb")
    victim = place.rows("imgbb")[0]
    shelf = place.rehearsal.shelves["imgbb"]
    shelf.swap(place.item(victim), spoil(place.body(victim)))

    first, second = place.check("imgbb", hours=1), place.check("imgbb", hours=7)

    assert (first.report.counts, first.lost) == ({"alive": 3, "changed": 1}, 0)
    assert [habit.treatment for habit in first.changes] == [treatment]
    assert (second.lost, [found.settled for found in second.found]) == (1, [True])
    assert said in second.found[0].reason
    assert place.news()[0] == first.changes[0].said
    assert "1 published pictures show something else" in place.news()[1]
    assert place.states("imgbb") == {UploadState.VERIFIED: 3, UploadState.FAILED: 1}


def test_what_was_given_up_is_published_again_by_one_run_under_another_address(place):
    place.publish("imgbb")
    victim = place.rows("imgbb")[0]
    place.rehearsal.shelves["imgbb"].swap(place.item(victim), picture(99))
    place.check("imgbb", hours=1)
    place.check("imgbb", hours=7)

    report = place.publish("imgbb")

    again = place.rows("imgbb")[0]
    assert report.counts == {"unchanged": 3, "verified": 1}
    assert victim.receipt.url != again.receipt.url
    assert place.check("imgbb", hours=1).found == ()


def test_a_lost_picture_is_gone_after_two_looks_and_published_again(place):
    place.publish("imgbb")
    victim = place.rows("imgbb")[2]
    place.rehearsal.shelves["imgbb"].remove(place.item(victim))

    looks = [place.check("imgbb", hours=1), place.check("imgbb", hours=7)]
    suspects = place.catalog.links.suspects("imgbb")
    report = place.publish("imgbb")

    assert [look.lost for look in looks] == [0, 1]
    assert [(s.finding, s.settled, str(s.partitions[0])) for s in suspects] == [
        ("gone", True, "camera apm/in_gate 2025-09-01")
    ]
    assert report.counts == {"unchanged": 3, "verified": 1}


def test_a_host_that_is_down_loses_nothing_however_long(place):
    place.publish("imgbb")
    place.rehearsal.inject(SHOWN["imgbb"], {"kind": "status", "status": 503})

    checks = [place.check("imgbb", hours=7) for _ in range(2)]

    assert [check.report.counts for check in checks] == [{"unreachable": 4}] * 2
    assert place.states("imgbb") == {UploadState.VERIFIED: 4}


def test_a_host_that_begins_to_encode_anew_alarms_with_an_example(place):
    place.publish("imgbb")
    shelf = place.rehearsal.shelves["imgbb"]
    for row in place.rows("imgbb"):
        shelf.swap(place.item(row), encoded(decoded(place.body(row)), "JPEG"))

    checked = place.check("imgbb", hours=1)

    [change] = checked.changes
    assert checked.report.counts == {"alive": 4}
    assert change.said.startswith("encodes the picture anew (sent as JPEG), where it was: keeps")
    assert place.news() == [change.said]
    assert {row.level for row in place.rows("imgbb")} == {Level.L2}


@pytest.mark.parametrize(("host", "setting"), KEYS.items())
def test_a_wrong_key_ends_the_batch_at_its_first_request_and_names_the_setting(
    place, host, setting
):
    first = place.publish(host, **{setting: "expired-canary-key"})
    second = place.publish(host)

    assert (first.counts, first.causes) == ({}, {Cause.PERMANENT: 4})
    assert setting.rpartition("_")[0] in first.failures[0].reason
    assert not any("canary" in failure.reason for failure in first.failures)
    assert first.failures[-1].item == "3 items not tried"
    assert second.counts == {"verified": 4}


def test_a_key_that_expires_in_the_middle_leaves_the_rest_for_the_next_one(place):
    place.publish("freeimage")
    place.take([picture(n) for n in (70, 71)])

    locked = place.publish("freeimage", FREEIMAGE_API_KEY=PROFILE.freeimage_denied_key)
    opened = place.publish("freeimage")

    assert (locked.counts, locked.causes) == ({"unchanged": 4}, {Cause.PERMANENT: 2})
    assert opened.counts == {"unchanged": 4, "verified": 2}


def test_a_key_that_expired_says_nothing_of_what_is_published(place):
    place.publish("pinata")
    place.environment["PINATA_JWT"] = "expired"

    checked = place.check("pinata", hours=1)

    assert (checked.report.counts, checked.lost) == ({}, 0)
    assert "PINATA_JWT" in checked.report.failures[0].reason
    assert place.states("pinata") == {UploadState.VERIFIED: 4}


def test_a_quota_that_ends_in_the_middle_ends_the_batch_and_the_next_day_goes_on(tmp_path, decoder):
    with (
        Rehearsal(Profile(imgur_daily_uploads=2)) as rehearsal,
        publishing(tmp_path, rehearsal, decoder) as place,
    ):
        place.take([picture(n) for n in range(4)])
        first = place.publish("imgur")
        rehearsal.clock.advance(25 * 3600)
        second = place.publish("imgur")
        held = len(rehearsal.shelves["imgur"])

    assert (first.counts, first.causes) == ({"verified": 2}, {Cause.QUOTA: 2})
    assert "1 items not tried" in [failure.item for failure in first.failures]
    assert (second.counts, held) == ({"unchanged": 2, "verified": 2}, 4)


def test_a_file_that_was_damaged_here_is_not_published_and_says_so(place):
    [first, *_] = sorted((place.folder / "data" / "images").rglob("*.jpg"))
    first.write_bytes(picture(77))

    report = place.publish("imgbb")

    assert (report.counts, report.causes) == ({"verified": 3}, {Cause.PERMANENT: 1})
    assert "holds other bytes" in report.failures[0].reason
