"""What the API answers: requests and their pictures in the words of original 1, and how far they are."""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from image_assets.core.generation import RequestState, VariationState
from image_assets.core.links import Links
from image_assets.ports import Asked, MadeExport, MadePicture, RequestEvent

PREFIX = "/api/thumbnails"

_STRICT = ConfigDict(extra="forbid")


class ExportFile(BaseModel):
    """One file of a picture."""

    model_config = _STRICT

    format: str = Field(examples=["PNG"])
    url: str = Field(examples=["/static/output/thumbnail-landscape/5f/5f0c-1a2b3c4d.png"])
    file_path: str
    size: int
    exported_at: str = Field(examples=["2026-01-15T10:30:45.123456+00:00"])


class VariationBody(BaseModel):
    """One picture that was drawn, and what was made of it."""

    model_config = _STRICT

    id: str = Field(examples=["var-1"])
    storage_path: str
    metadata: dict[str, Any]
    exports: dict[str, ExportFile]


class FailureBody(BaseModel):
    """One picture that did not come, and why."""

    model_config = _STRICT

    id: str
    state: str
    reason: str


class Thumbnails(BaseModel):
    """A request with its pictures, as original 1 answers; `failures` only where there are any."""

    model_config = _STRICT

    request_id: str = Field(examples=["req_0123456789abcdef0123456789abcdef"])
    variations: list[VariationBody]
    failures: list[FailureBody] | None = None


class ProgressBody(BaseModel):
    """How far a request is: variations that are settled, pictures whose exports are there."""

    model_config = _STRICT

    total: int
    settled: int
    exported: int
    percent: int


class Status(Thumbnails):
    """A request as it is now."""

    state: RequestState
    reason: str | None = None
    progress: ProgressBody
    created_at: dt.datetime
    updated_at: dt.datetime


class Pending(BaseModel):
    """A request that is not done, and where to ask for it."""

    model_config = _STRICT

    request_id: str
    state: RequestState
    poll: str
    events: str
    reason: str | None = None


class Problem(BaseModel):
    """Why it is not so; `request_id` where a request was written down."""

    model_config = _STRICT

    detail: str | list[Any]
    request_id: str | None = None
    poll: str | None = None
    failures: list[FailureBody] | None = None


class BatchItem(BaseModel):
    """What became of one request of a batch; `status` is what it would have been answered with."""

    model_config = _STRICT

    index: int
    status: int
    result: Thumbnails | Pending | None = None
    problem: Problem | None = None


class BatchResults(BaseModel):
    """The items of a batch in their order."""

    model_config = _STRICT

    results: list[BatchItem]


@dataclass(frozen=True, slots=True)
class Teller:
    """Puts requests into words.

    Args:
        links: the addresses of exports.
        root: the data folder, where paths of this machine are told; None for paths within it.
        clock: epoch seconds, from which signed addresses live.
    """

    links: Links
    root: Path | None = None
    clock: Callable[[], float] = time.time

    def thumbnails(
        self, tenant: str, asked: Asked, pictures: tuple[MadePicture, ...]
    ) -> Thumbnails:
        """The answer of original 1."""
        return Thumbnails(
            request_id=asked.key,
            variations=self._variations(tenant, asked, pictures),
            failures=failures(asked) or None,
        )

    def status(self, tenant: str, asked: Asked, pictures: tuple[MadePicture, ...]) -> Status:
        """The same, whatever its state, with how far it is."""
        return Status(
            request_id=asked.key,
            variations=self._variations(tenant, asked, pictures),
            failures=failures(asked) or None,
            state=asked.state,
            reason=asked.reason,
            progress=_progress(asked, pictures),
            created_at=asked.created_at,
            updated_at=asked.updated_at,
        )

    def _variations(
        self, tenant: str, asked: Asked, pictures: tuple[MadePicture, ...]
    ) -> list[VariationBody]:
        return [
            VariationBody(
                id=f"var-{picture.number}",
                storage_path=self._place(picture.path),
                metadata=_metadata(asked, picture),
                exports={
                    export.format.value: self._export(tenant, export, export.path)
                    for export in picture.exports
                    if export.path is not None
                },
            )
            for picture in pictures
        ]

    def _export(self, tenant: str, export: MadeExport, path: str) -> ExportFile:
        return ExportFile(
            format=export.format.value.upper(),
            url=self.links.url(path, now=int(self.clock()), tenant=tenant),
            file_path=self._place(path),
            size=export.size,
            exported_at=export.made_at.isoformat(timespec="microseconds"),
        )

    def _place(self, key: str) -> str:
        return key if self.root is None else str(self.root / key)


def pending(asked: Asked) -> Pending:
    """What is said of a request that is not done."""
    place = f"{PREFIX}/{asked.key}"
    return Pending(
        request_id=asked.key,
        state=asked.state,
        poll=place,
        events=f"{place}/events",
        reason=asked.reason,
    )


def failures(asked: Asked) -> list[FailureBody]:
    """The variations that were settled without a picture."""
    return [
        FailureBody(
            id=f"var-{variation.number}",
            state=variation.state.value,
            reason=variation.reason or variation.state.value,
        )
        for variation in asked.variations
        if variation.state.is_settled and variation.state is not VariationState.RECEIVED
    ]


def event(told: RequestEvent) -> dict[str, Any]:
    """What happened, for an event stream."""
    return {
        "number": told.number,
        "at": told.at.isoformat(),
        "event": told.kind,
        "state": told.state.value,
        "variation": None if told.variation is None else f"var-{told.variation}",
        "settled": told.settled,
        "total": told.total,
        "reason": told.reason,
    }


def _metadata(asked: Asked, picture: MadePicture) -> dict[str, Any]:
    """Where the picture comes from and what it is; all of it values, never markup."""
    found = {variation.number: variation for variation in asked.variations}[picture.number]
    told: dict[str, Any] = {
        "prompt": asked.prompt,
        "model": found.model,
        "model_version": found.model_version,
        "response_id": found.response_id,
        "aspect_ratio": asked.aspect_ratio.value,
        "generated_at": found.ended_at.isoformat() if found.ended_at else None,
        "mime_type": picture.format.mime,
        "width": picture.width,
        "height": picture.height,
        "size": picture.size,
        "sha256": picture.sha256,
        "design": picture.design,
    }
    if asked.base is not None:
        told["base_sha256"] = asked.base.sha256
    return told


def _progress(asked: Asked, pictures: tuple[MadePicture, ...]) -> ProgressBody:
    """Drawing counts for nine parts of ten: exports are made in a moment."""
    total, exported = len(asked.variations), sum(bool(p.exports) for p in pictures)
    share = 0.9 * asked.settled / total + (0.1 * exported / len(pictures) if pictures else 0.0)
    percent = 100 if asked.state is RequestState.DONE else min(99, round(100 * share))
    return ProgressBody(total=total, settled=asked.settled, exported=exported, percent=percent)
