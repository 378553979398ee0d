"""One writer a key: its turn is a lease that is renewed before each call of the store."""

import datetime as dt
from dataclasses import dataclass

from image_assets.core.errors import TransientError
from image_assets.ports import LatestCatalog
from image_assets.stages.report import Clock

_MARGIN = dt.timedelta(seconds=10)
"""A turn outlives the longest call by this much: clocks differ, and a machine may pause."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A key's turn, for calls that take `deadline` at most: so long a killed writer holds it up."""

    catalog: LatestCatalog
    name: str
    owner: str
    clock: Clock
    deadline: dt.timedelta

    def take(self) -> bool:
        """Take it, or go on with it; False while it is another's."""
        now = self.clock()
        until = now + self.deadline + _MARGIN
        return self.catalog.lease(self.name, self.owner, until=until, now=now)

    def go_on(self) -> None:
        """See that it is still ours for another call.

        Raises:
            TransientError: it ran out, and another has it.
        """
        if not self.take():
            raise TransientError(f"{self.name}: another writer took over while this one was slow")

    def give_back(self) -> None:
        """Let another have it."""
        self.catalog.release(self.name, self.owner)
