"""Telling people and programs what happened: gathered from the catalog, in messages that are no flood.

Nothing here is part of a run: what cannot be told waits in the outbox.
"""

import datetime as dt
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from image_assets.core.errors import ImageAssetsError, NotFoundError, RejectedError, TransientError
from image_assets.core.notices import Happening, Message, NoticeKind
from image_assets.ports.notifications import Channel, NoticesCatalog, Pace, Subscription
from image_assets.stages.report import Clock, Report

log = logging.getLogger(__name__)

_MARGIN = dt.timedelta(seconds=30)
_FIRST_PAUSE = dt.timedelta(seconds=30)
_LONGEST_PAUSE = dt.timedelta(hours=1)
_GIVE_UP = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Teller:
    """The rooms that telling needs, together.

    `owner` names this process: a channel has one sender at a time. `clean` takes secrets out of what
    is told: it came from logs of all kinds.
    """

    catalog: NoticesCatalog
    subscriptions: Collection[Subscription]
    pace: Pace
    owner: str
    clock: Clock
    chance: Callable[[], float]
    clean: Callable[[str], str]

    def tell(self) -> dict[str, str]:
        """Gather what is new and send what is due; what became of each channel, for people."""
        if not self.subscriptions:
            return {}
        self.catalog.gather(now=self.clock())
        return {one.channel.name: self._serve(one) for one in self.subscriptions}

    def _serve(self, one: Subscription) -> str:
        channel, now = one.channel, self.clock()
        if (reason := self.catalog.gone(channel.name, channel.address)) is not None:
            return f"not used any more: {reason}"
        lease = f"notify:{channel.name}"
        until = now + dt.timedelta(seconds=channel.deadline) + _MARGIN
        if not self.catalog.lease(lease, self.owner, until=until, now=now):
            return "another process is telling it"
        try:
            message = self.catalog.message(
                channel.name, channel.address, one.kinds, self.pace, now=now
            )
            return "nothing to tell" if message is None else self._send(channel, message)
        finally:
            self.catalog.release(lease, self.owner)

    def _send(self, channel: Channel, message: Message) -> str:
        try:
            channel.send(self._cleaned(message))
        except ImageAssetsError as error:
            return self._failed(channel, message, error)
        self.catalog.sent(message, now=self.clock())
        log.info("%s: told of %d", channel.name, len(message.notices) + message.left_out)
        return f"told of {len(message.notices) + message.left_out}"

    def _failed(self, channel: Channel, message: Message, error: ImageAssetsError) -> str:
        """What is not taken waits, longer each time; what is refused or too old never goes."""
        now, reason = self.clock(), self.clean(str(error))
        gone = isinstance(error, NotFoundError)
        if gone or isinstance(error, RejectedError) or now - message.created_at >= _GIVE_UP:
            self.catalog.given_up(message, reason, gone=gone, now=now)
            log.error("%s: given up: %s", channel.name, reason)
            return f"given up: {reason}"
        until = now + self._pause(message, error)
        self.catalog.put_off(message, reason, until=until)
        log.warning("%s: %s; again at %s", channel.name, reason, until.isoformat("T", "seconds"))
        return f"later: {reason}"

    def _pause(self, message: Message, error: ImageAssetsError) -> dt.timedelta:
        """Twice as long each time, with jitter; never less than the other side asks for."""
        doubled: int = 2 ** min(message.tries, 20)
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * doubled)
        pause = longest * (0.5 + self.chance() / 2)
        asked = error.retry_after if isinstance(error, TransientError) else None
        return max(pause, min(_GIVE_UP, dt.timedelta(seconds=asked or 0)))

    def _cleaned(self, message: Message) -> Message:
        cleaned = (
            replace(notice, subject=self.clean(notice.subject), text=self.clean(notice.text))
            for notice in message.notices
        )
        return replace(message, notices=tuple(cleaned))


def batch_finished(
    catalog: NoticesCatalog, subject: str, reports: Mapping[str, Report], *, now: dt.datetime
) -> None:
    """A batch is over, with these reports by host. What was done stays done if nobody can be told."""
    told = (
        f"{name}: {report.done} of {report.done + report.failed} well"
        for name, report in reports.items()
    )
    news = Happening(NoticeKind.BATCH_FINISHED, subject, "; ".join(told), key=f"batch {subject}")
    try:
        catalog.tell([news], now=now)
    except ImageAssetsError as error:
        log.warning("%s is over, and nobody is told: %s", subject, error)
