"""Accounts of downloads: what was asked for, what came, what did not and why, by day and in all.

Causes of failure: `transient`, `quota`, `in_doubt` and `permanent` are a run's errors by what can be
done; `absent` is listed and not there, `gone` is that for good, `rejected` is no picture we accept;
`error` is, in an account of the archive, what the last run that tried could not get.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from image_assets.core.model import Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Pictures by what became of them: requested = downloaded + skipped + failed.

    Skipped are those that nothing was tried for. `seconds` is the time it took, None where nobody
    measured it. `bytes` are those that were downloaded; bytes that repeat count again.
    """

    requested: int = 0
    downloaded: int = 0
    skipped: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    rejections: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    seconds: float | None = None

    @property
    def failures(self) -> int:
        """Pictures that were tried and did not come, whatever the cause."""
        return sum(self.failed.values())

    @property
    def success_rate(self) -> float | None:
        """The share of what was tried that came, 0 to 1; None when nothing was tried."""
        tried = self.downloaded + self.failures
        return self.downloaded / tried if tried else None

    @property
    def bytes_per_second(self) -> float | None:
        """None where no time was measured."""
        return self.bytes / self.seconds if self.seconds else None

    @property
    def pictures_per_second(self) -> float | None:
        """Downloaded ones; None where no time was measured."""
        return self.downloaded / self.seconds if self.seconds else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAccount(Tally):
    """One day of one stream.

    `first` and `last` are capture times of what came; `unlisted` is why there is no listing of the
    day: then nothing is known of its pictures.
    """

    partition: Partition
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    unlisted: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """One picture, or one day, that failed."""

    item: str
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class Account:
    """A run or a range: its days in order, and the first of its failures one by one.

    `name` is its file's, without the extension; `title` is for people. `seconds` is a run's time from
    beginning to end.
    """

    name: str
    title: str
    made_at: dt.datetime
    days: Sequence[DayAccount]
    seconds: float | None = None
    lost: Sequence[Lost] = ()

    @property
    def total(self) -> Tally:
        """All days together."""
        return together(self.days, self.seconds)

    @property
    def streams(self) -> Mapping[str, Tally]:
        """Each stream's days together."""
        found: dict[str, list[DayAccount]] = {}
        for day in self.days:
            found.setdefault(day.partition.collection, []).append(day)
        return {stream: together(days) for stream, days in sorted(found.items())}

    @property
    def is_idle(self) -> bool:
        """Whether nothing was tried, because nothing was left to do."""
        total = self.total
        return total.requested == total.skipped and not self.unlisted

    @property
    def unlisted(self) -> Sequence[DayAccount]:
        """The days of which there is no listing."""
        return [day for day in self.days if day.unlisted is not None]


def together(parts: Iterable[Tally], seconds: float | None = None) -> Tally:
    """The sum of the parts; their time too, where none is given for the whole."""
    parts = list(parts)
    measured = [part.seconds for part in parts if part.seconds is not None]
    failed: Counter[str] = Counter()
    rejections: Counter[str] = Counter()
    for part in parts:
        failed.update(part.failed)
        rejections.update(part.rejections)
    return Tally(
        requested=sum(part.requested for part in parts),
        downloaded=sum(part.downloaded for part in parts),
        skipped=sum(part.skipped for part in parts),
        failed=dict(sorted(failed.items())),
        rejections=dict(sorted(rejections.items())),
        bytes=sum(part.bytes for part in parts),
        seconds=seconds if seconds is not None else (sum(measured) if measured else None),
    )
