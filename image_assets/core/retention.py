"""Which files may go, and why each other one stays: a pure plan; applying it is another's work."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from image_assets.core.model import DeletionKind

LEAST_DAYS = 0.01
"""About a quarter of an hour: longer than any file is being written."""

MOST_DAYS = 36_500
"""A hundred years: whoever means never turns the schedule off."""


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What decides about one live export, or about what one was before it was rebuilt.

    `source` is where its design came from. `settled` counts the destinations at which its bytes are
    verified, refused or removed again, `unpublished` those at which somebody still needs the file to
    send it or to prove it.
    """

    subject: str
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
    recipe: str = ""


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

    @classmethod
    def of_days(cls, temporary: float, exports: float) -> Self:
        """The policy of these ages in days.

        Raises:
            ValueError: no file may go at such an age; says which and why.
        """
        ages = {"scratch files": temporary, "exports": exports}
        for what, days in ages.items():
            if not LEAST_DAYS <= days <= MOST_DAYS:  # NaN is neither
                raise ValueError(
                    f"{what} go after {LEAST_DAYS:g} to {MOST_DAYS:g} days, not {days:g}:"
                    " younger ones may be in use"
                )
        return cls(dt.timedelta(days=temporary), dt.timedelta(days=exports))


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


SHOWN = 200
"""Verdicts of each kind that an outlook names: its memory does not grow with the store."""


@dataclass(slots=True)
class Outlook:
    """What plans come to in all: how many go and stay, and the first of them by name."""

    going: Counter[DeletionKind] = field(default_factory=Counter)
    going_bytes: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    shown_going: list[Verdict] = field(default_factory=list)
    shown_kept: list[Verdict] = field(default_factory=list)

    def add(self, plan: DeletionPlan) -> None:
        """Count a plan in."""
        for verdict in plan.verdicts:
            shown = self.shown_going if verdict.goes else self.shown_kept
            if len(shown) < SHOWN:
                shown.append(verdict)
            if verdict.goes:
                self.going[verdict.kind] += 1
                self.going_bytes += verdict.size
            else:
                self.kept[verdict.reason] += 1

    def refuse(self, reason: str) -> None:
        """Nothing goes after all, for one reason."""
        refused = [replace(verdict, goes=False, reason=reason) for verdict in self.shown_going]
        self.kept[reason] += self.going.total()
        self.shown_kept = (refused + self.shown_kept)[:SHOWN]
        self.shown_going, self.going_bytes = [], 0
        self.going.clear()

    def join(self, other: "Outlook") -> None:
        """Count another outlook in."""
        self.going += other.going
        self.kept += other.kept
        self.going_bytes += other.going_bytes
        self.shown_going = (self.shown_going + other.shown_going)[:SHOWN]
        self.shown_kept = (self.shown_kept + other.shown_kept)[:SHOWN]

    @property
    def considered(self) -> int:
        """How many files there was a verdict of."""
        return self.going.total() + self.kept.total()

    @property
    def shown(self) -> DeletionPlan:
        """The verdicts that are named, those that go first."""
        return DeletionPlan((*self.shown_going, *self.shown_kept))


def plan(
    exports: Iterable[ExportFacts],
    temporary: Iterable[TemporaryFile],
    policy: RetentionPolicy,
    *,
    now: dt.datetime,
    destinations: Mapping[str, int] | None = None,
    kept: Collection[str] = (),
) -> DeletionPlan:
    """A verdict with its reason for every export and scratch file. Originals are not considered.

    `destinations` says at how many places each source publishes its exports; none when not named.
    Exports of the recipes in `kept` stay, however old.
    """
    places = destinations or {}
    verdicts = [
        _kept_verdict(facts)
        if facts.recipe in kept
        else _export_verdict(facts, policy, now, places.get(facts.source, 0))
        for facts in exports
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
        facts.subject,
        facts.path,
        facts.size,
        goes=reason is None,
        reason=reason or f"older than {_days(policy.exports)}; can be rebuilt from its source",
    )


def _kept_verdict(facts: ExportFacts) -> Verdict:
    reason = "kept beside its original for good"
    subject = facts.subject
    return Verdict(DeletionKind.EXPORT, subject, facts.path, facts.size, goes=False, reason=reason)


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
