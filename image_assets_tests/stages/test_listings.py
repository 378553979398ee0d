"""Drafts made of designs, against the rehearsal's Etsy over real connections."""

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from image_assets.core.errors import InDoubtError, NotFoundError, RejectedError
from image_assets.core.listings import ListingTemplate, WhoMade
from image_assets.core.model import Blob, ImageFormat, Partition, Policy, Scope
from image_assets.core.recipes import Recipe
from image_assets.ports import ListingState, NewExport
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.catalog.schema import designs
from image_assets.services.catalog.shops import listings
from image_assets.services.etsy import Etsy
from image_assets.services.etsy_tokens import Keys, Logins
from image_assets.services.store.local import LocalStore
from image_assets.stages.listings import Lister
from image_assets.stages.report import Cause, Report
from image_assets_tests.drawing import picture
from image_assets_tests.end_to_end.live import ROOT
from image_assets_tests.etsying import RETRY, SHOPS, app, clock, log_in
from image_assets_tests.services.catalog.samples import NOW, add_tenant, design, sha256, store

BATCH = Partition("inbox", "acme", "20250901-000000-001", tenant="acme")
GLOBEX = Partition("inbox", "globex", "20250901-000000-001", tenant="globex")
RECIPE = Recipe("thumbnail", formats=(ImageFormat.JPEG,))
CREATE = "POST /etsy/shops/11111111/listings$"
IMAGES = "POST /etsy/shops/11111111/listings/.*/images"
TEMPLATE = ListingTemplate(
    "{name} - Art Print",
    "A print of {name}. Number {design}.",
    Decimal("18.50"),
    5,
    WhoMade.I_DID,
    "made_to_order",
    1027,
    shipping_profile_id=77,
    readiness_state_id=88,
)


@dataclass(frozen=True)
class Shop:
    """A shop's designs with their pictures, a rehearsal, and the lister between."""

    catalog: Catalog
    rehearsal: Rehearsal
    folder: Path
    lister: Lister

    def list_all(self, **changes: Any) -> Report:
        return replace(self.lister, **changes).list_all(BATCH)

    def rows(self) -> list[Any]:
        return list(self.catalog.listings.rows(BATCH, SHOPS["acme"]))

    def states(self) -> list[ListingState]:
        return [row.state for row in self.rows()]

    def drafts(self) -> list[Any]:
        return self.rehearsal.etsy.of(SHOPS["acme"])

    def later(self, seconds: float = 3600) -> None:
        self.rehearsal.clock.advance(seconds)


def lister_of(
    catalog: Catalog,
    folder: Path,
    environment: Mapping[str, str],
    *,
    owner: str = "us",
    time: Any = None,
    shop: str = "acme",
    **changes: Any,
) -> Lister:
    keys = Keys(catalog.tokens, Logins(app(environment), retry=RETRY, clock=time))
    site = Etsy(
        app(environment),
        keys,
        api_url=environment["ETSY_API_URL"],
        pace=folder / "pace",
        **{"per_second": 1000, "retry": RETRY, "timeout": 15.0, "clock": time} | changes,
    )
    now = time.now if time else lambda: dt.datetime.now(dt.UTC)
    return Lister(
        SHOPS[shop],
        TEMPLATE,
        catalog.listings,
        site,
        LocalStore(folder),
        owner,
        now,
        ("mug", "bag"),
        RECIPE.name,
    )


def fill(catalog: Catalog, folder: Path, partition: Partition = BATCH, count: int = 3) -> list[str]:
    """Designs with two mockups and an export each, their files in the store."""
    add_tenant(catalog, partition.tenant)
    for number in range(count):
        word = f"{partition.collection} {number}"
        store(catalog, number, word, partition=partition, path=f"images/{word}.jpg")
    scope = Scope("inbox", Policy.EXACT, partition.tenant)
    designs = design(catalog, partition, scope)
    for number, one in enumerate(designs):
        for place, template in enumerate(("mug", "bag")):
            blob = _file(folder, f"{one}-{template}", 10 * number + place)
            with catalog.mockups.recording(one, template, blob, now=NOW):
                pass
        blob = _file(folder, f"{one}-export", 10 * number + 7)
        with catalog.thumbnails.recording(one, now=NOW) as desk:
            desk.add(NewExport(RECIPE, blob, "Pillow 13", sha256("source")))
    return designs


def _file(folder: Path, name: str, number: int) -> Blob:
    file = folder / f"shown/{name}.jpg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content := picture(number, (64 + number, 48)))
    return Blob(sha256(name), f"shown/{name}.jpg", len(content), ImageFormat.JPEG, 64, 48)


@pytest.fixture
def shop(request: pytest.FixtureRequest, catalog: Catalog, tmp_path: Path) -> Iterator[Shop]:
    profile = Profile(**getattr(request, "param", {}))
    with Rehearsal(profile) as rehearsal:
        time = clock(rehearsal)
        fill(catalog, tmp_path)
        log_in(rehearsal, catalog.tokens, "acme", clock=time)
        lister = lister_of(catalog, tmp_path, rehearsal.environment(), time=time)
        yield Shop(catalog, rehearsal, tmp_path, lister)
        lister.site.close()  # type: ignore[attr-defined]


def test_every_design_becomes_one_draft_with_its_images_in_rank_order(shop):
    report = shop.list_all()

    assert report.counts == {"drafted": 3}
    assert shop.states() == [ListingState.LISTED] * 3
    assert len(shop.drafts()) == 3
    for row in shop.rows():
        draft = shop.rehearsal.etsy.listings[row.listing_id]
        assert (draft.state, draft.skus) == ("draft", [row.design_id])
        images = sorted(draft.images, key=lambda one: one.rank)
        names = [f"{row.design_id}-{end}.jpg" for end in ("mug", "bag", "export")]
        assert [one.content for one in images] == [
            (shop.folder / "shown" / name).read_bytes() for name in names
        ]
    assert shop.rehearsal.etsy.activations == 0


def test_listings_are_only_ever_looked_at_made_labelled_and_shown(shop):
    shop.list_all()

    asked = [r for r in shop.rehearsal.requests()["requests"] if r["path"].startswith("/etsy/")]
    assert {(r["method"], re.sub(r"\d+", "N", r["path"])) for r in asked} == {
        ("GET", "/etsy/shops/N/listings"),
        ("POST", "/etsy/shops/N/listings"),
        ("PUT", "/etsy/listings/N/inventory"),
        ("GET", "/etsy/listings/N/images"),
        ("POST", "/etsy/shops/N/listings/N/images"),
    }


def test_run_again_nothing_is_asked_for(shop):
    shop.list_all()
    before = len(shop.rehearsal.requests()["requests"])

    again = shop.list_all()

    assert again.counts == {}
    assert len(shop.rehearsal.requests()["requests"]) == before


def test_a_plan_shows_the_exact_listing_and_asks_nobody(shop):
    before = len(shop.rehearsal.requests()["requests"])

    planned = shop.lister.plan(BATCH)
    after, rows = len(shop.rehearsal.requests()["requests"]), shop.rows()
    shop.list_all()

    assert (after, rows) == (before, [])
    sent = {d.skus[0]: (d.fields["title"], d.fields["description"]) for d in shop.drafts()}
    assert {p.text.sku: (p.text.title, p.text.description) for p in planned} == sent
    assert [len(one.images) for one in planned] == [3, 3, 3]


@pytest.mark.parametrize("kind", ["drop_after", "html", "truncate"])
def test_a_draft_whose_answer_is_lost_is_found_at_once(shop, kind):
    shop.rehearsal.inject(CREATE, {"kind": kind, "processed": True}, times=2)

    report = shop.list_all(workers=1)

    assert report.counts == {"drafted": 3}
    assert len(shop.drafts()) == 3
    assert len({draft.skus[0] for draft in shop.drafts()}) == 3


def test_a_draft_that_cannot_be_found_is_in_doubt_and_sent_again_only_after_it_was_looked_for(shop):
    shop.rehearsal.inject(CREATE, {"kind": "drop_after", "processed": False}, times=1)

    first = shop.list_all(workers=1)
    soon = shop.list_all()
    before = len(shop.drafts())
    shop.later()
    last = shop.list_all()

    assert (first.counts, first.causes) == ({"drafted": 2}, {Cause.IN_DOUBT: 1})
    assert (soon.causes, before) == ({Cause.IN_DOUBT: 1}, 2)
    assert "looked for again" in soon.failures[0].reason
    assert last.counts == {"drafted": 1}
    assert len(shop.drafts()) == 3


def test_a_draft_that_shows_late_is_found_later_and_not_made_again(shop):
    shop.rehearsal.inject(CREATE, {"kind": "drop_after"}, times=1)
    (one, *_) = shop.lister.plan(BATCH)
    row = shop.catalog.listings.claim(
        BATCH, SHOPS["acme"], one.design.design_id, one.text.title, "killed",
        until=shop.lister.until(), now=shop.lister.clock(),
    )  # fmt: skip
    shop.catalog.listings.sending(
        row.number, "killed", until=shop.lister.until(), now=row.created_at
    )
    with pytest.raises(InDoubtError):
        shop.lister.site.create("acme", SHOPS["acme"], one.text)

    held = shop.list_all()
    shop.later()
    found = shop.list_all()

    assert (held.counts, held.causes) == ({"drafted": 2}, {Cause.TRANSIENT: 1})
    assert found.counts == {"found": 1}
    assert len(shop.drafts()) == 3


def test_a_persons_own_draft_under_the_same_title_is_left_alone(shop):
    (one, *_) = shop.lister.plan(BATCH)
    own = shop.lister.site.create("acme", SHOPS["acme"], one.text)

    report = shop.list_all()

    assert report.counts == {"drafted": 3}
    assert shop.rehearsal.etsy.listings[own.listing_id].skus == []
    assert own.listing_id not in {row.listing_id for row in shop.rows()}


def test_a_draft_that_bears_the_designs_sku_is_its_draft_whoever_made_it(shop):
    (one, *_) = shop.lister.plan(BATCH)
    own = shop.lister.site.create("acme", SHOPS["acme"], one.text)
    shop.lister.site.label("acme", SHOPS["acme"], own.listing_id, one.text)

    report = shop.list_all()

    assert report.counts == {"found": 1, "drafted": 2}
    assert len(shop.drafts()) == 3


def test_two_drafts_with_one_sku_are_a_persons_to_sort_out(shop):
    (one, *_) = shop.lister.plan(BATCH)
    for _ in range(2):
        own = shop.lister.site.create("acme", SHOPS["acme"], one.text)
        shop.lister.site.label("acme", SHOPS["acme"], own.listing_id, one.text)

    report = shop.list_all()

    assert report.counts == {"drafted": 2}
    assert "2 drafts with the SKU" in report.failures[0].reason


def test_images_that_are_there_are_not_sent_again(shop):
    shop.rehearsal.inject(IMAGES, {"kind": "status", "status": 400, "body": "{}"}, times=3)
    first = shop.list_all()
    shop.rehearsal.clear_faults()

    again = shop.list_all()

    assert first.failed
    assert again.counts == {"completed": first.failed}
    assert [len(draft.images) for draft in shop.drafts()] == [3, 3, 3]
    assert len(shop.drafts()) == 3


def test_an_image_whose_answer_is_lost_is_asked_for_and_there_once(shop):
    shop.rehearsal.inject(IMAGES, {"kind": "drop_after"}, times=4)

    report = shop.list_all()

    assert report.counts == {"drafted": 3}
    assert [len(draft.images) for draft in shop.drafts()] == [3, 3, 3]


def test_a_refused_listing_does_not_stop_the_others_and_is_tried_again(shop):
    shop.rehearsal.inject(CREATE, {"kind": "status", "status": 400, "body": "{}"}, times=1)

    first = shop.list_all()
    states = shop.states()
    again = shop.list_all()

    assert (first.counts, first.causes) == ({"drafted": 2}, {Cause.PERMANENT: 1})
    assert sorted(states) == ["failed", "listed", "listed"]
    assert again.counts == {"drafted": 1}


def test_a_draft_that_a_person_deleted_is_not_made_again(shop):
    shop.rehearsal.inject(IMAGES, {"kind": "status", "status": 400, "body": "{}"}, times=100)
    shop.list_all()
    shop.rehearsal.clear_faults()
    gone = shop.drafts()[0].number
    del shop.rehearsal.etsy.listings[gone]

    report = shop.list_all()
    again = shop.list_all()

    assert (report.counts, report.failed) == ({"completed": 2}, 1)
    assert sorted(shop.states()) == ["gone", "listed", "listed"]
    assert again.counts == {}


def test_a_design_whose_mockups_lack_is_not_listed_yet(shop):
    report = shop.list_all(templates=("mug", "bag", "poster"))

    assert report.causes == {Cause.PERMANENT: 3}
    assert "1 of its pictures are not made yet" in report.failures[0].reason
    assert shop.drafts() == []


@pytest.mark.parametrize("shop", [{"etsy_daily_requests": 12}], indirect=True)
def test_a_spent_day_ends_the_batch_and_the_next_goes_on(shop):
    first = shop.list_all(workers=1)
    made = len(shop.drafts())
    shop.later(25 * 3600)
    second = shop.list_all(workers=1)
    shop.later(25 * 3600)
    shop.list_all(workers=1)

    assert set(first.causes) == {Cause.QUOTA}
    assert 0 < made < 3
    assert second.done
    assert shop.states() == [ListingState.LISTED] * 3
    assert [len(draft.images) for draft in shop.drafts()] == [3, 3, 3]


def test_another_shops_design_is_in_nobody_elses_shop(shop, tmp_path):
    (strange, *_) = fill(shop.catalog, tmp_path, GLOBEX)
    time = clock(shop.rehearsal)
    log_in(shop.rehearsal, shop.catalog.tokens, "globex", clock=time)
    globex = lister_of(
        shop.catalog, tmp_path, shop.rehearsal.environment(), time=time, shop="globex"
    )
    now = shop.lister.clock()

    with pytest.raises(NotFoundError, match="acme has no such design"):
        shop.catalog.listings.claim(
            BATCH, SHOPS["acme"], strange, "t", "us", until=shop.lister.until(), now=now
        )
    shop.list_all()
    globex.list_all(GLOBEX)
    globex.site.close()  # type: ignore[attr-defined]

    mine, theirs = ({d.skus[0] for d in shop.rehearsal.etsy.of(n)} for n in SHOPS.values())
    assert (len(mine), len(theirs), mine & theirs) == (3, 3, set())


def test_whoever_lost_the_lease_records_nothing(shop):
    (one, *_) = shop.lister.plan(BATCH)
    desk, now = shop.catalog.listings, shop.lister.clock()
    row = desk.claim(BATCH, SHOPS["acme"], one.design.design_id, "t", "slow", until=now, now=now)
    again = desk.claim(
        BATCH, SHOPS["acme"], one.design.design_id, "t", "us", until=shop.lister.until(), now=now
    )

    with pytest.raises(RejectedError, match="another run has it"):
        desk.sending(row.number, "slow", until=now, now=now)

    assert again.number == row.number


def test_two_runs_at_the_same_time_make_each_draft_once(shop):
    other = replace(shop.lister, owner="another run")
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda lister: lister.list_all(BATCH), (shop.lister, other)))
    rest = shop.list_all()

    both = reports[0] + reports[1] + rest
    assert both.counts["drafted"] == 3
    assert set(both.causes) <= {Cause.TRANSIENT}
    assert shop.states() == [ListingState.LISTED] * 3
    assert [len(draft.images) for draft in shop.drafts()] == [3, 3, 3]


def test_a_design_that_was_merged_into_another_is_listed_once(shop):
    (first, second, _) = (one.design.design_id for one in shop.lister.plan(BATCH))
    shop.list_all()
    with shop.catalog.engine.begin() as connection:
        connection.execute(listings.delete().where(listings.c.design_id == second))
        connection.execute(
            designs.update().where(designs.c.id == first).values(merged_into_id=second)
        )

    assert shop.lister.plan(BATCH) == ()


def test_killed_between_draft_and_receipt_there_is_no_second_draft(sqlite_url, tmp_path):
    with Rehearsal(Profile()) as rehearsal:
        catalog = open_catalog(sqlite_url)
        fill(catalog, tmp_path)
        log_in(rehearsal, catalog.tokens, "acme")
        rehearsal.inject(CREATE, {"kind": "slow_body", "seconds": 30.0})
        killed = subprocess.Popen(
            [sys.executable, "-m", "image_assets_tests.stages.listing",
             sqlite_url, str(tmp_path), json.dumps(rehearsal.environment())],
            cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not rehearsal.etsy.listings and time.monotonic() < deadline:
            assert killed.poll() is None
            time.sleep(0.02)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        rehearsal.clear_faults()
        made = len(rehearsal.etsy.listings)

        lister = lister_of(catalog, tmp_path, rehearsal.environment())
        held = lister.list_all(BATCH)
        later = replace(lister, clock=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
        after = later.list_all(BATCH)

        lister.site.close()  # type: ignore[attr-defined]
        catalog.dispose()
        assert made >= 1
        # The other of the two that were listed at a time may have been killed before it had sent.
        assert set(held.causes) == {Cause.TRANSIENT}
        assert made <= held.causes[Cause.TRANSIENT] <= 2
        assert after.counts["found"] == made
        assert len(rehearsal.etsy.of(SHOPS["acme"])) == 3
