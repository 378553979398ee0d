"""What calibration reads of a library."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Scope


@dataclass(frozen=True, slots=True)
class SampledDesign:
    """A design with its fingerprint; `path` is where its anchor's bytes are, None if they are not here."""

    design_id: str
    fingerprint: Fingerprint
    path: str | None


@dataclass(frozen=True, slots=True)
class SampledAlias:
    """A stored picture that is of a design although its pixels are not the anchor's."""

    image_id: int
    path: str
    design: SampledDesign


class CalibrationCatalog(Protocol):
    """Samples of a scope; the same ones whenever nothing was added, and evenly of all."""

    def size(self, scope: Scope, version: str) -> tuple[int, int]:
        """How many designs rule, and how many contents were merged into one with other pixels."""
        ...

    def designs(self, scope: Scope, version: str, most: int) -> Sequence[SampledDesign]:
        """Designs that rule."""
        ...

    def aliases(self, scope: Scope, version: str, most: int) -> Sequence[SampledAlias]:
        """Pictures that were merged into a design, by a policy or by a person; equal bytes once."""
        ...
