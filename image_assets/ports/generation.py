"""Pictures on request: who draws them, and what is recorded of requests and their variations."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from image_assets.core.generation import AspectRatio, RequestState, VariationState
from image_assets.core.model import Blob, ImageFormat, Partition


@dataclass(frozen=True, slots=True)
class Wish:
    """What a generator is asked for; `base` is a picture to work from, in that format."""

    prompt: str = field(repr=False)
    aspect_ratio: AspectRatio
    base: Path | None = None
    base_format: ImageFormat | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that a generator drew, as it came, and what the generator says of it."""

    content: bytes = field(repr=False)
    model: str
    model_version: str | None = None
    response_id: str | None = None


class ImageGenerator(Protocol):
    """Draws pictures; every call costs money. `deadline`: no call takes longer, in seconds."""

    name: str
    model: str

    @property
    def deadline(self) -> float: ...

    def draw(self, wish: Wish) -> Sequence[Drawing]:
        """One picture, or more where the generator gave more for the same money.

        Raises:
            BlockedError: a content policy refuses the wish, and would again.
            RejectedError: it is refused for another reason, or no picture comes of it.
            QuotaExhaustedError: the day's budget is spent.
            InDoubtError: it was sent, perhaps paid for, and nobody knows what became of it.
            AuthenticationError, PermanentError: a setting has to be changed first.
        """
        ...

    def renewed_at(self, now: dt.datetime) -> dt.datetime:
        """When a daily budget that is spent now is there again."""
        ...


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request as it comes in.

    `digest` says whether two requests under one `idempotency_key` are the same.
    """

    key: str
    prompt: str = field(repr=False)
    model: str
    aspect_ratio: AspectRatio
    count: int
    digest: str
    base: Blob | None = None
    idempotency_key: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """How a request was recorded: under which key, and whether it is the one that was known already."""

    key: str
    again: bool
    same: bool = True
    """Whether what was known under the idempotency key is this request, and not another one."""
    base_path: str | None = None
    """Where the bytes of its base are: an older path where they were known already."""


@dataclass(frozen=True, slots=True)
class Variation:
    """One picture of a request. `path` is where its bytes wait until they are a stored picture."""

    number: int
    state: VariationState
    reason: str | None = None
    path: str | None = None
    sha256: str | None = None
    size: int | None = None
    model: str | None = None
    model_version: str | None = None
    response_id: str | None = None
    ended_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the work needs it, with its variations by number."""

    key: str
    prompt: str = field(repr=False)
    model: str
    aspect_ratio: AspectRatio
    base: Blob | None
    state: RequestState
    reason: str | None
    created_at: dt.datetime
    updated_at: dt.datetime
    postponed: int
    revision: int
    recipe: str | None
    variations: tuple[Variation, ...]

    @property
    def open(self) -> tuple[int, ...]:
        """The variations that are still to come."""
        return tuple(v.number for v in self.variations if not v.state.is_settled)

    @property
    def received(self) -> tuple[Variation, ...]:
        """The variations whose bytes came."""
        return tuple(v for v in self.variations if v.state is VariationState.RECEIVED)

    @property
    def settled(self) -> int:
        """How many variations will not be asked for again."""
        return len(self.variations) - len(self.open)


class Claim(StrEnum):
    """What came of claiming a variation."""

    GRANTED = "granted"
    SETTLED = "settled"  # it came, or was refused, meanwhile
    BUSY = "busy"  # another run is asking for it
    DOUBTED = "doubted"  # whoever asked for it never told: it is in doubt from now on


@dataclass(frozen=True, slots=True)
class Arrival:
    """A drawing whose bytes are in the store, under `path`."""

    drawing: Drawing
    path: str
    sha256: str
    size: int


class GenerationCatalog(Protocol):
    """Requests and their variations, for those who do the work."""

    def due(self, *, now: dt.datetime, limit: int) -> Sequence[tuple[str, str, dt.datetime]]:
        """Tenant, key and time of the requests that somebody should see to, the oldest first."""
        ...

    def asked(self, partition: Partition) -> Asked:
        """The request of a partition.

        Raises:
            NotFoundError: there is no such request.
        """
        ...

    def claim(
        self,
        partition: Partition,
        number: int,
        owner: str,
        *,
        lease_until: dt.datetime,
        now: dt.datetime,
    ) -> Claim:
        """Write down that a variation is about to be asked for; only after that may it be."""
        ...

    def receive(
        self, partition: Partition, number: int, owner: str, arrival: Arrival, *, now: dt.datetime
    ) -> None:
        """The variation came; its bytes are in the store."""
        ...

    def spare(self, partition: Partition, owner: str, *, now: dt.datetime) -> int | None:
        """Claim a variation that waits, for a picture that came unasked; None when none waits."""
        ...

    def settle(
        self,
        partition: Partition,
        number: int,
        owner: str | None,
        state: VariationState,
        reason: str,
        *,
        now: dt.datetime,
    ) -> None:
        """The variation will not be asked for again, and why; `owner` None: it had come already."""
        ...

    def release(
        self, partition: Partition, number: int, owner: str, reason: str, *, now: dt.datetime
    ) -> None:
        """The variation was not carried out: it waits again."""
        ...

    def stored(self, partition: Partition, number: int, facts: Mapping[str, str]) -> None:
        """The variation is a picture of its partition now; `facts` join what is known of it."""
        ...

    def advance(
        self,
        partition: Partition,
        state: RequestState,
        *,
        reason: str | None = None,
        due_at: dt.datetime | None = None,
        recipe: str | None = None,
        now: dt.datetime,
    ) -> None:
        """The request is that far; `due_at` is when somebody should see to it again."""
        ...


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """Something that happened to a request; numbered from 1 in its order."""

    number: int
    at: dt.datetime
    kind: str
    state: RequestState
    settled: int
    total: int
    variation: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MadeExport:
    """One file made of a variation; `path` is the one it had once it has expired (None: unknown)."""

    design: str
    recipe: str
    format: ImageFormat
    path: str | None
    sha256: str
    size: int
    width: int
    height: int
    made_at: dt.datetime


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A variation that is stored, with its exports."""

    number: int
    path: str
    sha256: str
    size: int
    format: ImageFormat
    width: int
    height: int
    design: str | None
    exports: tuple[MadeExport, ...]


class RequestsCatalog(Protocol):
    """Requests as those see them who make them."""

    def add(
        self, tenant: str, request: NewRequest, *, now: dt.datetime, daily: int | None = None
    ) -> Accepted:
        """Record a request with its base, or find the one that has its idempotency key.

        Raises:
            QuotaExhaustedError: with it more than `daily` pictures were asked for in this UTC day.
        """
        ...

    def find(self, tenant: str, key: str) -> Asked | None:
        """A request; None when there is none of that key."""
        ...

    def pictures(self, tenant: str, key: str, source: str) -> Sequence[MadePicture]:
        """The request's stored pictures by number, with the exports of its recipe."""
        ...

    def events(self, tenant: str, key: str, *, after: int) -> Sequence[RequestEvent]:
        """What happened after the event of that number, in order."""
        ...

    def revisions(self, requests: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """The number of the last event of each of these requests, given as tenant and key."""
        ...
