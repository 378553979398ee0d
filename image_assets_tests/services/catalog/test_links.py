import datetime as dt

import pytest
import sqlalchemy as sa

from image_assets.core.looks import Finding, LookTerms
from image_assets.core.model import Level, Publishes, Receipt, UploadState
from image_assets.ports import Look
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.publishing import former_receipts
from image_assets_tests.services.catalog.samples import (
    ATTEMPT,
    DAY,
    NEXT_DAY,
    NOW,
    OTHER_SHOP,
    add_tenant,
    journey,
    publish,
    store,
)

TERMS = LookTerms(every=dt.timedelta(days=30), confirm=dt.timedelta(hours=6), most=100)
GONE = Look(Finding.GONE, "404")
CHANGED = Look(Finding.CHANGED, "another picture")
ALIVE = Look(Finding.ALIVE, level=Level.L3, size=1000)
NOBODY = Look(Finding.UNREACHABLE, "503")


def after(**spans: float) -> dt.datetime:
    return NOW + dt.timedelta(**spans)


@pytest.fixture
def published(catalog: Catalog) -> Catalog:
    """Two originals, verified at one destination."""
    for minute, word in enumerate(("truck", "van")):
        store(catalog, minute, word)
    publish(catalog, publishes=Publishes.ORIGINALS)
    return catalog


def ids(catalog: Catalog, now: dt.datetime, terms: LookTerms = TERMS) -> list[int]:
    return [link.upload.id for link in catalog.links.due("pinata", terms, now=now)]


def states(catalog: Catalog) -> dict[UploadState, int]:
    return dict(catalog.uploads.counts(DAY, "pinata"))


def test_what_was_just_proven_is_not_due(published):
    assert ids(published, after(days=29)) == []
    assert len(ids(published, after(days=30))) == 2


def test_the_longest_not_looked_at_come_first_and_no_more_than_asked(published):
    first, second = ids(published, after(days=40))
    published.links.look(first, ALIVE, now=after(days=40))

    assert ids(published, after(days=71)) == [second, first]
    assert ids(published, after(days=71), TERMS.within(1)) == [second]


def test_what_is_in_question_comes_back_soon_and_before_all_else(published):
    first, second = ids(published, after(days=40))
    published.links.look(second, GONE, now=after(days=40))
    published.links.look(first, ALIVE, now=after(days=40))

    assert ids(published, after(days=40, hours=5)) == []
    assert ids(published, after(days=40, hours=6)) == [second]


def test_an_accusation_stands_from_its_first_look(published):
    upload = ids(published, after(days=40))[0]

    first = published.links.look(upload, GONE, now=after(days=40))
    second = published.links.look(upload, GONE, now=after(days=41))

    assert (first, second) == (after(days=40), after(days=40))


def test_nobody_there_neither_accuses_nor_acquits(published):
    upload = ids(published, after(days=40))[0]
    published.links.look(upload, GONE, now=after(days=40))

    unknown = published.links.look(upload, NOBODY, now=after(days=41))
    again = published.links.look(upload, GONE, now=after(days=42))

    assert (unknown, again) == (None, after(days=40))


@pytest.mark.parametrize("between", [ALIVE, CHANGED], ids=["alive", "changed"])
def test_another_answer_in_between_begins_anew(published, between):
    upload = ids(published, after(days=40))[0]
    published.links.look(upload, GONE, now=after(days=40))
    published.links.look(upload, between, now=after(days=41))

    assert published.links.look(upload, GONE, now=after(days=42)) == after(days=42)


def test_a_proof_after_a_look_ends_what_it_said(published):
    upload = ids(published, after(days=40))[0]
    published.links.look(upload, GONE, now=after(days=40))
    published.uploads.verified(upload, Level.L3, now=after(days=41))

    since = published.links.look(upload, GONE, now=after(days=42))

    assert since == after(days=42)


def test_what_is_lost_fails_in_the_ledger_and_keeps_its_receipt(published):
    upload = ids(published, after(days=40))[0]
    published.links.look(upload, GONE, now=after(days=40))

    lost = published.links.lose(upload, GONE, now=after(days=41))

    row = published.uploads.upload(upload)
    assert (lost, row.state, row.reason, row.rejected) == (
        True,
        UploadState.FAILED,
        "gone: 404",
        False,
    )
    assert row.receipt is not None
    assert states(published) == {UploadState.FAILED: 1, UploadState.VERIFIED: 1}
    with published.engine.connect() as connection:
        kept = connection.execute(sa.select(former_receipts.c.url)).scalars().all()
    assert kept == [row.receipt.url]


def test_what_was_proven_meanwhile_is_not_lost(published):
    upload = ids(published, after(days=40))[0]
    published.links.look(upload, GONE, now=after(days=40))
    published.uploads.verified(upload, Level.L3, now=after(days=41))

    assert not published.links.lose(upload, GONE, now=after(days=42))
    assert states(published) == {UploadState.VERIFIED: 2}


def test_suspects_name_the_partitions_they_belong_to(published):
    store(published, 24 * 60, "truck", partition=NEXT_DAY)
    first, second = ids(published, after(days=40))
    published.links.look(first, GONE, now=after(days=40))
    published.links.look(second, NOBODY, now=after(days=40, hours=1))

    silent, gone = published.links.suspects("pinata")

    assert (silent.finding, silent.since, silent.settled) == (Finding.UNREACHABLE, None, False)
    assert (gone.finding, gone.since, gone.reason) == (Finding.GONE, after(days=40), "404")
    assert gone.partitions == (DAY, NEXT_DAY)
    assert published.links.suspects("imgbb") == ()


def test_an_export_belongs_to_the_partitions_of_its_design(catalog):
    store(catalog, 1, "truck")
    store(catalog, 24 * 60, "truck", partition=NEXT_DAY)
    journey(catalog)
    upload = ids(catalog, after(days=40))[0]
    catalog.links.look(upload, GONE, now=after(days=40))

    assert catalog.links.suspects("pinata")[0].partitions == (DAY,)


def test_what_is_given_up_stays_a_suspect_until_it_is_published_again(published):
    upload = ids(published, after(days=40))[0]
    published.links.look(upload, GONE, now=after(days=40))
    published.links.lose(upload, GONE, now=after(days=41))
    settled = published.links.suspects("pinata")

    lease, now = after(days=43), after(days=42)
    published.uploads.begin(upload, "us", lease_until=lease, now=now)
    receipt = Receipt("https://host.test/new")
    published.uploads.receive(upload, "us", receipt, attempt=ATTEMPT, now=now)
    published.uploads.verified(upload, Level.L3, now=now)

    assert [suspect.settled for suspect in settled] == [True]
    assert published.links.suspects("pinata") == ()


def test_counts_tell_how_they_are(published):
    first, _ = ids(published, after(days=40))
    published.links.look(first, GONE, now=after(days=40))

    counts = published.links.counts("pinata", TERMS, now=after(days=40, hours=1))

    assert (counts.verified, counts.never, counts.due) == (2, 1, 1)
    assert counts.findings == {Finding.GONE: 1}
    assert published.links.destinations() == ("pinata",)


def test_every_tenant_is_looked_at_and_named(published):
    add_tenant(published, "other")
    store(published, 1, "secret", partition=OTHER_SHOP)
    publish(published, OTHER_SHOP, publishes=Publishes.ORIGINALS)

    due = published.links.due("pinata", TERMS, now=after(days=40))

    assert sorted(link.tenant for link in due) == ["default", "default", "other"]


def test_what_a_host_was_given_comes_in_pages_with_its_tenant(published):
    [(tenant, first)] = published.republishing.given("pinata", most=1)
    rest = published.republishing.given("pinata", after=first.id)

    assert (tenant, len(rest)) == ("default", 1)
    assert published.republishing.given("pinata", after=rest[-1][1].id) == ()


def test_what_another_host_holds_is_told_by_hash(published):
    rows = published.republishing.given("pinata")
    hashes = {upload.content.sha256 for _, upload in rows}

    assert published.republishing.held("pinata", "default", hashes) == hashes
    assert published.republishing.held("imgbb", "default", hashes) == frozenset()


def test_bytes_are_found_where_they_are_now_for_their_tenant_alone(published):
    [(_, upload), _] = published.republishing.given("pinata")
    add_tenant(published, "other")

    assert published.republishing.here(upload.content.sha256, "default") == upload.content.path
    assert published.republishing.here(upload.content.sha256, "other") is None
    assert published.republishing.homes(upload.content.sha256, "other") == ()
