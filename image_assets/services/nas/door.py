"""Where a NAS listens and who we are."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Door:
    """Where a NAS listens, who we are, and how we know it; printed without the password."""

    host: str
    port: int
    username: str
    password: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    known_hosts: Path | None = None
    timeout: float = 30.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
