"""What becomes of a request when the generator does this or that: over a real catalog, store and decoder."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.generation import AspectRatio, RequestState, VariationState
from image_assets.core.model import ImageState, Partition
from image_assets.core.recipes import Composite, Recipe
from image_assets.ports import NewRequest
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.catalog import Catalog
from image_assets.services.decoding import DecodingPool
from image_assets.services.gemini import Gemini
from image_assets.services.http import Clock, Retry
from image_assets.services.store.local import LocalStore
from image_assets.stages.generation import Finisher, Studio, recipe_for
from image_assets.stages.report import Cause, Report
from image_assets.stages.requests import Desk, Order, Upload
from image_assets_tests.drawing import picture

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
CALL = "POST /gemini"
STATES = VariationState


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecodingPool]:
    with DecodingPool(
        workers=1, memory_mb=600, seconds=10, max_pixels=50_000_000, max_bytes=100_000_000
    ) as pool:
        yield pool


@dataclass
class Atelier:
    """A studio, its rooms, and a clock that the test sets."""

    rehearsal: Rehearsal
    catalog: Catalog
    store: LocalStore
    decoder: DecodingPool
    folder: Path
    gemini: Gemini
    now: dt.datetime = NOW
    changes: dict[str, Any] = field(default_factory=dict)

    def studio(self, owner: str = "run 1") -> Studio:
        rooms = (self.catalog.generation, self.catalog.images, self.store, self.decoder)
        return Studio(self.gemini, *rooms, owner, lambda: self.now, **self.changes)

    def ask(self, script: str = "a kite", count: int = 1, image: bytes | None = None) -> Partition:
        desk = Desk(self.catalog.requests, self.store, self.decoder, "a model")
        upload = Upload(image) if image is not None else None
        order = Order(script, AspectRatio.SQUARE, count, upload)
        key = desk.take("default", order, now=self.now).key
        return Partition("generated", "default", key)

    def asked(self) -> int:
        return len(self.rehearsal.requests()["requests"])

    def state(self, partition: Partition) -> RequestState:
        return self.catalog.generation.asked(partition).state

    def states(self, partition: Partition) -> list[VariationState]:
        return [v.state for v in self.catalog.generation.asked(partition).variations]

    def due(self) -> dt.timedelta | None:
        """How long after now the first request is due."""
        far = self.now + dt.timedelta(days=30)
        due = self.catalog.generation.due(now=far, limit=1)
        return due[0][2] - self.now if due else None

    def waiting(self) -> list[Path]:
        """Files of what came and was not yet put away."""
        return [path for path in (self.folder / "generated").rglob("*") if path.is_file()]


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with Rehearsal(Profile()) as rehearsal:
        rehearsal.clock.set(rehearsal.clock.now(), frozen=True)
        yield rehearsal


def connect(rehearsal: Rehearsal, **changes: Any) -> Gemini:
    settings, time = rehearsal.environment(), rehearsal.clock
    known = {
        "api_key": settings["GEMINI_API_KEY"],
        "model": "gemini-nano-banana-2.1",
        "api_url": settings["GEMINI_API_URL"],
        "requests_per_minute": 1000,
        "retry": Retry(attempts=2, delay=0.1, seconds=60.0),
        "clock": Clock(time.epoch, time.now, time.advance),
    }
    return Gemini(**(known | changes))


@pytest.fixture
def atelier(rehearsal, sqlite_catalog, decoder, tmp_path) -> Atelier:
    store = LocalStore(tmp_path)
    return Atelier(rehearsal, sqlite_catalog, store, decoder, tmp_path, connect(rehearsal))


def test_every_variation_is_drawn_and_stored_once(atelier):
    partition = atelier.ask(count=2)

    report = atelier.studio().generate(partition)

    assert report.counts == {"generated": 2, "stored": 2}
    assert atelier.catalog.images.counts(partition).states == {ImageState.STORED: 2}
    assert (atelier.state(partition), atelier.asked()) == (RequestState.EXPORTING, 2)
    assert atelier.waiting() == []


def test_run_again_it_asks_for_nothing(atelier):
    partition = atelier.ask()
    atelier.studio().generate(partition)

    report = atelier.studio("run 2").generate(partition)

    assert (report.counts, atelier.asked()) == ({"sealed": 1}, 1)


def test_a_blocked_variation_is_settled_with_its_reason_and_never_asked_for_again(atelier):
    partition = atelier.ask("[rehearse: IMAGE_SAFETY x1]", count=2)
    atelier.changes["workers"] = 1

    report = atelier.studio().generate(partition)
    again = atelier.studio("run 2").generate(partition)

    assert (report.counts["blocked"], report.counts["stored"], report.failed) == (1, 1, 0)
    assert atelier.states(partition) == [STATES.BLOCKED, STATES.RECEIVED]
    assert "IMAGE_SAFETY" in atelier.catalog.generation.asked(partition).variations[0].reason
    assert (again.failed, atelier.asked()) == (0, 2)


def test_where_nothing_came_the_request_fails_with_every_reason(atelier):
    partition = atelier.ask("[rehearse: SAFETY]", count=2)

    with pytest.raises(PermanentError, match=r"var-1 blocked: .*SAFETY.*var-2 blocked"):
        atelier.studio().generate(partition)

    assert (atelier.state(partition), atelier.due()) == (RequestState.FAILED, None)


def test_what_is_in_doubt_is_shown_and_never_asked_for_again(atelier):
    atelier.rehearsal.inject(CALL, {"kind": "drop_after"}, times=1)
    partition = atelier.ask(count=2)
    atelier.changes["workers"] = 1

    report = atelier.studio().generate(partition)
    atelier.studio("run 2").generate(partition)

    assert (report.counts["in_doubt"], report.failed) == (1, 0)
    assert atelier.states(partition) == [STATES.IN_DOUBT, STATES.RECEIVED]
    assert atelier.asked() == 2


def test_what_may_pass_is_tried_again_later_and_later(atelier):
    atelier.rehearsal.inject(CALL, {"kind": "status", "status": 503})
    partition = atelier.ask()
    pauses = []

    for number in range(8):
        report = atelier.studio(f"run {number}").generate(partition)
        assert report.transient_only
        pauses.append(atelier.due())

    minutes = [pause.total_seconds() / 60 for pause in pauses]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]
    assert atelier.state(partition) is RequestState.WAITING


def test_what_did_not_pass_for_two_days_is_given_up(atelier):
    atelier.rehearsal.inject(CALL, {"kind": "status", "status": 503})
    partition = atelier.ask()
    atelier.now += dt.timedelta(hours=49)

    with pytest.raises(PermanentError, match="nothing came of it"):
        atelier.studio().generate(partition)

    assert atelier.state(partition) is RequestState.FAILED


def test_a_spent_day_is_held_until_the_next_one_there(atelier):
    per_day = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    details = [{"violations": [per_day]}]
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}}
    atelier.rehearsal.inject(
        CALL, {"kind": "status", "status": 429, "body": json.dumps(body)}, times=1
    )
    partition = atelier.ask(count=3)

    report = atelier.studio().generate(partition)

    assert Cause.QUOTA in report.causes
    assert atelier.state(partition) is RequestState.HELD
    assert atelier.now + atelier.due() == dt.datetime(2026, 11, 22, 8, tzinfo=dt.UTC)


def test_a_setting_that_is_wrong_holds_the_request_and_names_it(atelier):
    atelier.gemini = connect(atelier.rehearsal, model="gemini-2.5-flash-image")
    partition = atelier.ask()

    report = atelier.studio().generate(partition)
    asked = atelier.catalog.generation.asked(partition)
    atelier.gemini = connect(atelier.rehearsal)
    atelier.studio("run 2").generate(partition)

    assert (report.causes, asked.state) == ({Cause.PERMANENT: 1}, RequestState.HELD)
    assert "GEMINI_MODEL" in asked.reason
    assert atelier.state(partition) is RequestState.EXPORTING


def test_a_run_that_was_killed_while_it_asked_leaves_it_in_doubt_once_its_lease_is_over(atelier):
    partition = atelier.ask(count=2)
    lease = atelier.now + dt.timedelta(minutes=5)
    atelier.catalog.generation.claim(
        partition, 1, "a run that was killed", lease_until=lease, now=atelier.now
    )

    early = atelier.studio("run 2").generate(partition)
    atelier.now = lease + dt.timedelta(seconds=1)
    late = atelier.studio("run 3").generate(partition)

    assert (early.counts["generated"], early.causes) == (1, {Cause.TRANSIENT: 1})
    assert late.counts["in_doubt"] == 1
    assert atelier.states(partition) == [STATES.IN_DOUBT, STATES.RECEIVED]
    assert atelier.asked() == 1


def test_a_run_that_was_killed_after_it_came_is_gone_on_with_unpaid(atelier):
    """The bytes are in the store and the record says so; they are no picture of the partition yet."""
    partition = atelier.ask()
    studio = atelier.studio("a run that was killed")
    asked = atelier.catalog.generation.asked(partition)
    studio._draw_all(partition, asked, None)
    assert len(atelier.waiting()) == 1

    report = atelier.studio("run 2").generate(partition)

    assert (report.counts, atelier.asked()) == ({"stored": 1}, 1)
    assert atelier.waiting() == []


def test_a_run_that_was_killed_before_it_put_the_arrival_away_leaves_nothing(atelier):
    partition = atelier.ask()
    atelier.studio().generate(partition)
    (stored,) = atelier.catalog.images.paths(partition)
    path = naming.arrival_path(partition, naming.variation_key(partition.key, 1))
    atelier.store.put_bytes((atelier.folder / stored).read_bytes(), path)
    from image_assets.services.catalog.shops import variations

    with atelier.catalog.engine.begin() as connection:
        connection.execute(variations.update().values(path=path))

    atelier.studio("run 2").generate(partition)

    assert atelier.waiting() == []
    assert atelier.catalog.generation.asked(partition).variations[0].path is None


def test_two_pictures_in_one_answer_save_a_call(atelier):
    partition = atelier.ask("[rehearse: TWO_IMAGES]", count=2)
    atelier.changes["workers"] = 1

    atelier.studio().generate(partition)

    assert atelier.states(partition) == [STATES.RECEIVED, STATES.RECEIVED]
    assert atelier.asked() == 1


def test_never_more_are_kept_than_were_asked_for(atelier):
    partition = atelier.ask("[rehearse: MANY_IMAGES]")

    atelier.studio().generate(partition)

    assert atelier.catalog.images.counts(partition).states == {ImageState.STORED: 1}


@pytest.mark.parametrize("manner", ["CUT_IMAGE", "NOT_AN_IMAGE"])
def test_what_is_no_picture_waits_in_quarantine_and_says_that_it_was_paid_for(atelier, manner):
    partition = atelier.ask(f"[rehearse: {manner}]")

    with pytest.raises(PermanentError, match="in quarantine, and paid for"):
        atelier.studio().generate(partition)

    assert atelier.states(partition) == [STATES.REFUSED]
    assert len(list((atelier.folder / "quarantine").rglob("*.rejected"))) == 1
    assert atelier.waiting() == []


def test_a_type_that_lies_does_not_matter(atelier):
    partition = atelier.ask("[rehearse: WRONG_MIME]")

    atelier.studio().generate(partition)

    (path,) = atelier.catalog.images.paths(partition)
    assert path.endswith(".png")


def test_a_base_that_is_lost_fails_the_request_visibly_before_anything_is_paid(atelier):
    partition = atelier.ask(image=picture(1))
    base = atelier.catalog.generation.asked(partition).base
    (atelier.folder / base.path).unlink()

    with pytest.raises(PermanentError, match=r"base image .* is not in the store any more"):
        atelier.studio().generate(partition)

    asked = atelier.catalog.generation.asked(partition)
    assert (asked.state, atelier.asked()) == (RequestState.FAILED, 0)
    assert base.path in asked.reason


def test_a_base_that_is_corrupt_fails_the_request_before_anything_is_paid(atelier):
    partition = atelier.ask(image=picture(1))
    base = atelier.catalog.generation.asked(partition).base
    (atelier.folder / base.path).write_bytes(picture(1)[:-20])

    with pytest.raises(PermanentError, match="is corrupt: its bytes have changed"):
        atelier.studio().generate(partition)

    assert (atelier.state(partition), atelier.asked()) == (RequestState.FAILED, 0)


def test_an_arrival_that_a_disk_lost_is_told_and_not_paid_for_again(atelier):
    partition = atelier.ask()
    asked = atelier.catalog.generation.asked(partition)
    atelier.studio()._draw_all(partition, asked, None)
    atelier.waiting()[0].unlink()

    with pytest.raises(PermanentError, match="are lost; it was paid for"):
        atelier.studio("run 2").generate(partition)

    assert (atelier.states(partition), atelier.asked()) == ([STATES.REFUSED], 1)


def test_a_request_that_nobody_made_is_not_there(atelier):
    with pytest.raises(NotFoundError, match="no such request"):
        atelier.studio().generate(Partition("generated", "default", "req_00000000"))


def test_it_is_done_when_its_exports_are_there(atelier):
    partition = atelier.ask()
    atelier.studio().generate(partition)
    finisher = Finisher(atelier.catalog.generation, lambda: atelier.now)

    finisher.exported(partition, Recipe("thumbnail-square"), Report({"exported": 1}))

    asked = atelier.catalog.generation.asked(partition)
    assert (asked.state, asked.recipe, atelier.due()) == (
        RequestState.DONE,
        "thumbnail-square",
        None,
    )


def recipe_of(atelier: Atelier, **more: Any) -> Recipe:
    partition = atelier.ask(**more)
    asked = atelier.catalog.generation.asked(partition)
    return recipe_for(Recipe("thumbnail"), asked, Composite())


def test_a_request_is_exported_in_its_shape_and_over_its_base(atelier):
    alone, over = recipe_of(atelier), recipe_of(atelier, image=picture(1))

    base = hashlib.sha256(picture(1)).hexdigest()
    assert (alone.name, alone.size, alone.composite) == ("thumbnail-square", (1080, 1080), None)
    assert over.name == f"thumbnail-square-over-{base[:12]}"
    assert over.composite == Composite(0.3)


def test_every_shape_that_may_be_asked_for_has_a_size():
    for ratio in AspectRatio:
        request = NewRequest("req_0", "a", "m", ratio, 1, "d")
        width, height = (int(side) for side in request.aspect_ratio.split(":"))
        from image_assets.core.presets import size_of

        got = size_of(ratio)
        assert abs(got[0] / got[1] - width / height) < 0.02
