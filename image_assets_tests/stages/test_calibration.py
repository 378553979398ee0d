import datetime as dt
import io
from html.parser import HTMLParser

import pytest
from PIL import Image

from image_assets.core.errors import PermanentError
from image_assets.core.model import Policy, Scope
from image_assets.core.nearest import Limits
from image_assets.stages.calibration import Calibrator, Findings, Terms
from image_assets.stages.calibration_page import render
from image_assets_tests.drawing import encoded, picture

NOW = dt.datetime(2025, 9, 3, 12, tzinfo=dt.UTC)
SCOPE = Scope("camera", Policy.NEAR)


def frames() -> dict[str, bytes]:
    """Three pictures; of the first another size, and one with a small place in another colour."""
    drawn = Image.open(io.BytesIO(picture(0, (320, 180), "PNG")))
    other = drawn.copy()
    other.paste("magenta", (100, 80, 120, 95))
    contents = [picture(seed, (320, 180), "PNG") for seed in range(3)]
    contents += [encoded(drawn.resize((160, 90)), "PNG"), encoded(other, "PNG")]
    return {
        f"apm/in_gate/20250901T10000{n}_in_gate.png": content for n, content in enumerate(contents)
    }


@pytest.fixture
def found(house):
    house.collect(frames())
    house.admit(policy=Policy.NEAR)
    return calibrator(house).calibrate(SCOPE)


def calibrator(house, terms: Terms | None = None) -> Calibrator:
    return Calibrator(
        house.catalog.calibration, house.store, house.decoder, Limits(), 2, terms or Terms()
    )


def test_a_library_is_counted_and_compared(found: Findings):
    library = found.library

    assert (library.designs, library.merged) == (4, 1)
    assert (library.sampled_designs, library.sampled_merged) == (4, 1)
    assert int(found.bits.sum()) == 4 * 3 // 2
    assert [pair.merged for pair in found.border] == [True, False]
    assert found.border[0].reach(found.limits) < 1 < found.border[1].reach(found.limits)
    assert found.report.failed == 0


def test_every_pair_at_the_border_is_shown(found: Findings):
    sheets = [Image.open(io.BytesIO(sheet)) for sheet in found.sheets.values()]

    assert set(found.sheets) == {(pair.a, pair.b) for pair in found.border}
    assert {sheet.format for sheet in sheets} == {"JPEG"}


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_from_elsewhere(found: Findings):
    page = render(found, now=NOW).decode()

    addresses = _Addresses()
    addresses.feed(page)
    assert len(addresses.found) == 2
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses.found)
    assert "NEAR_DETAIL" in page
    assert page.count("<svg") == 2


def test_a_lost_file_costs_its_pair_alone(house):
    house.collect(frames())
    house.admit(policy=Policy.NEAR)
    [lost] = house.catalog.calibration.aliases(SCOPE, "2", 9)
    house.store.delete(lost.path)

    found = calibrator(house).calibrate(SCOPE)

    assert found.report.failed == 1
    assert [pair.merged for pair in found.border] == [False]


def test_a_sample_stands_for_the_library(house):
    house.collect(frames())
    house.admit(policy=Policy.NEAR)

    found = calibrator(house, Terms(designs=2, aliases=0)).calibrate(SCOPE)

    assert found.library.pair_scale == pytest.approx(4 * 3 / 2)
    assert found.rate is not None


def test_an_empty_library_has_a_page_too(house):
    found = calibrator(house).calibrate(SCOPE)

    assert b"No pair is near enough" in render(found, now=NOW)
    assert found.rate is None


def test_exact_has_nothing_to_calibrate(house):
    with pytest.raises(PermanentError, match="exact, which has no limits"):
        calibrator(house).calibrate(Scope("camera", Policy.EXACT))
