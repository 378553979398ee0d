"""Which batches of an inbox have their turn: new ones, and those that did not end well, in time."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg

from image_assets.core import naming
from image_assets.core.batches import MOST_TRIES, Try, Turn, turn
from image_assets.core.errors import PermanentError
from image_assets.core.model import Partition
from image_assets.defs.assets.batches import open_batch
from image_assets.defs.assets.dropped import is_sealed
from image_assets.defs.failures import RETRY_ASSETS_TAG
from image_assets.defs.jobs import batch_job
from image_assets.defs.partitions import partition_of
from image_assets.ports import Inbox
from image_assets.settings import Settings
from image_assets.sources import SourceSpec

_STATUS = dg.DagsterRunStatus
_UNDER_WAY = frozenset(
    {*(_STATUS.NOT_STARTED, _STATUS.QUEUED, _STATUS.STARTING, _STATUS.STARTED, _STATUS.CANCELING)}
)
_PARTITION = "dagster/partition"

_REMEMBERED = dt.timedelta(days=7)
"""How long a failed run is looked at again: all tries of a batch take less than three days."""

_MOST_FAILED = 200
"""Failed runs that one look goes through: it has a minute."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Batches that are not done: those to ask for now, by run key, and those that people have to ask for."""

    due: dict[str, str]
    given_up: tuple[str, ...]

    @property
    def waits_for(self) -> str | None:
        """What a person has to do, if anything."""
        if not self.given_up:
            return None
        keys = ", ".join(self.given_up)
        return f"not tried again by itself: {keys}; see its last run, then: image-assets batches --again KEY"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rooms that finding the next batches needs, together."""

    spec: SourceSpec
    settings: Settings
    inbox: Inbox
    catalog: Any
    instance: dg.DagsterInstance

    def turns(self, now: dt.datetime) -> Turns:
        """What became of every batch that is not done, and what is to be done about it now."""
        due: dict[str, str] = {}
        given_up: list[str] = []
        for partition in self._not_done(now):
            key = naming.batch_key(partition)
            runs = self._runs(key)
            if any(run.dagster_run.status in _UNDER_WAY for run in runs):
                continue
            match self._turn(partition, runs, now):
                case Turn.NOW:
                    last = max((_ended(run) for run in runs), default=None)
                    due[key] = f"{key} @{last.isoformat() if last else 'first'}"
                case Turn.NEVER:
                    given_up.append(key)
        return Turns(due, tuple(given_up))

    def _turn(self, partition: Partition, runs: Iterable[dg.RunRecord], now: dt.datetime) -> Turn:
        batch = self.catalog.batches.progress(partition)
        tries = [Try(_ended(run), _is_hopeless(run)) for run in runs]
        pause = dt.timedelta(minutes=self.settings.inbox_retry_minutes)
        return turn(tries, pause=pause, now=now, asked_at=batch.asked_at if batch else None)

    def _not_done(self, now: dt.datetime) -> list[Partition]:
        """Batches whose files, designs or exports are not done, and those whose last run failed."""
        found = dict.fromkeys(self._waiting())
        found |= dict.fromkeys(self.catalog.batches.unfinished(self.spec.name))
        found |= dict.fromkeys(self._failed(now))
        return list(found)

    def _waiting(self) -> Iterator[Partition]:
        """The batches that were taken, remembered; one whose run was cut off at the very end is put away."""
        for batch in self.inbox.waiting():
            if self.catalog.batches.progress(batch) is None:
                open_batch(self.catalog.batches, self.inbox, self.spec, batch)
            if is_sealed(self.catalog, batch):
                self.inbox.finish(batch)
            else:
                yield batch

    def _failed(self, now: dt.datetime) -> Iterator[Partition]:
        """Batches of which something failed that has no step of its own, and was not mended since."""
        failed = dg.RunsFilter(
            job_name=str(batch_job(self.spec).name),
            statuses=[_STATUS.FAILURE],
            created_after=now - _REMEMBERED,
        )
        runs = self.instance.get_runs(failed, limit=_MOST_FAILED)
        for key in dict.fromkeys(run.tags[_PARTITION] for run in runs if _PARTITION in run.tags):
            [last] = self._runs(key)[:1]
            if last.dagster_run.status is _STATUS.FAILURE:
                yield from self._batch(key)

    def _batch(self, key: str) -> Iterator[Partition]:
        try:
            yield partition_of(self.spec, key)
        except PermanentError:
            return  # somebody added a partition by hand that is no batch: nothing can come of it

    def _runs(self, key: str) -> list[dg.RunRecord]:
        """The batch's last runs, the newest first."""
        of_batch = dg.RunsFilter(tags={_PARTITION: key})
        return list(self.instance.get_run_records(of_batch, limit=MOST_TRIES + 1))


def _ended(run: dg.RunRecord) -> dt.datetime:
    if run.end_time is not None:
        return dt.datetime.fromtimestamp(run.end_time, dt.UTC)
    return run.update_timestamp.astimezone(dt.UTC)


def _is_hopeless(run: dg.RunRecord) -> bool:
    """Whether it failed for what waiting does not cure, or a person ended it."""
    ended = run.dagster_run
    return ended.status is _STATUS.CANCELED or ended.tags.get(RETRY_ASSETS_TAG) == "false"
