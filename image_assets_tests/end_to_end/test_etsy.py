"""Designs dropped for two shops at Etsy, and one that is not there: drafts in each shop's own, through Dagster."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from image_assets.core import naming
from image_assets.core.batches import Step, StepState
from image_assets.ports import ListingState
from image_assets.rehearsal import Profile, Rehearsal
from image_assets_tests.drawing import picture
from image_assets_tests.end_to_end.dropping import QUICK, Shop, shop
from image_assets_tests.end_to_end.test_mockups import put_template
from image_assets_tests.etsying import ENTRY, SHOPS, app, log_in
from image_assets_tests.journey import Run

SOURCE = f"""\
sources:
  - name: inbox
    kind: inbox
    policy: near
    destinations: [local]
    mockups: [mug, bag]
{ENTRY}"""
STAGES = ("images", "designs", "thumbnails", "mockups", "etsy_listings")


@pytest.fixture
def rehearsal(request: pytest.FixtureRequest) -> Iterator[Rehearsal]:
    with Rehearsal(Profile(**getattr(request, "param", {}))) as rehearsal:
        yield rehearsal


@pytest.fixture
def acme(tmp_path: Path, rehearsal: Rehearsal) -> Iterator[Shop]:
    for name in ("mug", "bag"):
        put_template(tmp_path / "templates", name)
    settings = {
        **rehearsal.environment(),
        **QUICK,
        "MOCKUP_TEMPLATES": str(tmp_path / "templates"),
        "ETSY_REQUESTS_PER_SECOND": "1000",
        "ETSY_WORKERS": "1",
        "INBOX_RETRY_MINUTES": "0",
        "ETSY_RETRY_DELAY": "0.01",
    }
    with shop(tmp_path / "data", SOURCE, **settings) as acme:
        yield acme


def drop(acme: Shop, folder: str, first: int, count: int) -> None:
    for n in range(first, first + count):
        acme.drop(f"kite_{n}.png", picture(n, format="PNG"), folder)
    acme.drop("again.png", picture(first, format="PNG"), folder)


def step(acme: Shop, key: str):
    batch = acme.catalog.batches.progress(naming.batch_of("inbox", key))
    assert batch is not None
    return next(step for step in batch.steps if step.step is Step.LISTING)


def figures(run: Run) -> dict[str, object]:
    (event,) = [
        e
        for e in run.events
        if e.is_step_materialization and e.asset_key.path == ["inbox", "etsy_listings"]
    ]
    return {name: v.value for name, v in event.materialization.metadata.items()}


def test_two_shops_get_their_own_drafts_and_one_without_etsy_none(acme, rehearsal):
    log_in(rehearsal, acme.catalog.tokens)
    drop(acme, "acme", 0, 3)
    drop(acme, "globex", 10, 2)
    acme.drop("alone.png", picture(20, format="PNG"), "elsewhere")

    runs = {key: acme.run(key, *STAGES) for key in acme.tick()}
    again = {key: acme.run(key, "etsy_listings") for key in runs}

    assert all(run.success for run in (*runs.values(), *again.values()))
    for folder, count in (("acme", 3), ("globex", 2)):
        drafts = rehearsal.etsy.of(SHOPS[folder])
        (key,) = [key for key in runs if key.startswith(folder)]
        rows = acme.catalog.listings.rows(naming.batch_of("inbox", key), SHOPS[folder])
        assert {draft.skus[0] for draft in drafts} == {row.design_id for row in rows}
        assert [len(draft.images) for draft in drafts] == [3] * count
        assert {draft.state for draft in drafts} == {"draft"}
        assert (figures(runs[key])["drafted"], figures(again[key])["drafted"]) == (count, 0)
        assert (step(acme, key).state, step(acme, key).share) == (StepState.DONE, 1.0)
        assert step(acme, key).items_done == count + 1  # the duplicate is shown by its design
    (key,) = [key for key in runs if key.startswith("elsewhere")]
    assert step(acme, key).state is StepState.NOT_CONFIGURED
    assert "elsewhere has no shop at Etsy" in (step(acme, key).message or "")
    assert rehearsal.etsy.activations == 0


def test_no_token_is_in_any_event_of_a_run_or_in_its_log(acme, rehearsal, caplog):
    caplog.set_level("DEBUG")
    log_in(rehearsal, acme.catalog.tokens, "acme")
    before = acme.catalog.tokens.token("acme", str(SHOPS["acme"]))
    drop(acme, "acme", 0, 1)
    (key,) = acme.tick()
    rehearsal.clock.advance(3600)
    acme.catalog.tokens.keep(
        "acme", str(SHOPS["acme"]), replace(before.grant, expires_at=rehearsal.clock.now()
        - dt.timedelta(hours=2)), now=rehearsal.clock.now())  # fmt: skip

    caplog.clear()  # of what the test's own browser said

    run = acme.run(key, *STAGES)

    after = acme.catalog.tokens.token("acme", str(SHOPS["acme"]))
    told = "".join(e.to_json() for e in acme.instance.all_logs(run.run_id)) + caplog.text
    grants = (before.grant, after.grant)
    keys = app(rehearsal.environment())
    secrets = [t for grant in grants for t in (grant.access_token, grant.refresh_token)]
    secrets += [keys.keystring, keys.shared_secret]
    assert run.success
    assert after.version == 3
    assert "is a draft with its images" in caplog.text
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize("rehearsal", [{"etsy_daily_requests": 14}], indirect=True)
def test_where_the_day_is_spent_in_the_middle_the_rest_waits_visibly_and_goes_on(acme, rehearsal):
    log_in(rehearsal, acme.catalog.tokens)
    drop(acme, "acme", 0, 3)
    (key,) = acme.tick()

    first = acme.run(key, *STAGES)
    waits, shown = step(acme, key), figures(first)
    checked = [
        e for e in first.events if e.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    asked_again = acme.tick()
    rehearsal.etsy._day.reset()
    (acme.settings.data_dir / naming.PACE / "etsy-day").unlink()
    acme.services["etsy"].budget._closed_until = None
    second = acme.run(key, "etsy_listings")

    assert (first.success, second.success) == (True, True)
    assert asked_again == [key]
    assert waits.state is StepState.WAITING
    assert "24 hours are spent" in (waits.message or "")
    assert shown["waits for the day"] >= 1
    (listed,) = [
        e.asset_check_evaluation_data for e in checked
        if e.asset_check_evaluation_data.check_name == "all_listed"
    ]  # fmt: skip
    assert not listed.passed
    assert listed.severity is dg.AssetCheckSeverity.WARN
    assert step(acme, key).state is StepState.DONE
    assert [len(draft.images) for draft in rehearsal.etsy.of(SHOPS["acme"])] == [3, 3, 3]


def test_without_a_login_the_step_fails_and_says_what_to_do(acme, rehearsal):
    drop(acme, "acme", 0, 1)
    (key,) = acme.tick()

    failed = acme.run(key, *STAGES)
    log_in(rehearsal, acme.catalog.tokens)
    mended = acme.run(key, "etsy_listings")

    assert (failed.success, mended.success) == (False, True)
    assert "image-assets etsy login --shop acme" in "".join(failed.failed_steps().values())
    rows = acme.catalog.listings.rows(naming.batch_of("inbox", key), SHOPS["acme"])
    assert [row.state for row in rows] == [ListingState.LISTED]


def test_a_draft_whose_answer_is_lost_is_one_draft(acme, rehearsal):
    log_in(rehearsal, acme.catalog.tokens)
    drop(acme, "acme", 0, 1)
    rehearsal.inject("POST /etsy/shops/.*/listings$", {"kind": "drop_after"}, times=1)
    (key,) = acme.tick()

    done = acme.run(key, *STAGES)

    assert done.success
    assert len(rehearsal.etsy.of(SHOPS["acme"])) == 1
