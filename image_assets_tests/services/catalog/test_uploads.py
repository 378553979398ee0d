import datetime as dt

import pytest
import sqlalchemy as sa

from image_assets.core.errors import RejectedError, TransientError
from image_assets.core.model import (
    Content,
    ImageFormat,
    Level,
    Publishes,
    Receipt,
    UploadState,
)
from image_assets.core.naming import item_key
from image_assets.ports import Attempt, Published, Upload
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.publishing import former_receipts
from image_assets.services.catalog.schema import attempts, exports
from image_assets_tests.services.catalog.samples import (
    ATTEMPT,
    DAY,
    LEASE,
    NEXT_DAY,
    NOW,
    OTHER_SHOP,
    add_tenant,
    at,
    column,
    design,
    export,
    journey,
    publish,
    publishable,
    register,
    sha256,
    store,
)

FAILED = Attempt(NOW, 30.0, "failure", "503")
RECEIPT = Receipt("https://host.test/a", "id-1", "bafy", "jpeg 9x9 quality 90: " + "0" * 64)
LATER = LEASE + dt.timedelta(seconds=1)


def one(catalog: Catalog) -> Upload:
    """The intent to publish one original."""
    store(catalog, 1, "truck")
    [upload] = register(catalog, publishes=Publishes.ORIGINALS)
    return upload


def again(catalog: Catalog) -> Upload:
    """The same row as it stands now."""
    [upload] = register(catalog, publishes=Publishes.ORIGINALS)
    return upload


def begin(
    catalog: Catalog, upload: Upload, owner: str = "us", now: dt.datetime = NOW
) -> UploadState | None:
    lease = now + (LEASE - NOW)
    return catalog.uploads.begin(upload.id, owner, lease_until=lease, now=now)


def test_contents_are_distinct_named_by_hash_and_in_a_fixed_order(catalog: Catalog) -> None:
    for minute, word in ((2, "gate"), (1, "truck"), (3, "truck")):
        store(catalog, minute, word, path=f"images/{word}.jpg")
    design(catalog)
    export(catalog)

    originals = publishable(catalog, publishes=Publishes.ORIGINALS)
    made = publishable(catalog)

    truck = Content(
        sha256("truck"), "images/truck.jpg", 1000, ImageFormat.JPEG, f"{sha256('truck')}.jpg"
    )
    assert [content.sha256 for content in originals] == [sha256("truck"), sha256("gate")]
    assert originals[0] == truck
    assert [content.format for content in made] == ["jpeg", "png", "jpeg", "png"]
    assert [c.path for c in publishable(catalog, publishes=Publishes.BOTH)] == [
        originals[0].path,
        made[0].path,
        made[1].path,
        originals[1].path,
        made[2].path,
        made[3].path,
    ]


def test_expired_exports_are_not_published_any_more(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    export(catalog)

    with catalog.engine.begin() as connection:
        connection.execute(exports.update().values(state="expired", blob_id=None))

    assert publishable(catalog) == []


def test_registering_twice_gives_the_same_rows(catalog: Catalog) -> None:
    first = one(catalog)

    assert again(catalog) == first
    assert (first.state, first.receipt, first.level, first.rejected) == (
        UploadState.INTENT,
        None,
        None,
        False,
    )


def test_each_destination_and_each_tenant_has_rows_of_its_own(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    upload = one(catalog)
    store(catalog, 1, "truck", partition=OTHER_SHOP)

    [elsewhere] = register(catalog, publishes=Publishes.ORIGINALS, destination="local")
    [theirs] = register(catalog, OTHER_SHOP, publishes=Publishes.ORIGINALS)

    assert len({upload.id, elsewhere.id, theirs.id}) == 3
    assert upload.content.sha256 == theirs.content.sha256


def test_equal_bytes_are_registered_once(catalog: Catalog) -> None:
    content = Content(sha256("a"), "a.jpg", 1, ImageFormat.JPEG, "a")

    rows = catalog.uploads.register("pinata", "default", [content, content], now=NOW)

    assert len(rows) == 1


def test_thousands_of_contents_are_registered_at_once(catalog: Catalog) -> None:
    contents = [
        Content(sha256(str(n)), f"{n}.jpg", n, ImageFormat.JPEG, str(n)) for n in range(2500)
    ]

    rows = catalog.uploads.register("pinata", "default", contents, now=NOW)

    assert [row.content for row in rows] == contents
    assert catalog.uploads.register("pinata", "default", contents, now=NOW) == rows


def test_a_row_that_is_being_sent_is_nobody_elses(catalog: Catalog) -> None:
    upload = one(catalog)

    assert begin(catalog, upload) is UploadState.INTENT
    assert begin(catalog, upload, "them") is None
    assert again(catalog).lease_until == LEASE


def test_an_expired_lease_is_taken_over_knowing_that_it_was_being_sent(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)

    assert begin(catalog, upload, "them", now=LATER) is UploadState.SENDING


def test_a_receipt_and_its_verification_settle_a_row(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)

    catalog.uploads.receive(upload.id, "us", RECEIPT, attempt=ATTEMPT, now=NOW)
    received = again(catalog)
    catalog.uploads.verified(upload.id, Level.L4, now=NOW)

    verified = again(catalog)
    assert (received.state, received.receipt) == (UploadState.RECEIPT, RECEIPT)
    assert (verified.state, verified.level) == (UploadState.VERIFIED, Level.L4)
    assert verified.receipt == RECEIPT
    assert begin(catalog, upload, now=LATER) is None


def test_a_failure_is_tried_again_and_a_refusal_is_not(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)
    catalog.uploads.fail(upload.id, "us", attempt=FAILED, rejected=False, now=NOW)

    assert begin(catalog, upload) is UploadState.FAILED
    catalog.uploads.fail(upload.id, "us", attempt=FAILED, rejected=True, now=NOW)

    refused = again(catalog)
    assert (refused.state, refused.rejected, refused.reason) == (UploadState.FAILED, True, "503")
    assert begin(catalog, upload) is None


def test_a_doubt_is_taken_up_knowing_that_it_is_one(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)

    catalog.uploads.doubt(upload.id, "us", attempt=FAILED, now=NOW)

    assert [row.id for row in catalog.uploads.in_doubt("pinata", "default")] == [upload.id]
    assert catalog.uploads.in_doubt("local", "default") == ()
    assert begin(catalog, upload, "them") is UploadState.IN_DOUBT
    catalog.uploads.receive(upload.id, "them", RECEIPT, attempt=ATTEMPT, now=NOW)
    assert catalog.uploads.in_doubt("pinata", "default") == ()


def test_only_he_who_took_the_row_last_tells_its_outcome(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)
    begin(catalog, upload, "them", now=LATER)

    with pytest.raises(RejectedError, match="took it over"):
        catalog.uploads.receive(upload.id, "us", RECEIPT, attempt=ATTEMPT, now=LATER)
    with pytest.raises(RejectedError, match="took it over"):
        catalog.uploads.fail(upload.id, "us", attempt=FAILED, rejected=False, now=LATER)
    with pytest.raises(RejectedError, match="took it over"):
        catalog.uploads.doubt(upload.id, "us", attempt=FAILED, now=LATER)

    assert again(catalog).state is UploadState.SENDING
    assert column(catalog, sa.select(attempts.c.number)) == []


def test_nothing_is_verified_without_a_receipt(catalog: Catalog) -> None:
    upload = one(catalog)

    with pytest.raises(RejectedError, match="without a receipt"):
        catalog.uploads.verified(upload.id, Level.L1, now=NOW)


def test_every_try_is_numbered_per_upload(catalog: Catalog) -> None:
    upload = one(catalog)
    for _ in range(2):
        begin(catalog, upload)
        catalog.uploads.fail(upload.id, "us", attempt=FAILED, rejected=False, now=NOW)
    begin(catalog, upload)
    catalog.uploads.receive(upload.id, "us", RECEIPT, attempt=ATTEMPT, now=NOW)

    with catalog.engine.connect() as connection:
        tries = connection.execute(
            sa.select(attempts.c.number, attempts.c.outcome, attempts.c.error).order_by("number")
        ).all()

    assert [tuple(row) for row in tries] == [
        (1, "failure", "503"),
        (2, "failure", "503"),
        (3, "success", None),
    ]


def test_a_partitions_uploads_are_counted_and_listed_after_its_exports_expired(
    catalog: Catalog,
) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "truck")
    store(catalog, 1441, "gate", partition=NEXT_DAY)
    journey(catalog)
    journey(catalog, NEXT_DAY)

    with catalog.engine.begin() as connection:
        connection.execute(exports.update().values(state="expired", blob_id=None))

    found = catalog.uploads.published(DAY, "pinata")
    assert catalog.uploads.counts(DAY, "pinata") == {UploadState.VERIFIED: 2}
    assert catalog.uploads.counts(DAY, "local") == {}
    assert [(link.item_key, link.upload.content.format) for link in found] == [
        (item_key(at(1)), ImageFormat.JPEG),
        (item_key(at(1)), ImageFormat.PNG),
    ]
    assert all(isinstance(link, Published) and link.upload.receipt for link in found)


def test_what_is_on_its_way_is_counted_by_state(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "gate")
    first, _ = register(catalog, publishes=Publishes.ORIGINALS)
    begin(catalog, first)

    counts = catalog.uploads.counts(DAY, "pinata")

    assert counts == {UploadState.SENDING: 1, UploadState.INTENT: 1}


def test_the_summary_counts_everything_once(catalog: Catalog) -> None:
    for minute, word in enumerate(("truck", "gate", "truck"), start=1):
        store(catalog, minute, word)
    journey(catalog)
    catalog.latest.append(
        "default", "k", sequence=1, captured_at=at(1), value="v", sha256=sha256("x"), now=NOW
    )
    catalog.latest.published("default", "k", 1, now=NOW)
    unverified = publish(catalog, publishes=Publishes.ORIGINALS, destination="local")

    totals = catalog.totals.totals("default")

    assert (totals.images.states, totals.images.stale) == ({"stored": 3}, 1)
    assert (totals.designs, totals.exports, totals.latest) == (2, 4, 1)
    assert totals.received == totals.verified == 4 + len(unverified) == 6


def test_tries_within_a_call_are_attempts_with_numbers_of_their_own(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)
    number = catalog.uploads.receive(
        upload.id, "us", RECEIPT, attempt=ATTEMPT, tries=[FAILED, FAILED], now=NOW
    )

    told = column(catalog, sa.select(attempts.c.outcome).order_by(attempts.c.number))

    assert (number, told) == (3, ["failure", "failure", "success"])


def test_an_outcome_that_is_told_twice_is_one_attempt(catalog: Catalog) -> None:
    """A line may break in a commit that came to something: the work is then carried out again."""
    upload = one(catalog)
    begin(catalog, upload)

    told = [
        catalog.uploads.receive(upload.id, "us", RECEIPT, attempt=ATTEMPT, now=NOW)
        for _ in range(2)
    ]

    assert (told, column(catalog, sa.select(attempts.c.number))) == ([1, 1], [1])


def test_a_row_that_is_taken_twice_by_one_call_stays_taken(catalog: Catalog) -> None:
    upload = one(catalog)

    assert begin(catalog, upload) is UploadState.INTENT
    assert begin(catalog, upload) is UploadState.SENDING  # it may be there: the host is asked
    assert begin(catalog, upload, "another") is None


def test_what_is_sent_again_keeps_its_receipt_beside(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)
    catalog.uploads.receive(upload.id, "us", RECEIPT, attempt=ATTEMPT, now=NOW)
    catalog.uploads.verified(upload.id, Level.L3, now=NOW)

    catalog.uploads.reopen(upload.id, now=NOW)

    row = again(catalog)
    kept = column(catalog, sa.select(former_receipts.c.host_id))
    assert (row.state, row.receipt, row.level, kept) == (UploadState.INTENT, None, None, ["id-1"])
    assert begin(catalog, upload) is UploadState.INTENT


def test_what_is_being_sent_is_not_reopened(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)

    with pytest.raises(TransientError, match="another run is sending it"):
        catalog.uploads.reopen(upload.id, now=NOW)
    catalog.uploads.reopen(upload.id, now=LATER)

    assert again(catalog).state is UploadState.INTENT


def standing(catalog: Catalog, upload: Upload) -> list[str]:
    """How a content stands at its destination; nothing where it is open."""
    told = catalog.uploads.standings("pinata", "default")
    return [name for name, hashes in told.items() if upload.content.sha256 in hashes]


def test_how_contents_stand_is_told_by_hash(catalog: Catalog) -> None:
    upload = one(catalog)
    stood = [standing(catalog, upload)]
    begin(catalog, upload)
    stood.append(standing(catalog, upload))
    catalog.uploads.fail(upload.id, "us", attempt=FAILED, rejected=True, now=NOW)
    stood.append(standing(catalog, upload))

    assert stood == [[], ["in doubt"], ["refused"]]


def test_what_is_published_and_what_was_taken_down_stands_so(catalog: Catalog) -> None:
    upload = one(catalog)
    begin(catalog, upload)
    catalog.uploads.receive(upload.id, "us", RECEIPT, attempt=ATTEMPT, now=NOW)
    catalog.uploads.verified(upload.id, Level.L3, now=NOW)
    stood = [standing(catalog, upload)]
    with catalog.uploads.removing(upload.id, now=NOW):
        pass
    stood.append(standing(catalog, upload))

    assert stood == [["published"], ["withdrawn"]]
