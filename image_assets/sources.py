"""The sources: what the committed file says of each, and what no such file may say."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from image_assets.core import naming
from image_assets.core.cadence import Service
from image_assets.core.codes import MOST_BITS
from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat, Policy, Publishes
from image_assets.core.nearest import Limits
from image_assets.core.recipes import Recipe
from image_assets.etsy_specs import EtsySpec
from image_assets.export_specs import STOCK, Exports, ExportSpec, recipes_of
from image_assets.sites import ListingSpec, SiteSpec, draydog

DEFAULT_SOURCES = Path(__file__).with_name("sources.yaml")

_SOME_DRAYDOG = draydog("https://index.example", "https://cdn.example", "https://app.example")
"""Which addresses it really has, the settings say; a listing is checked before they are known."""


class SourceKind(StrEnum):
    """How a source's pictures are listed and fetched."""

    DRAYDOG = "draydog"  # Dray Dog's terminal cameras, by the addresses of the settings
    SITE = "site"  # any other camera site, as its `site` and `listing` describe it
    FOLDER = "folder"  # files already on disk
    INBOX = "inbox"  # files that people drop, by shop; taken in batches
    GENERATED = "generated"  # drawn by a generator, by request
    VISUALIZATION = "visualization"  # drawn by somebody into a folder, each with a sidecar


_LIST_THEMSELVES = frozenset({SourceKind.FOLDER, SourceKind.INBOX, SourceKind.VISUALIZATION})


Destination = Literal[
    "chevereto", "cloudinary", "freeimage", "imgbb", "imgur", "kubo", "local", "pinata", "s3"
]
"""Where pictures are published: every host of `hosting.HOSTS`."""


class LatestSpec(BaseModel):
    """Which picture a source announces as its latest, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: Literal["cloudflare_kv", "local"]
    destination: str
    format: ImageFormat = ImageFormat.JPEG
    interval: str = "daily"


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Collection = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*|:(hourly|daily|cumulative))?$"
    ),
]


Template = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]


class LimitsSpec(BaseModel):
    """Limits of likeness that differ from the general ones (`NEAR_BITS` …)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    near_bits: Annotated[int, Field(ge=0, le=MOST_BITS)] | None = None
    near_colour: Annotated[float, Field(ge=0, le=255)] | None = None
    near_detail: Annotated[float, Field(ge=0, le=255)] | None = None
    seed_bits: Annotated[int, Field(ge=0, le=MOST_BITS)] | None = None

    def over(self, general: Limits) -> Limits:
        """The general limits but for those given here."""
        return replace(general, **self.model_dump(exclude_none=True))


AbsentStatus = Literal[400, 403, 451]
"""None that asks for a credential (401, 407), or for patience (408, 425, 429, 5xx)."""

Hour = Annotated[int, Field(ge=0, le=24)]


class SourceSpec(BaseModel):
    """One source as the committed file describes it; names are for ever (paths and ledgers hold them)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    kind: SourceKind
    # Of an inbox the shops: every folder is one where none is named.
    collections: tuple[Collection, ...] = ()
    start: dt.date = dt.date.min
    end: dt.date | None = None
    policy: Policy = Policy.EXACT
    limits: LimitsSpec = LimitsSpec()
    publishes: Publishes = Publishes.EXPORTS
    # What is made of each design: presets by name, or spelled out (`docs/lifecycle.md`).
    exports: Annotated[Exports, Field(min_length=1)] = (ExportSpec(preset=STOCK),)
    destinations: tuple[Destination, ...] = ("local",)
    latest: LatestSpec | None = None
    nas: bool = False  # whether its designs go to the shops' NAS as well
    # Of an inbox, the templates on which each design is shown (`docs/mockups.md`).
    mockups: tuple[Template, ...] = ()
    # Of an inbox, the drafts that its shops get at Etsy (`docs/etsy.md`).
    etsy: EtsySpec | None = None
    root: Path | None = None
    index: str = "frames.csv"
    site: SiteSpec | None = None
    listing: ListingSpec | None = None
    # By which a site says that a picture is not there, beside 404 and 410 (`docs/cameras.md`).
    absent_statuses: tuple[AbsentStatus, ...] = ()
    # What completeness expects; learned from the camera's past days where it is not given.
    cadence_minutes: Annotated[float, Field(gt=0, le=1440)] | None = None
    service_hours: tuple[Hour, Hour] | None = None  # first UTC hour, and the one it ends before

    @property
    def dated(self) -> bool:
        """Whether its pictures come by UTC day; else in batches, or by request."""
        return self.kind not in (SourceKind.INBOX, SourceKind.GENERATED)

    @property
    def dropped(self) -> bool:
        """Whether people drop its pictures into folders."""
        return self.kind is SourceKind.INBOX

    @property
    def generated(self) -> bool:
        """Whether its pictures are drawn by request."""
        return self.kind is SourceKind.GENERATED

    @property
    def drawn(self) -> bool:
        """Whether its pictures are visualisations that somebody draws into a folder."""
        return self.kind is SourceKind.VISUALIZATION

    @property
    def remote(self) -> bool:
        """Whether its pictures come from a site, to which we are polite."""
        return self.kind in (SourceKind.DRAYDOG, SourceKind.SITE)

    @property
    def service(self) -> Service | None:
        """The cadence that the operator gives, if any."""
        if self.cadence_minutes is None:
            return None
        return Service(self.cadence_minutes, self.service_hours)

    def recipes(self, general: Recipe) -> tuple[Recipe, ...]:
        """The recipes of its exports, with the qualities of the general one."""
        return recipes_of(self.exports, general)

    def covers(self, day: dt.date) -> bool:
        """Whether the source has that UTC day: from `start` to the day before `end`."""
        return self.dated and self.start <= day and (self.end is None or day < self.end)

    def named(self, streams: Sequence[str]) -> tuple[str, ...]:
        """The collections that go by these names, whole or by stream (`in_gate`); all without names."""
        return tuple(
            collection
            for collection in self.collections
            if not streams or {collection, collection.rpartition("/")[2]} & set(streams)
        )

    def chosen(self, streams: Sequence[str]) -> tuple[str, ...]:
        """The same, each name being one of ours.

        Raises:
            PermanentError: a name fits no collection.
        """
        for stream in streams:
            if not self.named([stream]):
                known = ", ".join(self.collections)
                raise PermanentError(f"source {self.name} has no stream {stream!r}; it has {known}")
        return self.named(streams)

    def model_post_init(self, context: Any, /) -> None:
        """What no single field can know."""
        if self.kind is SourceKind.FOLDER and self.root is None:
            raise ValueError(f"source {self.name}: a folder source needs a root")
        self._check_calendar()
        self._check_exports()
        self._check_site()
        self._check_drawn()
        self._check_mockups()
        if self.service_hours is not None and self.cadence_minutes is None:
            raise ValueError(f"source {self.name}: service_hours need cadence_minutes")
        if len(set(self.collections)) < len(self.collections):
            raise ValueError(f"source {self.name}: a collection is named twice")
        if self.latest is not None and self.latest.destination not in self.destinations:
            raise ValueError(
                f"source {self.name}: latest needs its destination {self.latest.destination!r} among the destinations"
            )

    def _check_calendar(self) -> None:
        if not self.dated:
            if {"start", "end", "cadence_minutes", "latest"} & self.model_fields_set:
                raise ValueError(
                    f"source {self.name}: an inbox has no days: no start, end, cadence or latest"
                    if self.dropped
                    else f"source {self.name}: requests have no days: no start, end, cadence or latest"
                )
            if self.generated and (self.collections or self.root or self.nas or self.listing):
                raise ValueError(
                    f"source {self.name}: what is generated has no collections, root, listing or nas"
                )
            if any(not naming.is_shop(shop) for shop in self.collections):
                raise ValueError(f"source {self.name}: a shop is one folder: no / and no .. in it")
            return
        if not self.collections:
            raise ValueError(f"source {self.name}: collections should have at least 1 item")
        if "start" not in self.model_fields_set:
            raise ValueError(f"source {self.name}: its first UTC day is missing: start")

    def _check_mockups(self) -> None:
        if self.mockups and not self.dropped:
            raise ValueError(f"source {self.name}: only an inbox has mockups")
        if self.etsy is not None and not self.dropped:
            raise ValueError(f"source {self.name}: only an inbox has etsy listings")
        if len(set(self.mockups)) < len(self.mockups):
            raise ValueError(f"source {self.name}: a template is named twice")

    def _check_drawn(self) -> None:
        if any((":" in collection) is not self.drawn for collection in self.collections):
            raise ValueError(
                f"source {self.name}: collections of visualisations, and no others, are spelled"
                " sensor:hourly, sensor:daily or sensor:cumulative"
            )
        if not self.drawn:
            return
        if self.publishes is Publishes.EXPORTS:
            raise ValueError(
                f"source {self.name}: visualisations are published as originals, or both"
            )
        if self.cadence_minutes is not None or self.nas:
            raise ValueError(f"source {self.name}: visualisations have no cadence and no nas")

    def _check_exports(self) -> None:
        if self.generated and "exports" in self.model_fields_set:
            raise ValueError(f"source {self.name}: each request says the shape of its exports")
        made = self.recipes(Recipe(STOCK))
        if self.latest is not None and self.latest.format not in made[0].formats:
            raise ValueError(
                f"source {self.name}: latest needs its format {self.latest.format} in the first export"
            )

    def _check_site(self) -> None:
        described = self.site is not None and self.listing is not None
        if self.kind is SourceKind.SITE and not described:
            raise ValueError(f"source {self.name}: a site needs its `site` and its `listing`")
        if self.kind is not SourceKind.SITE and self.site is not None:
            raise ValueError(f"source {self.name}: only a source of kind `site` has a `site`")
        if self.absent_statuses and not self.remote:
            raise ValueError(f"source {self.name}: only a site has absent_statuses")
        if self.kind in _LIST_THEMSELVES and self.listing is not None:
            raise ValueError(f"source {self.name}: a folder lists itself")
        if self.listing is not None:
            (self.site or _SOME_DRAYDOG).check(self.listing)


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
    _check_etsy(file, sources)
    return sources


def _check_etsy(file: Path, sources: Sequence[SourceSpec]) -> None:
    """A shop's design is never in another's listing, whichever source it came by."""
    folders: dict[int, str] = {}
    for spec in sources:
        for folder, number in spec.etsy.shops if spec.etsy is not None else ():
            if folders.setdefault(number, folder) != folder:
                raise PermanentError(f"{file}: {folders[number]} and {folder} have one Etsy shop")
