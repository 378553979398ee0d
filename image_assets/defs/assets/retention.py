"""What may go, and its going; over all sources."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from image_assets.core.errors import TransientError
from image_assets.core.model import DeletionKind
from image_assets.defs import metadata
from image_assets.defs.assets.options import OWNERS, clock
from image_assets.defs.failures import failures_for_dagster, raise_failed
from image_assets.settings import Settings
from image_assets.stages.originals import Originals
from image_assets.stages.retention import Retention

GROUP = "retention"


NEEDS = {"catalog", "store"}


def retention_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The plan, and what carries it out."""
    return [_plan_asset(settings), _retention_asset(settings)]


def _plan_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(group_name=GROUP, owners=OWNERS, kinds={"python"}, required_resource_keys=NEEDS)
    def retention_plan(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every file with a verdict and its reason: what may go, and why the rest stays.

        Exports go after seven days and scratch files after one (settings); originals only where their
        own bytes are proven elsewhere (DELETE_LOCAL_FILES), and not too many at once. Nothing is
        removed by planning.
        """
        stage = _stage(context, settings)
        with (
            failures_for_dagster(context, retry_after=settings.image_assets_retry_seconds),
            _turn(stage),
        ):
            plan = stage.plan(now=clock())
        refused = Originals.refused(plan)
        if refused is not None:
            context.log.warning(refused)
        return dg.MaterializeResult(
            metadata={
                "considered": plan.considered,
                "going": plan.going.total(),
                "originals_going": plan.going[DeletionKind.ORIGINAL],
                "going_bytes": plan.going_bytes,
                "plan": metadata.plan_table(plan.shown),
                **({"breaker": refused} if refused is not None else {}),
            }
        )

    return retention_plan


def _retention_asset(settings: Settings) -> dg.AssetsDefinition:
    retry_after = settings.image_assets_retry_seconds

    @dg.asset(
        group_name=GROUP,
        owners=OWNERS,
        kinds={"python"},
        deps=["retention_plan"],
        required_resource_keys=NEEDS,
    )
    def retention(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Removes what the last plan said, but for what came to be needed since; all is recorded.

        Originals are marked first, and their bytes go when the days of undo are over.
        """
        stage = _stage(context, settings)
        with failures_for_dagster(context, retry_after=retry_after), _turn(stage):
            report = stage.apply(now=clock())
        raise_failed(context, report, retry_after=retry_after)
        names = (
            "export_deleted",
            "temporary_deleted",
            "original_tombstoned",
            "original_deleted",
            "withdrawn",
            "restored",
        )
        return dg.MaterializeResult(metadata=metadata.figures(report, names))

    return retention


@contextmanager
def _turn(stage: Retention) -> Iterator[None]:
    """The turn at cleaning up, which the command may have as well."""
    with stage.turn() as mine:
        if not mine:
            raise TransientError("another clean-up is under way")
        yield


def _stage(context: dg.AssetExecutionContext, settings: Settings) -> Retention:
    return Retention(
        context.resources.catalog.retention,
        context.resources.store,
        settings.retention,
        {recipe.name for recipe in settings.known_recipes},
        settings.places,
        {settings.canvas.name},
        originals(context, settings),
    )


def originals(context: dg.AssetExecutionContext, settings: Settings) -> Originals:
    """What decides about originals, and carries it out."""
    resources = context.resources
    return Originals(resources.catalog.originals, resources.store, settings.originals)
