"""Publishing elsewhere what a host was given: from the stored bytes, else from exports made again."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from image_assets.core.errors import ImageAssetsError, NotFoundError, PermanentError
from image_assets.core.model import Content, Partition
from image_assets.core.naming import public_name
from image_assets.ports import (
    Contents,
    FileStore,
    Rebuilder,
    RebuildingCatalog,
    RepublishingCatalog,
    Upload,
)
from image_assets.stages.report import SHOWN_FAILURES, Report
from image_assets.stages.uploads import Publisher

log = logging.getLogger(__name__)

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that only the old host had: where it was, where it belongs, and why it is not here."""

    name: str
    url: str
    partitions: tuple[Partition, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Republished:
    """What became of what a host was given, by count; `report` is of what was sent.

    `there` were at the other host already, `stored` have their bytes here, `rebuilt` are exports that
    are made again. `lost` are the first of what could not be published anywhere, `lost_count` all.
    """

    report: Report = field(default_factory=Report)
    there: int = 0
    stored: int = 0
    rebuilt: int = 0
    lost_count: int = 0
    lost: tuple[Lost, ...] = ()

    def __add__(self, other: "Republished") -> "Republished":
        """Both together."""
        return Republished(
            self.report + other.report,
            self.there + other.there,
            self.stored + other.stored,
            self.rebuilt + other.rebuilt,
            self.lost_count + other.lost_count,
            (self.lost + other.lost)[:SHOWN_FAILURES],
        )


@dataclass(frozen=True, slots=True)
class Republisher:
    """The rooms that moving from one host to another needs, together.

    Whatever the other host has already costs nothing, so it can be cut off and run again. `contents`
    are where they lie, in the store or in a folder of this machine.
    """

    catalog: RepublishingCatalog
    rebuilding: RebuildingCatalog
    store: FileStore
    contents: Contents
    rebuilder: Rebuilder

    def look(self, source: str, destination: str) -> Republished:
        """What `republish` would do; nothing is sent, made or written down."""
        found = Republished()
        for tenant, uploads, there in self._pages(source, destination):
            found += Republished(there=there)
            for upload in uploads:
                found += self._fate(upload, tenant)
        return found

    def republish(self, source: str, publisher: Publisher) -> Iterator[Republished]:
        """Publish what `source` was given through `publisher`, a page at a time: what became of each."""
        for tenant, uploads, there in self._pages(source, publisher.destination):
            page, contents = Republished(there=there), []
            for upload in uploads:
                content, fate = self._content(upload, tenant)
                page += fate
                if content is not None:
                    contents.append(content)
            if contents:
                rows = publisher.catalog.register(
                    publisher.destination, tenant, contents, now=publisher.clock()
                )
                page += Republished(report=publisher.settle(rows))
            yield page

    def _pages(self, source: str, destination: str) -> Iterator[tuple[str, Sequence[Upload], int]]:
        """A tenant's rows at `source` that `destination` lacks, and how many it does not."""
        after = 0
        while given := self.catalog.given(source, after=after, most=_PAGE):
            after = given[-1][1].id
            by_tenant: dict[str, list[Upload]] = defaultdict(list)
            for tenant, upload in given:
                by_tenant[tenant].append(upload)
            for tenant, uploads in by_tenant.items():
                hashes = [upload.content.sha256 for upload in uploads]
                held = self.catalog.held(destination, tenant, hashes)
                lacking = [upload for upload in uploads if upload.content.sha256 not in held]
                yield tenant, lacking, len(uploads) - len(lacking)

    def _content(self, upload: Upload, tenant: str) -> tuple[Content | None, Republished]:
        """What is to be sent for a row, and what it is counted as."""
        if (path := self._here(upload, tenant)) is not None:
            return replace(upload.content, path=path), Republished(stored=1)
        try:
            path = self.rebuilder.rebuild(upload.content.sha256, tenant)
            if path is None:
                raise PermanentError("neither its bytes nor the picture it was made of are here")
            return self._anew(upload, path), Republished(rebuilt=1)
        except ImageAssetsError as error:
            log.error("%s: %s", upload.content.name, error)  # noqa: TRY400
            return None, self._lose(upload, tenant, str(error))

    def _anew(self, upload: Upload, path: str) -> Content:
        """The export as it is now: encoders may have changed since it was published."""
        sha256, size = self.store.sha256(path), self.store.size(path)
        if sha256 is None or size is None:
            raise PermanentError(f"{path} is not in the store")
        name = public_name(sha256, upload.content.format)
        return Content(sha256, path, size, upload.content.format, name)

    def _fate(self, upload: Upload, tenant: str) -> Republished:
        if self._here(upload, tenant) is not None:
            return Republished(stored=1)
        export = self.rebuilding.exported(upload.content.sha256, tenant)
        if export is not None and (export.answers or export.origin is not None):
            return Republished(rebuilt=1)
        return self._lose(upload, tenant, "neither its bytes nor what it was made of are here")

    def _here(self, upload: Upload, tenant: str) -> str | None:
        """Where its own bytes are."""
        known = (self.catalog.here(upload.content.sha256, tenant), upload.content.path)
        for path in dict.fromkeys(path for path in known if path is not None):
            if self._size(path) == upload.content.size:
                return path
        return None

    def _size(self, path: str) -> int | None:
        if "://" not in path:
            return self.store.size(path)
        try:
            with self.contents.local(path) as file:
                return file.stat().st_size
        except NotFoundError:
            return None

    def _lose(self, upload: Upload, tenant: str, reason: str) -> Republished:
        homes = tuple(self.catalog.homes(upload.content.sha256, tenant))
        url = upload.receipt.url if upload.receipt is not None else ""
        return Republished(lost_count=1, lost=(Lost(upload.content.name, url, homes, reason),))
