"""Exports that were made once: what their names stand for, and which would be made otherwise now."""

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import Blob, ImageFormat, Partition
from image_assets.core.recipes import Recipe
from image_assets.ports.thumbnails import ExportsDesk, Origin


@dataclass(frozen=True, slots=True)
class Exported:
    """An export by a name that it has, or once had.

    `sha256` are the bytes that the name was given to; `digest` is of what they were made with, None
    where that was not recorded. `answers` are the bytes that are live for it, best first: its own,
    what stands in for them, the export that replaced it. `origin` is None when its picture is no
    longer stored; `base` is what shone through, if it is stored.
    """

    tenant: str
    design_id: str
    recipe: str
    format: ImageFormat
    sha256: str
    digest: str | None
    answers: tuple[Blob, ...]
    origin: Origin | None
    base: Origin | None = None


@dataclass(frozen=True, slots=True)
class LiveExport:
    """A live export and what it was made with; `digest` and `source_sha256` where it was recorded."""

    recipe: str
    format: ImageFormat
    encoder: str
    digest: str | None = None
    source_sha256: str | None = None
    base: Origin | None = None


@dataclass(frozen=True, slots=True)
class Renewable:
    """A design's live exports, and what they would be made from now.

    `lacking` are recipe and format of what failed, with the encoder that it failed with.
    """

    design_id: str
    origin: Origin
    exports: tuple[LiveExport, ...] = ()
    lacking: tuple[tuple[str, ImageFormat, str], ...] = ()


class RebuildingCatalog(Protocol):
    """Exports by name and by what they were made with, and the desk where they are recorded again."""

    def exported(self, name: str, tenant: str | None = None) -> Exported | None:
        """What a name stands for: an export's path, its file name, its SHA-256 with an extension or not.

        None when no export, of the tenant where one is named, ever had it.
        """
        ...

    def recipe(self, digest: str) -> Recipe | None:
        """The recipe of one file as it was when something was made with it; None if unknown."""
        ...

    def unpublished(
        self, partition: Partition, destination: str, recipe: Recipe
    ) -> Sequence[Exported]:
        """The partition's expired exports that a destination has neither got nor refused, by design."""
        ...

    def partitions(
        self, source: str, first: dt.date | None, last: dt.date | None, *, dated: bool
    ) -> Sequence[Partition]:
        """Partitions with pictures, of all tenants; by their key, or by when they were received."""
        ...

    def renewable(self, partition: Partition, recipes: Sequence[Recipe]) -> Sequence[Renewable]:
        """The partition's designs with live exports of these recipes, and with what they lack of them."""
        ...

    def recording(self, design_id: str, *, now: dt.datetime) -> AbstractContextManager[ExportsDesk]:
        """The desk of a design's exports; nobody else is at it. An error leaves nothing recorded."""
        ...

    def lease(self, name: str, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take or renew a named lease; False while another owner's is running."""
        ...

    def release(self, name: str, owner: str) -> None:
        """Give a lease back before its time."""
        ...
