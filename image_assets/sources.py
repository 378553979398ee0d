"""The sources: what the committed file says of each, and what no such file may say."""

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat, Policy, Publishes

DEFAULT_SOURCES = Path(__file__).with_name("sources.yaml")


class SourceKind(StrEnum):
    """How a source's pictures are listed and fetched."""

    DRAYDOG = "draydog"  # daily index files, then the site's URL contract
    FOLDER = "folder"  # files already on disk


class LatestSpec(BaseModel):
    """Which picture a source announces as its latest, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: Literal["cloudflare_kv", "local"]
    destination: str
    format: ImageFormat = ImageFormat.JPEG
    interval: str = "daily"


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Collection = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?$")
]


class SourceSpec(BaseModel):
    """One source as the committed file describes it; names are for ever (paths and ledgers hold them)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    kind: SourceKind
    collections: Annotated[tuple[Collection, ...], Field(min_length=1)]
    start: dt.date
    end: dt.date | None = None
    policy: Policy = Policy.EXACT
    publishes: Publishes = Publishes.EXPORTS
    destinations: tuple[Literal["local", "pinata"], ...] = ("local",)
    latest: LatestSpec | None = None
    root: Path | None = None
    index: str = "frames.csv"

    def covers(self, day: dt.date) -> bool:
        """Whether the source has that UTC day: from `start` to the day before `end`."""
        return self.start <= day and (self.end is None or day < self.end)

    def model_post_init(self, context: Any, /) -> None:
        """What no single field can know."""
        if self.kind is SourceKind.FOLDER and self.root is None:
            raise ValueError(f"source {self.name}: a folder source needs a root")
        if len(set(self.collections)) < len(self.collections):
            raise ValueError(f"source {self.name}: a collection is named twice")
        if self.latest is not None and self.latest.destination not in self.destinations:
            raise ValueError(
                f"source {self.name}: latest needs its destination {self.latest.destination!r} among the destinations"
            )


class _SourcesFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: Annotated[tuple[SourceSpec, ...], Field(min_length=1)]


def load_sources(file: Path) -> tuple[SourceSpec, ...]:
    """The sources that `file` describes.

    Raises:
        PermanentError: the file is absent or says something that cannot be; names it and why.
    """
    try:
        sources = _SourcesFile.model_validate(yaml.safe_load(file.read_text("utf-8"))).sources
    except OSError as error:
        raise PermanentError(f"{file}: {error.strerror}; check IMAGE_ASSETS_SOURCES") from error
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise PermanentError(f"{file} does not describe sources: {error}") from error
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise PermanentError(f"{file}: two sources have one name")
    keys = [
        (source.latest.store, source.latest.interval, collection)
        for source in sources
        if source.latest is not None
        for collection in source.collections
    ]
    if len(set(keys)) < len(keys):
        raise PermanentError(f"{file}: two sources announce one latest key")
    return sources
