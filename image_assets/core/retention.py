"""Which files may go, and why each other one stays: a pure plan; applying it is another's work."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from image_assets.core.model import DeletionKind


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What decides about one live export.

    `source` is where its design came from. `settled` counts the destinations at which its bytes are
    verified, refused or removed again, `unpublished` those at which somebody still needs the file to
    send it or to prove it.
    """

    export_id: int
    name: str
    path: str
    size: int
    created_at: dt.datetime
    source_stored: bool
    recipe_known: bool
    pinned: bool
    latest_target: bool
    unpublished: int
    source: str = ""
    settled: int = 0


@dataclass(frozen=True, slots=True)
class TemporaryFile:
    """A scratch file, with the time it was last written."""

    path: str
    size: int
    modified_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Ages after which derived files may go; the defaults are those of the original exporter."""

    temporary: dt.timedelta = dt.timedelta(days=1)
    exports: dt.timedelta = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to one file, and why."""

    kind: DeletionKind
    subject: str
    path: str
    size: int
    goes: bool
    reason: str


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """A verdict for every file that was considered, those that go first."""

    verdicts: tuple[Verdict, ...]

    @property
    def going(self) -> tuple[Verdict, ...]:
        """The verdicts that delete."""
        return tuple(verdict for verdict in self.verdicts if verdict.goes)


def plan(
    exports: Iterable[ExportFacts],
    temporary: Iterable[TemporaryFile],
    policy: RetentionPolicy,
    *,
    now: dt.datetime,
    destinations: Mapping[str, int] | None = None,
) -> DeletionPlan:
    """A verdict with its reason for every export and scratch file. Originals are not considered.

    `destinations` says at how many places each source publishes its exports; none when not named.
    """
    places = destinations or {}
    verdicts = [
        _export_verdict(facts, policy, now, places.get(facts.source, 0)) for facts in exports
    ]
    verdicts += [_temporary_verdict(file, policy, now) for file in temporary]
    verdicts.sort(key=lambda verdict: (not verdict.goes, verdict.kind, verdict.path))
    return DeletionPlan(tuple(verdicts))


def _export_verdict(
    facts: ExportFacts, policy: RetentionPolicy, now: dt.datetime, places: int
) -> Verdict:
    reason = _why_kept(facts, policy, now, places)
    return Verdict(
        DeletionKind.EXPORT,
        str(facts.export_id),
        facts.path,
        facts.size,
        goes=reason is None,
        reason=reason or f"older than {_days(policy.exports)}; can be rebuilt from its source",
    )


def _why_kept(
    facts: ExportFacts, policy: RetentionPolicy, now: dt.datetime, places: int
) -> str | None:
    age = now - facts.created_at
    reasons = (
        # A date in the future is a broken clock: it says nothing about age.
        (age < dt.timedelta(0), "created in the future by this clock"),
        (age <= policy.exports, f"younger than {_days(policy.exports)}"),
        (facts.pinned, "pinned"),
        (facts.latest_target, "target of a latest key"),
        (not facts.source_stored, "its source is no longer stored"),
        (not facts.recipe_known, "its recipe is no longer known"),
        (facts.unpublished > 0, f"{facts.unpublished} publications of it are not settled"),
        (facts.settled < places, f"published at {facts.settled} of {places} destinations so far"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _temporary_verdict(file: TemporaryFile, policy: RetentionPolicy, now: dt.datetime) -> Verdict:
    old = now - file.modified_at > policy.temporary
    limit = _days(policy.temporary)
    reason = f"scratch file older than {limit}" if old else f"younger than {limit}"
    return Verdict(DeletionKind.TEMPORARY, file.path, file.path, file.size, goes=old, reason=reason)


def _days(age: dt.timedelta) -> str:
    days = age / dt.timedelta(days=1)
    return f"{days:g} day" if days == 1 else f"{days:g} days"
