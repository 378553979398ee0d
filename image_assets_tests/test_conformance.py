"""The page of hosts shows what the suites are: each case of each host, and that it held."""

from collections import Counter

from image_assets import hosting
from image_assets.sources import Destination
from image_assets_tests import conformance
from image_assets_tests.conformance import Case, Conformance


def test_the_page_shows_every_case_of_every_host_as_held():
    shown = set(conformance.rows(conformance.PAGE.read_text("utf-8")))

    assert shown == set(conformance.promised()), "run: python -m image_assets_tests.conformance"


def test_every_destination_is_wired_and_has_a_suite():
    suites = {conformance.host(suite) for suite in conformance.suites()}

    assert set(hosting.HOSTS) == set(Destination.__args__) == suites


def test_every_host_over_http_passes_forty_different_cases():
    cases = Counter(host for _, host in conformance.promised())
    del cases["local"]

    assert min(cases.values()) >= 40


def test_a_case_that_failed_once_is_shown_as_failed():
    held, failed = (
        Case("Once", "uploading again gives the same receipt and stores nothing more"),
        Case("Once", "the same content sent by two at once is there once"),
    )
    found = Conformance(outcomes={(held, "a"): True, (failed, "a"): False, (held, "b"): True})

    page = f"<!-- conformance -->\n{conformance.table(found)}<!-- /conformance -->"

    assert set(conformance.rows(page)) == {(held, "a"), (held, "b")}
    assert "**✗** | · |" in page
