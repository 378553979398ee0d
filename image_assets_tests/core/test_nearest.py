import csv
import itertools
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from image_assets.core import fingerprint, nearest
from image_assets.core.colour import upright
from image_assets.core.errors import UnreadableImageError
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Policy
from image_assets.core.nearest import Limits
from image_assets.core.reading import open_image
from image_assets_tests import drawing

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared pictures are not here")
LIMITS = Limits()
EVERY = tuple(Policy)


def look(seed: int, size: tuple[int, int] = (320, 180)) -> Fingerprint:
    return fingerprint.of(opened(drawing.picture(seed, size, "PNG")))


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


def re_encoded(seed: int) -> Fingerprint:
    return fingerprint.of(
        opened(drawing.encoded(opened(drawing.picture(seed, (320, 180))), "JPEG"))
    )


def lettered(ink: str, side: int) -> Image.Image:
    """A drawing of one colour on a transparent ground."""
    image = Image.new("RGBA", (1200, 1200))
    draw = ImageDraw.Draw(image)
    draw.ellipse((200, 100, 900, 700), fill=ink)
    draw.rectangle((300, 600, 500, 1150), fill=ink)
    draw.line((600, 600, 1100, 1100), fill=ink, width=90)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def flipped(packed: bytes, count: int) -> bytes:
    """`packed` with its first `count` bits turned."""
    number = int.from_bytes(packed) ^ (((1 << count) - 1) << (len(packed) * 8 - count))
    return number.to_bytes(len(packed))


def test_distance_counts_the_bits_that_differ():
    assert nearest.distance(b"\x00\xff", b"\x01\xfe") == 2


@given(st.binary(min_size=32, max_size=32), st.integers(0, 256))
def test_distance_is_symmetric_and_exact(packed, count):
    other = flipped(packed, count) if count else packed

    assert nearest.distance(packed, other) == nearest.distance(other, packed) == count


def test_hashes_of_other_lengths_are_never_compared():
    with pytest.raises(ValueError, match="never compared"):
        nearest.distance(b"\x00", b"\x00\x00")


@pytest.mark.parametrize("policy", EVERY)
def test_versions_are_never_compared(policy):
    ours = look(1)

    with pytest.raises(ValueError, match="versions 2 and 0 are never compared"):
        nearest.matches(policy, ours, replace(ours, version="0"), LIMITS)


@pytest.mark.parametrize("policy", EVERY)
def test_equal_pixels_are_one_design_under_every_policy(policy):
    assert nearest.matches(policy, look(1), look(1), LIMITS)


@pytest.mark.parametrize("policy", EVERY)
def test_other_pictures_are_other_designs_under_every_policy(policy):
    assert not nearest.matches(policy, look(1), look(2), LIMITS)


def test_exact_takes_nothing_but_equal_pixels():
    ours, theirs = look(1), re_encoded(1)

    assert nearest.matches(Policy.NEAR, ours, theirs, LIMITS)
    assert not nearest.matches(Policy.EXACT, ours, theirs, LIMITS)


def test_near_takes_the_same_picture_at_another_size():
    image = opened(drawing.picture(3, (640, 360), "PNG"))
    smaller = image.resize((320, 180), Image.Resampling.LANCZOS)

    assert nearest.matches(Policy.NEAR, fingerprint.of(image), fingerprint.of(smaller), LIMITS)


@pytest.mark.parametrize("policy", [Policy.NEAR, Policy.SEED])
@pytest.mark.parametrize("side", ["phash_white", "dhash_white", "phash_black", "dhash_black"])
def test_each_of_the_four_hashes_must_be_within_the_limit(policy, side):
    bits = {Policy.NEAR: LIMITS.near_bits, Policy.SEED: LIMITS.seed_bits}[policy]
    ours = look(1)
    other = replace(ours, pixel_hash="00" * 32)
    within = replace(other, **{side: flipped(getattr(ours, side), bits)})
    beyond = replace(other, **{side: flipped(getattr(ours, side), bits + 1)})

    assert nearest.matches(policy, ours, within, LIMITS)
    assert not nearest.matches(policy, ours, beyond, LIMITS)


def test_the_same_drawing_in_another_colour_is_another_design_under_near():
    image = opened(drawing.picture(1, (320, 180), "PNG"))
    red, green, blue = image.split()
    other = Image.merge("RGB", (blue, green, red))

    assert not nearest.matches(Policy.NEAR, fingerprint.of(image), fingerprint.of(other), LIMITS)


@pytest.mark.parametrize("ink", ["white", "black"])
def test_ink_that_shows_on_one_ground_only_is_compared_there(ink):
    """White ink on nothing is white on white: what it says can be seen on black alone."""
    other = {"white": "#c0c0c0", "black": "#404040"}[ink]
    ours, same, paler = (
        fingerprint.of(lettered(i, s)) for i, s in ((ink, 300), (ink, 150), (other, 300))
    )

    assert nearest.matches(Policy.NEAR, ours, same, LIMITS)
    assert not nearest.matches(Policy.NEAR, ours, paler, LIMITS)


@pytest.mark.parametrize("limits", [Limits(near_colour=0.0), Limits(near_detail=0.0)])
def test_each_difference_has_a_limit_of_its_own(limits):
    ours, theirs = look(1), re_encoded(1)

    assert nearest.matches(Policy.NEAR, ours, theirs, LIMITS)
    assert not nearest.matches(Policy.NEAR, ours, theirs, limits)


def test_a_small_place_of_another_colour_is_another_design_under_near():
    image = opened(drawing.picture(1, (320, 180), "PNG"))
    other = image.copy()
    other.paste("magenta", (100, 80, 120, 95))

    assert not nearest.matches(Policy.NEAR, fingerprint.of(image), fingerprint.of(other), LIMITS)


@pytest.mark.parametrize("policy", [Policy.NEAR, Policy.SEED])
def test_flat_pictures_abstain(policy):
    flat = fingerprint.of(Image.new("RGB", (300, 200), (120, 120, 120)))
    nearly = fingerprint.of(Image.new("RGB", (300, 200), (121, 120, 120)))

    assert flat.phash_white == nearly.phash_white
    assert not nearest.matches(policy, flat, nearly, LIMITS)
    assert nearest.matches(policy, flat, flat, LIMITS)


@pytest.mark.parametrize("policy", EVERY)
def test_the_scan_finds_nothing_among_other_designs(policy):
    anchors = [(f"d{seed}", look(seed)) for seed in range(2, 6)]

    assert nearest.plain_scan(policy, look(1), anchors, LIMITS) is None


def test_equal_pixels_win_over_the_merely_near():
    ours = look(1)
    near = replace(ours, pixel_hash="00" * 32)

    found = nearest.plain_scan(Policy.NEAR, ours, [("a", near), ("b", ours)], LIMITS)

    assert found == "b"


def test_the_nearest_wins_and_of_equally_near_ones_the_first_by_id():
    ours = look(1)
    other = replace(ours, pixel_hash="00" * 32)
    three = replace(other, phash_white=flipped(ours.phash_white, 3))
    two = replace(other, dhash_black=flipped(ours.dhash_black, 2))
    anchors = [("a", three), ("c", two), ("b", two)]

    assert nearest.plain_scan(Policy.NEAR, ours, anchors, LIMITS) == "b"
    assert nearest.plain_scan(Policy.NEAR, ours, reversed(anchors), LIMITS) == "b"


def shared_look(file: Path) -> Fingerprint:
    return fingerprint.of(upright(open_image(file, max_pixels=10**8, max_bytes=10**8)))


@needs_shared
@pytest.mark.filterwarnings("ignore")
def test_near_finds_published_duplicates_and_takes_no_two_pictures_for_one():
    """What `docs/designs.md` promises, on pictures that others labelled."""
    with (SHARED / "neardup" / "ground_truth.csv").open(newline="") as table:
        clusters = {row["file"]: row["cluster"] for row in csv.DictReader(table)}
    looks = {}
    for name in clusters:
        try:
            looks[name] = shared_look(SHARED / "neardup" / name)
        except UnreadableImageError:
            continue  # TIFF and PPM are none of ours
    with (SHARED / "neardup" / "pairs.csv").open(newline="") as table:
        pairs = [
            row for row in csv.DictReader(table) if {row["file_a"], row["file_b"]} <= set(looks)
        ]

    found = {
        frozenset(pair)
        for pair in itertools.combinations(looks, 2)
        if nearest.matches(Policy.NEAR, looks[pair[0]], looks[pair[1]], LIMITS)
    }

    same = {frozenset((row["file_a"], row["file_b"])) for row in pairs}
    strict = {frozenset((r["file_a"], r["file_b"])) for r in pairs if r["level"] == "strict"}
    assert len(found & strict) >= 0.98 * len(strict)
    assert [pair for pair in found - same if len({clusters[name] for name in pair}) > 1] == []


@needs_shared
@pytest.mark.parametrize("policy", EVERY)
def test_designs_that_only_alpha_or_colour_tells_apart_stay_apart(policy):
    with (SHARED / "designs" / "designs.csv").open(newline="") as table:
        rows = [
            r for r in csv.DictReader(table) if r["group"] in ("alpha_collision", "colour_variants")
        ]
    looks = [shared_look(SHARED / "designs" / row["file"]) for row in rows]

    matching = [
        pair for pair in itertools.combinations(looks, 2) if nearest.matches(policy, *pair, LIMITS)
    ]

    assert len(rows) == 22
    assert len({look.pixel_hash for look in looks}) == 22
    assert matching == []
