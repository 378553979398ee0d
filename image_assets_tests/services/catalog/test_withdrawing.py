import datetime as dt

import pytest
import sqlalchemy as sa

from image_assets.core.errors import RejectedError, TransientError
from image_assets.core.model import Publishes, Receipt, UploadState
from image_assets.ports import Upload
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import images, uploads
from image_assets_tests.services.catalog.samples import (
    ATTEMPT,
    LEASE,
    NOW,
    OTHER_SHOP,
    add_tenant,
    column,
    publish,
    register,
    store,
)

SAME = {
    "pinata": Receipt("https://gw/ipfs/bafy", host_id="349f", cid="bafy"),
    "kubo": Receipt("https://gw/ipfs/bafy", host_id="bafy", cid="bafy"),
    "cloudinary": Receipt("https://res/x.jpg", host_id="x"),
    "s3": Receipt("https://b/x.jpg", host_id="x.jpg"),
    "local": Receipt("http://127.0.0.1/x.jpg", host_id="x.jpg"),
}


def sent(catalog: Catalog, destination: str, receipt: Receipt, **tenant: object) -> Upload:
    """One picture that a destination gave this receipt for."""
    partition = {"partition": OTHER_SHOP} if tenant else {}
    store(catalog, 1, "truck", **partition, path=f"images/{len(tenant)}.jpg")  # type: ignore[arg-type]
    [upload] = register(
        catalog, publishes=Publishes.ORIGINALS, destination=destination, **partition
    )
    catalog.uploads.begin(upload.id, "us", lease_until=LEASE, now=NOW)
    catalog.uploads.receive(upload.id, "us", receipt, attempt=ATTEMPT, now=NOW)
    return catalog.uploads.upload(upload.id)


def two(catalog: Catalog, destination: str, other: Receipt | None = None) -> tuple[Upload, Upload]:
    """The same bytes, published by two tenants."""
    add_tenant(catalog, "other")
    receipt = SAME[destination]
    return (
        sent(catalog, destination, receipt),
        sent(catalog, destination, other or receipt, tenant="other"),
    )


def state(catalog: Catalog, upload: Upload) -> UploadState:
    return catalog.uploads.upload(upload.id).state


@pytest.mark.parametrize("destination", SAME)
def test_what_another_publication_lives_on_stays(catalog: Catalog, destination: str) -> None:
    mine, others = two(catalog, destination)

    with (
        pytest.raises(RejectedError, match="1 other publications live on the same thing"),
        catalog.uploads.removing(mine.id, now=NOW),
    ):
        pytest.fail("the host was told to remove it")

    assert (state(catalog, mine), state(catalog, others)) == (UploadState.RECEIPT,) * 2


def test_when_the_other_one_went_it_may_go(catalog: Catalog) -> None:
    mine, others = two(catalog, "s3")
    with catalog.engine.begin() as connection:
        connection.execute(uploads.update().where(uploads.c.id == mine.id).values(state="removed"))

    with catalog.uploads.removing(others.id, now=NOW):
        pass

    assert state(catalog, others) is UploadState.REMOVED


def test_equal_bytes_that_the_host_keeps_twice_are_two_things(catalog: Catalog) -> None:
    mine, others = two(catalog, "cloudinary", Receipt("https://res/y.jpg", host_id="y"))

    with catalog.uploads.removing(mine.id, now=NOW):
        pass

    assert (state(catalog, mine), state(catalog, others)) == (
        UploadState.REMOVED, UploadState.RECEIPT,
    )  # fmt: skip


def test_what_another_tenant_is_sending_stays(catalog: Catalog) -> None:
    mine, others = two(catalog, "s3")
    with catalog.engine.begin() as connection:
        connection.execute(
            uploads.update()
            .where(uploads.c.id == others.id)
            .values(state="sending", host_id=None, url=None, lease_until=LEASE)
        )

    with pytest.raises(RejectedError), catalog.uploads.removing(mine.id, now=NOW):
        pytest.fail("the host was told to remove it")


def test_what_is_being_sent_is_not_taken_down(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [upload] = register(catalog, publishes=Publishes.ORIGINALS)
    catalog.uploads.begin(upload.id, "us", lease_until=LEASE, now=NOW)

    with pytest.raises(TransientError), catalog.uploads.removing(upload.id, now=NOW):
        pytest.fail("the host was told to remove it")


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (RejectedError("nothing is removed for programs"), UploadState.VERIFIED),
        (TransientError("the connection broke"), UploadState.RECEIPT),
    ],
)
def test_a_removal_that_failed_leaves_the_row_as_much_as_is_known(
    catalog: Catalog, error: Exception, after: UploadState
) -> None:
    store(catalog, 1, "truck")
    [upload] = publish(catalog, publishes=Publishes.ORIGINALS)

    with pytest.raises(type(error)), catalog.uploads.removing(upload.id, now=NOW):
        raise error

    assert state(catalog, upload) is after


def test_the_last_copy_of_an_original_that_went_stays(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [one] = publish(catalog, publishes=Publishes.ORIGINALS, destination="pinata")
    [other] = publish(catalog, publishes=Publishes.ORIGINALS, destination="s3")
    with catalog.engine.begin() as connection:
        connection.execute(images.update().values(state="expired", blob_id=None))

    with catalog.uploads.removing(one.id, now=NOW):
        pass
    with (
        pytest.raises(RejectedError, match="the only other copy"),
        catalog.uploads.removing(other.id, now=NOW + dt.timedelta(days=1)),
    ):
        pytest.fail("the host was told to remove it")

    assert column(catalog, sa.select(uploads.c.state).order_by(uploads.c.id)) == [
        "removed", "verified",
    ]  # fmt: skip
