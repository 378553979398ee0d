"""Which originals may go from the store, and why each other one stays: pure, as `core/retention.py` is.

An original goes only when enough others have its own bytes, provably and lately. What cannot be known
keeps it: a proof that is old, a time in the future, a destination that is not settled.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from image_assets.core.model import DeletionKind, Level
from image_assets.core.retention import DeletionPlan, Verdict

PROVEN = frozenset({Level.L3, Level.L4})
"""The levels that speak of every byte."""

_APPROVED = ": a person says so first (image-assets cleanup --approve-originals)"

_SKEW = dt.timedelta(minutes=5)
"""By which the clocks of two of our machines may differ."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A publication of an original's own bytes, as it was verified last."""

    destination: str
    level: Level | None
    verified_at: dt.datetime | None
    upload: int = 0  # the ledger's row


@dataclass(frozen=True, slots=True)
class OriginalFacts:
    """What decides about one original: bytes in the store, and every picture that lives on them.

    `arrived_at` is when the last of the pictures came, `sources` are theirs. `newest` says that one of
    them is the newest of its collection, `shown` in which sources one is what exports are made from,
    `shared` what else lives on the bytes. `settled` are the destinations that are done with them,
    `unsettled` counts those at which somebody may still need the file.
    """

    subject: str
    path: str
    size: int
    arrived_at: dt.datetime
    sources: frozenset[str]
    pinned: bool = False
    latest_target: bool = False
    newest: bool = False
    shown: frozenset[str] = frozenset()
    shared: str | None = None
    unsettled: int = 0
    settled: frozenset[str] = frozenset()
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True, slots=True)
class OriginalsPolicy:
    """When originals go; none does while `on` is false.

    Args:
        on: whether any goes.
        age: how long one stays at least.
        copies: proven copies elsewhere that it takes.
        fresh: how old a proof may be.
        undo: how long the bytes stay where they are after the tombstone.
        share: most of all known originals that one plan may take, 0..1.
        least: so many may always go.
        places: the destinations of each source that publishes originals; no other source's go.
        exporting: the sources whose exports are made from originals.
        never_counted: destinations whose copies prove nothing: on this disk, or not for ever.
    """

    on: bool = True
    age: dt.timedelta = dt.timedelta(0)
    copies: int = 1
    fresh: dt.timedelta = dt.timedelta(days=30)
    undo: dt.timedelta = dt.timedelta(days=7)
    share: float = 0.1
    least: int = 20
    places: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exporting: Collection[str] = frozenset()
    never_counted: Collection[str] = frozenset({"local"})

    @property
    def sources(self) -> frozenset[str]:
        """The sources whose originals are considered at all."""
        return frozenset(self.places) if self.on else frozenset()


def plan(
    originals: Iterable[OriginalFacts], policy: OriginalsPolicy, *, now: dt.datetime
) -> DeletionPlan:
    """A verdict with its reason for every original; the breaker is another's (`excess`)."""
    verdicts = [judge(facts, policy, now=now) for facts in originals]
    verdicts.sort(key=lambda verdict: (not verdict.goes, verdict.path))
    return DeletionPlan(tuple(verdicts))


def judge(facts: OriginalFacts, policy: OriginalsPolicy, *, now: dt.datetime) -> Verdict:
    """Whether one original may go, and why or why not."""
    reason = _why_kept(facts, policy, now)
    return Verdict(
        DeletionKind.ORIGINAL,
        facts.subject,
        facts.path,
        facts.size,
        goes=reason is None,
        reason=reason or _where(facts, policy, now),
    )


def proven(facts: OriginalFacts, policy: OriginalsPolicy, *, now: dt.datetime) -> tuple[Copy, ...]:
    """The copies that count."""
    return tuple(
        copy
        for copy in facts.copies
        if copy.destination not in policy.never_counted
        and copy.level in PROVEN
        and copy.verified_at is not None
        # A proof from the future is a broken clock: it says nothing.
        and -_SKEW <= now - copy.verified_at <= policy.fresh
    )


def renewable(
    facts: OriginalFacts, policy: OriginalsPolicy, *, now: dt.datetime
) -> tuple[Copy, ...]:
    """The copies whose proof is too old, where a new one would let the original go."""
    current = proven(facts, policy, now=now)
    old = tuple(
        copy
        for copy in facts.copies
        if copy not in current
        and copy.destination not in policy.never_counted
        and copy.level in PROVEN
    )
    anew = replace(facts, copies=(*current, *(replace(copy, verified_at=now) for copy in old)))
    goes = judge(facts, policy, now=now).goes
    return old if not goes and judge(anew, policy, now=now).goes else ()


def excess(going: int, known: int, policy: OriginalsPolicy) -> str | None:
    """Why a plan of so many is too much at once, by the breaker; None when it is not.

    Args:
        going: originals that the plan takes.
        known: all there were ever, those that went before among them.
        policy: its bounds.
    """
    most = max(policy.least, int(policy.share * known))
    if going <= most:
        return None
    return f"{going} of {known} originals would go at once, more than {policy.share:.0%}{_APPROVED}"


def is_excess(reason: str) -> bool:
    """Whether a reason is the breaker's."""
    return reason.endswith(_APPROVED)


def _why_kept(facts: OriginalFacts, policy: OriginalsPolicy, now: dt.datetime) -> str | None:
    age = now - facts.arrived_at
    places = frozenset[str]().union(*(policy.places.get(s, frozenset()) for s in facts.sources))
    count = len(proven(facts, policy, now=now))
    reasons = (
        (not policy.on, "originals stay (DELETE_LOCAL_FILES)"),
        (not facts.sources, "no picture tells where it came from"),
        (not facts.sources <= policy.sources, "one of its sources does not publish originals"),
        (age < dt.timedelta(0), "arrived in the future by this clock"),
        (age < policy.age, f"younger than {policy.age / dt.timedelta(days=1):g} days"),
        (facts.pinned, "pinned"),
        (facts.latest_target, "target of a latest key"),
        (facts.newest, "the newest of its collection"),
        (bool(facts.shown & frozenset(policy.exporting)), "exports are made from it"),
        (facts.shared is not None, f"{facts.shared} lives on the same bytes"),
        (facts.unsettled > 0, f"{facts.unsettled} publications of it are not settled"),
        (not places <= facts.settled, _unsettled_places(places, facts.settled)),
        (count < policy.copies, _lacking(facts, policy, count)),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _unsettled_places(places: frozenset[str], settled: frozenset[str]) -> str:
    return f"published at {len(places & settled)} of {len(places)} destinations so far"


def _lacking(facts: OriginalFacts, policy: OriginalsPolicy, count: int) -> str:
    elsewhere = [copy for copy in facts.copies if copy.destination not in policy.never_counted]
    old = sum(copy.level in PROVEN for copy in elsewhere) - count
    said = f"{count} of {policy.copies} proven copies elsewhere"
    if old:
        days = policy.fresh / dt.timedelta(days=1)
        return f"{said}; {old} more were proven longer ago than {days:g} days (cleanup --prove)"
    return said


def _where(facts: OriginalFacts, policy: OriginalsPolicy, now: dt.datetime) -> str:
    names = ", ".join(sorted(copy.destination for copy in proven(facts, policy, now=now)))
    return f"its own bytes are proven at {names}"
