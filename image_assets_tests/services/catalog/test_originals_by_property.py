"""Whatever is published, lost, restored and cleaned up in whatever order: the last proven copy stays."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_assets.core.model import Level, Publishes, UploadState
from image_assets.core.originals import OriginalsPolicy, plan
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.columns import metadata
from image_assets.services.catalog.schema import blobs, images, tenants, uploads
from image_assets_tests.services.catalog.samples import DAY, NOW, column, publish, sha256, store

PLACES = frozenset({"pinata", "s3"})
WORDS = ("truck", "gate", "crane", "newest")
BEGUN = (("publish", "pinata"), ("publish", "s3"), ("clean", None))
HOUR = dt.timedelta(hours=1)


@dataclass
class World:
    """The catalog, the time, the files that are there, and those that went."""

    catalog: Catalog
    policy: OriginalsPolicy
    now: dt.datetime = NOW
    files: set[str] = field(default_factory=set)
    purged: list[str] = field(default_factory=list)

    def begin(self) -> None:
        with self.catalog.engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                if table is not tenants:
                    connection.execute(table.delete())
        for minute, word in enumerate(WORDS):
            self.files.add(store(self.catalog, minute, word).path)

    def publish(self, place: str) -> None:
        publish(self.catalog, publishes=Publishes.ORIGINALS, destination=place)

    def lose(self, word: str) -> None:
        """Every host loses one, and somebody notices."""
        self._change(word, state=UploadState.FAILED)

    def doubt(self, word: str) -> None:
        self._change(word, level=Level.L2)

    def clean(self) -> None:
        room = self.catalog.originals
        room.forget_plan()
        room.record_plan(
            plan(room.facts(self.policy.sources), self.policy, now=self.now), now=self.now
        )
        for deletion in room.planned():
            room.tombstone(deletion.id, self.policy, now=self.now)
        for deletion in room.tombstoned(before=self.now - self.policy.undo):
            proofs = self._proofs(deletion.path)
            with room.purging(deletion.id, self.policy, now=self.now) as found:
                if found.path is not None:
                    assert proofs >= self.policy.copies
                    self.files.discard(found.path)
                    self.purged.append(found.path)

    def restore(self) -> None:
        for deletion in self.catalog.originals.tombstoned():
            assert deletion.path in self.files
            assert self.catalog.originals.restore(deletion.id, now=self.now)

    def check(self) -> None:
        """Every stored picture has its file, the newest is one of them, and no purge was twice."""
        known = column(
            self.catalog,
            blobs.select().with_only_columns(blobs.c.path),
        )
        assert set(known) == self.files
        assert sha256("newest") in column(
            self.catalog,
            images.select().with_only_columns(images.c.sha256).where(images.c.state == "stored"),
        )
        assert len(set(self.purged)) == len(self.purged)
        assert len(self.files) + len(self.purged) == len(WORDS)

    def _proofs(self, path: str) -> int:
        """Fresh proofs of the bytes at a path, counted apart from the code under test."""
        [word] = [word for word in WORDS if path == self._path(word)]
        rows = uploads.select().where(uploads.c.sha256 == sha256(word))
        with self.catalog.engine.connect() as connection:
            return sum(
                row.state == UploadState.VERIFIED
                and row.level in ("L3", "L4")
                and row.verified_at <= self.now <= row.verified_at + self.policy.fresh
                for row in connection.execute(rows)
            )

    def _path(self, word: str) -> str:
        return f"images/2025-09-01/in_gate/20250901000{WORDS.index(word)}00_in_gate.jpg"

    def _change(self, word: str, **values: object) -> None:
        with self.catalog.engine.begin() as connection:
            connection.execute(
                uploads.update()
                .where(uploads.c.sha256 == sha256(word), uploads.c.url.is_not(None))
                .values(**values)
            )


def steps() -> st.SearchStrategy[list[tuple[str, object]]]:
    word, place = st.sampled_from(WORDS), st.sampled_from(sorted(PLACES))
    return st.lists(
        st.one_of(
            st.tuples(st.just("publish"), place),
            st.tuples(st.just("clean"), st.none()),
            st.tuples(st.just("restore"), st.none()),
            st.tuples(st.just("lose"), word),
            st.tuples(st.just("doubt"), word),
            st.tuples(st.just("wait"), st.sampled_from([1, 24 * 8, 24 * 40])),
        ),
        min_size=1,
        max_size=6,
    )


def done(world: World, found: Sequence[tuple[str, object]]) -> Iterator[World]:
    for step, what in found:
        match step:
            case "publish":
                world.publish(str(what))
            case "clean":
                world.clean()
            case "restore":
                world.restore()
            case "lose":
                world.lose(str(what))
            case "doubt":
                world.doubt(str(what))
            case _:
                world.now += int(str(what)) * HOUR
        yield world


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps(), st.integers(1, 2))
def test_no_order_of_events_removes_the_last_proven_copy(
    sqlite_catalog: Catalog, found: list[tuple[str, object]], copies: int
) -> None:
    world = World(sqlite_catalog, OriginalsPolicy(copies=copies, places={"camera": PLACES}))
    world.begin()

    # Most of what can go wrong begins with originals that went.
    for after in done(world, [*BEGUN, *found]):
        after.check()


def test_such_worlds_do_purge(sqlite_catalog: Catalog) -> None:
    world = World(sqlite_catalog, OriginalsPolicy(places={"camera": PLACES}))
    world.begin()
    for _ in done(world, [*BEGUN, ("wait", 24 * 8), ("clean", None)]):
        pass

    assert (len(world.purged), len(sqlite_catalog.images.paths(DAY))) == (3, 1)
