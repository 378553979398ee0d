import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from image_assets.compose import Catalog, DecodingPool, LocalStore
from image_assets.core.errors import TransientError
from image_assets.core.model import ImageFormat, Publishes
from image_assets.core.retention import RetentionPolicy
from image_assets.stages.rebuilding import Rebuilder, Restorer
from image_assets.stages.retention import Retention
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House

LATER = NOW + dt.timedelta(days=8)


class CountingDecoder:
    """A decoder that counts what it rendered; one of another version renders other bytes."""

    def __init__(self, decoder: DecodingPool, *, quality: int | None = None) -> None:
        self.decoder, self.quality, self.rendered = decoder, quality, 0

    def render_all(self, file, recipes, base=None):
        self.rendered += 1
        if self.quality is not None:
            recipes = [replace(recipe, jpeg_quality=self.quality) for recipe in recipes]
        return self.decoder.render_all(file, recipes, base)


@pytest.fixture(params=["sqlite", "postgres"])
def exported(request: pytest.FixtureRequest, tmp_path: Path, decoder: DecodingPool) -> House:
    """One design with its exports, on each kind of database."""
    catalog: Catalog = request.getfixturevalue(f"{request.param}_catalog")
    house = House(tmp_path, catalog, LocalStore(tmp_path / "data"), decoder)
    house.collect({"20250901100000_in_gate.jpg": picture(1)})
    house.admit()
    house.export()
    return house


def retention(house: House, store=None) -> Retention:
    return Retention(
        house.catalog.retention, store or house.store, RetentionPolicy(), (RECIPE.name,)
    )


def clean(house: House) -> None:
    stage = retention(house)
    stage.plan(now=LATER)
    assert not stage.apply(now=LATER).failed


def rebuilder(house: House, decoder=None, store=None) -> Rebuilder:
    return Rebuilder(
        house.catalog.rebuilding,
        store or house.store,
        decoder or house.decoder,
        clock=lambda: LATER,
        wait=lambda _: None,
    )


def jpeg(house: House) -> str:
    [key] = [key for key in house.files("exports") if key.endswith(".jpg")]
    return key


def test_a_live_export_is_given_as_it_is(exported):
    decoder, key = CountingDecoder(exported.decoder), jpeg(exported)

    assert rebuilder(exported, decoder).rebuild(key) == key
    assert decoder.rendered == 0


def test_an_expired_export_is_the_same_under_the_same_name(exported):
    before = {key: exported.store.sha256(key) for key in exported.files("exports")}
    clean(exported)
    assert exported.files("exports") == []

    keys = [rebuilder(exported).rebuild(key, "default") for key in before]

    assert {key: exported.store.sha256(key) for key in keys if key} == before
    assert exported.files("exports") == sorted(before)


def test_it_is_made_by_its_own_recipe_whatever_is_made_today(exported):
    key = jpeg(exported)
    before = exported.store.sha256(key)
    clean(exported)
    today = Rebuilder(
        exported.catalog.rebuilding,
        exported.store,
        exported.decoder,
        [replace(RECIPE, jpeg_quality=30)],
    )

    today.rebuild(key)

    assert exported.store.sha256(key) == before


def test_another_encoders_rendering_answers_under_the_old_name(exported):
    key = jpeg(exported)
    before = exported.store.sha256(key)
    clean(exported)

    again = rebuilder(exported, CountingDecoder(exported.decoder, quality=30)).rebuild(key)

    assert again == key
    assert exported.store.sha256(key) not in (None, before)
    assert rebuilder(exported).rebuild(f"{before}.jpg") == key


def test_a_file_that_was_lost_is_put_back(exported):
    key = jpeg(exported)
    before = exported.store.sha256(key)
    exported.store.delete(key)

    assert rebuilder(exported).rebuild(key) == key
    assert exported.store.sha256(key) == before


def test_what_was_never_exported_or_is_another_tenants_is_not_there(exported):
    with exported.catalog.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tenants (name, created_at) VALUES ('other', '2025-09-01')"
        )

    asked = rebuilder(exported)

    assert asked.rebuild("exports/small/00/" + "0" * 24 + "-00000000.jpg") is None
    assert asked.rebuild("../secrets") is None
    assert asked.rebuild(jpeg(exported), "other") is None


def test_without_its_picture_it_cannot_be_made(exported):
    key = jpeg(exported)
    clean(exported)
    with exported.catalog.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE images SET state = 'expired', blob_id = NULL")

    assert rebuilder(exported).rebuild(key) is None


def test_many_who_ask_at_once_have_it_rendered_once(exported):
    key, decoder = jpeg(exported), CountingDecoder(exported.decoder)
    clean(exported)
    rooms = (exported.catalog.rebuilding, exported.store, decoder)
    processes = [Rebuilder(*rooms) for _ in range(2)]

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda n: processes[n % 2].rebuild(key), range(8)))

    assert (set(keys), decoder.rendered) == ({key}, 1)


def test_who_waits_too_long_is_told_to_ask_again(exported):
    key = jpeg(exported)
    clean(exported)
    design = key.rpartition("/")[2][:24]
    until = LATER + dt.timedelta(minutes=1)
    exported.catalog.rebuilding.lease(f"rebuild {design}", "another", until=until, now=LATER)

    with pytest.raises(TransientError, match="is being rendered"):
        rebuilder(exported).rebuild(key)


class While:
    """A store in which something else happens at the moment of one call, in another thread."""

    def __init__(self, store: LocalStore, call: str, what) -> None:
        self.store, self.call, self.what = store, call, what
        self.thread: threading.Thread | None = None

    def __getattr__(self, name):
        if name == self.call and self.thread is None:
            self.thread = threading.Thread(target=self.what)
            self.thread.start()
            self.thread.join(0.3)  # it gets its chance, and must wait until we are done
        return getattr(self.store, name)


def test_a_file_that_is_made_again_before_its_purge_stays(exported):
    key = jpeg(exported)
    stage = retention(exported)
    stage.plan(now=LATER)
    for deletion in exported.catalog.retention.planned():
        exported.catalog.retention.tombstone(deletion.id, now=LATER)

    rebuilder(exported).rebuild(key)
    report = stage.apply(now=LATER)

    assert report.counts == {"export_deleted": 2, "restored": 1}
    assert exported.files("exports") == [key]


def test_a_file_that_is_made_again_while_it_is_purged_is_there_in_the_end(exported):
    key = jpeg(exported)
    stage = retention(exported)
    stage.plan(now=LATER)
    for deletion in exported.catalog.retention.planned():
        exported.catalog.retention.tombstone(deletion.id, now=LATER)
    store = While(exported.store, "delete", lambda: rebuilder(exported).rebuild(key))

    retention(exported, store).apply(now=LATER)
    assert store.thread is not None
    store.thread.join()

    assert exported.files("exports") == [key]
    assert rebuilder(exported, CountingDecoder(exported.decoder)).rebuild(key) == key


def test_a_file_that_is_purged_while_it_is_made_again_is_there_in_the_end(exported):
    key = jpeg(exported)
    stage = retention(exported)
    stage.plan(now=LATER)
    for deletion in exported.catalog.retention.planned():
        exported.catalog.retention.tombstone(deletion.id, now=LATER)
    store = While(exported.store, "put", lambda: stage.apply(now=LATER))

    rebuilder(exported, store=store).rebuild(key)
    assert store.thread is not None
    store.thread.join()

    assert exported.files("exports") == [key]


def restore(house: House, destination: str, decoder=None):
    stage = Restorer(house.catalog.rebuilding, house.store, decoder or house.decoder)
    return stage.restore(DAY, destination, [RECIPE], now=LATER)


def publish(house: House, host: FakeHost):
    publisher = Publisher(host.name, host, house.catalog.uploads, house.store, "us", lambda: LATER)
    return publisher.publish(DAY, Publishes.EXPORTS, RECIPE)


def test_a_new_destination_gets_what_expired_before_it_came(exported):
    publish(exported, FakeHost("first"))
    clean(exported)
    late = FakeHost("late")

    report = restore(exported, "late")
    publish(exported, late)

    assert (report.counts, len(late.held)) == ({"restored": 1}, 3)
    assert restore(exported, "late").counts == {}
    assert restore(exported, "first").counts == {}


def test_where_the_encoder_changed_it_gets_what_is_rendered_now(exported):
    first, late = FakeHost("first"), FakeHost("late")
    publish(exported, first)
    clean(exported)

    restore(exported, "late", CountingDecoder(exported.decoder, quality=30))
    publish(exported, late)

    assert len(set(late.held) - set(first.held)) == 1
    assert exported.catalog.rebuilding.unpublished(DAY, "late", RECIPE) == ()
    assert {p.upload.content.format for p in exported.catalog.uploads.published(DAY, "first")} == {
        ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP,
    }  # fmt: skip
