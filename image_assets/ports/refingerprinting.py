"""Designs whose fingerprints are of another version, and how they get new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from image_assets.core.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class Outdated:
    """A design with a fingerprint of another version.

    `pictures` are the contents that it has here: SHA-256 and path; `anchor` is the SHA-256 of the one
    that its fingerprint is of, None when those bytes are not here any more.
    """

    tenant: str
    design_id: str
    version: str
    anchor: str | None
    pictures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Designs of another version: those that can be renewed, and those whose anchor's bytes are gone."""

    renewable: int
    lost: int


class Renewal(StrEnum):
    """What came of renewing a design."""

    RENEWED = "renewed"
    JOINED = "joined"  # another design has exactly its pixels already, and answers for it now
    CHANGED = "changed"  # it, or its anchor, is not what it was; the next run looks again


class RefingerprintCatalog(Protocol):
    """Renewing fingerprints; ids, verdicts, merges and whatever was published stay as they are."""

    def backlog(self, version: str) -> Backlog:
        """How many designs with pictures, of all tenants, are not of `version`."""
        ...

    def outdated(
        self, version: str, *, tenant: str | None, after: str, most: int
    ) -> Sequence[Outdated]:
        """Designs with pictures whose version is not `version`, by id, from the one after `after`."""
        ...

    def renew(self, design: Outdated, look: Fingerprint, pixels: Mapping[str, str]) -> Renewal:
        """Give a design its new fingerprint, and its pictures the hashes of their pixels.

        One transaction. `pixels` are exact hashes by SHA-256, and verdicts on these pictures move
        along with them.
        """
        ...
