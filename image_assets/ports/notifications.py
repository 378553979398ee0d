"""What happened and who was told of it, and the channels that tell."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import DEFAULT_TENANT
from image_assets.core.notices import Happening, Message, NoticeKind


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a channel is bothered.

    A message holds all that is new, no sooner than `digest` after the one before it, and `per_hour`
    of them at most; the same news again only after `quiet`; what is older than `stale` is no news.
    """

    digest: dt.timedelta = dt.timedelta(minutes=5)
    per_hour: int = 6
    quiet: dt.timedelta = dt.timedelta(hours=1)
    stale: dt.timedelta = dt.timedelta(days=1)


class NoticesCatalog(Protocol):
    """The outbox: it survives restarts, and grows with the kinds of news, not with their number."""

    def tell(
        self, happenings: Sequence[Happening], *, now: dt.datetime, tenant: str = DEFAULT_TENANT
    ) -> None:
        """These happened; whoever is to know is told in time."""
        ...

    def gather(self, *, now: dt.datetime) -> int:
        """Take from the ledger and the batches what is new there, each row once; how many it were."""
        ...

    def message(
        self,
        channel: str,
        address: str,
        kinds: Collection[NoticeKind],
        pace: Pace,
        *,
        now: dt.datetime,
    ) -> Message | None:
        """What is to be sent to a channel now: what waits to be tried again, or all that is new.

        None when nothing is new, or it is too soon. `address` stands for where the channel leads.
        """
        ...

    def sent(self, message: Message, *, now: dt.datetime) -> None:
        """The channel took it."""
        ...

    def put_off(self, message: Message, reason: str, *, until: dt.datetime) -> None:
        """It did not; it is tried again then."""
        ...

    def given_up(self, message: Message, reason: str, *, gone: bool, now: dt.datetime) -> None:
        """It never will. `gone`: nor anything else, until the channel leads elsewhere."""
        ...

    def gone(self, channel: str, address: str) -> str | None:
        """Why the channel is not to be used any more while it leads there; None when it may."""
        ...

    def waiting(self, channel: str) -> int:
        """Messages that wait to be tried again."""
        ...

    def lease(self, name: str, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take a named lease; False while another owner's is running."""
        ...

    def release(self, name: str, owner: str) -> None:
        """Give a lease back before its time."""
        ...


class Channel(Protocol):
    """Somewhere that takes messages."""

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> str:
        """Stands for where it leads, without telling."""
        ...

    @property
    def deadline(self) -> float:
        """Seconds after which `send` has certainly ended."""
        ...

    def send(self, message: Message) -> None:
        """Send it once.

        Raises:
            NotFoundError: it is gone, and wants nothing any more.
            RejectedError: it refuses this message.
        """
        ...

    def probe(self) -> None:
        """See that it answers; nobody is told anything."""
        ...

    def close(self) -> None:
        """Let go of its connections."""
        ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel, and what it is told."""

    channel: Channel
    kinds: Collection[NoticeKind]
