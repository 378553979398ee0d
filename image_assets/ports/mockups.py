"""What is recorded of mockups: which designs lack which, and where those are that were made."""

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import Blob, Partition
from image_assets.ports.thumbnails import Origin, Place


@dataclass(frozen=True, slots=True)
class Unmade:
    """A mockup that is to be made: of which design, by what people called it, on which template."""

    design_id: str
    name: str
    template: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class MadeMockup:
    """A mockup in the store. `name` is what people called its design."""

    number: int
    design_id: str
    name: str
    template: str
    blob: Blob


class MockupsCatalog(Protocol):
    """Mockups by design and template, each recorded by itself; what was made once stays as it is."""

    def unmade(self, partition: Partition, templates: Sequence[str]) -> Sequence[Unmade]:
        """What the partition's designs lack of these templates, by item key, then by template."""
        ...

    def made(self, partition: Partition, templates: Sequence[str]) -> Sequence[MadeMockup]:
        """What they have, in the same order."""
        ...

    def recording(
        self, design_id: str, template: str, blob: Blob, *, now: dt.datetime
    ) -> AbstractContextManager[Place | None]:
        """Where the file of a new mockup belongs, recorded with the end of the block; None: there is one."""
        ...

    def failed(self, design_id: str, template: str, reason: str, *, now: dt.datetime) -> None:
        """Remember why one could not be made; it is lacking still."""
        ...

    def unshelved(self, partition: Partition, templates: Sequence[str]) -> Sequence[MadeMockup]:
        """Those of `made` that are not known to be on the NAS."""
        ...

    def shelved(self, number: int, path: str) -> None:
        """A mockup is on the NAS under this path."""
        ...
