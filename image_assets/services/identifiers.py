"""The identifiers that a file can have at hosts of IPFS, held against the one such a host tells of."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from image_assets.core import cid
from image_assets.core.errors import VerificationError
from image_assets.core.model import Content
from image_assets.services import outgoing
from image_assets.services.durable import disk_errors

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identified:
    """A file that is known to be the content, and its identifier in the profile that we ask for (v1)."""

    content: Content
    file: Path
    own: str

    @classmethod
    def of(cls, content: Content, file: Path) -> "Identified":
        """Look at the file and compute.

        Raises:
            PermanentError: it holds other bytes: the store is damaged.
        """
        with outgoing.opened(content, file) as body:
            return cls(content, file, cid.compute_open(body))

    def all(self) -> Iterator[str]:
        """Every identifier these bytes can have, ours first; each once."""
        seen = set()
        for profile in cid.PROFILES:
            with disk_errors(self.file):
                identifier = cid.compute_file(self.file, profile)
            if identifier not in seen:
                seen.add(identifier)
                yield identifier

    def compare(self, host: str, theirs: str) -> None:
        """See that an identifier is of our bytes, in whichever profile.

        Raises:
            VerificationError: it is of other bytes.
        """
        if theirs == self.own:
            return
        with disk_errors(self.file):
            profile = cid.matching_profile(self.file, theirs)
        name = self.content.name
        if profile is None:
            raise VerificationError(
                f"{name}: {host} has {theirs} where these bytes are {self.own};"
                " that is other content, under no profile is it ours"
            )
        log.warning(
            "%s: %s used the profile %s (%s), not v1 (%s)", name, host, profile, theirs, self.own
        )
