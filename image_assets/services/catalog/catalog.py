"""The whole catalog behind one door: a room for each stage, on one database."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Engine

from image_assets.core.errors import ImageAssetsError
from image_assets.services.catalog.alike import Alike
from image_assets.services.catalog.archive import SqlArchive
from image_assets.services.catalog.batches import SqlBatches
from image_assets.services.catalog.calibration import SqlCalibration
from image_assets.services.catalog.completeness import SqlCompleteness
from image_assets.services.catalog.designs import SqlDesigns
from image_assets.services.catalog.engine import CONNECT_SECONDS, open_engine
from image_assets.services.catalog.gallery import SqlGallery
from image_assets.services.catalog.generation import SqlGeneration
from image_assets.services.catalog.images import SqlImages
from image_assets.services.catalog.latest import SqlLatest
from image_assets.services.catalog.migration import migrate
from image_assets.services.catalog.nas import SqlNas
from image_assets.services.catalog.rebuilding import SqlRebuilding
from image_assets.services.catalog.refingerprinting import SqlRefingerprinting
from image_assets.services.catalog.requests import SqlRequests
from image_assets.services.catalog.retention import SqlRetention
from image_assets.services.catalog.thumbnails import SqlThumbnails
from image_assets.services.catalog.together import Together
from image_assets.services.catalog.totals import SqlTotals
from image_assets.services.catalog.uploads import SqlUploads
from image_assets.services.catalog.verdicts import SqlVerdicts
from image_assets.services.catalog.verify import SqlVerify


@dataclass(frozen=True, slots=True)
class Catalog:
    """An open catalog, closed by `dispose` or at the end of a `with`; each room fulfils a port."""

    engine: Engine
    images: SqlImages
    designs: SqlDesigns
    thumbnails: SqlThumbnails
    rebuilding: SqlRebuilding
    uploads: SqlUploads
    latest: SqlLatest
    retention: SqlRetention
    totals: SqlTotals
    completeness: SqlCompleteness
    verify: SqlVerify
    archive: SqlArchive
    batches: SqlBatches
    gallery: SqlGallery
    verdicts: SqlVerdicts
    refingerprinting: SqlRefingerprinting
    calibration: SqlCalibration
    nas: SqlNas
    generation: SqlGeneration
    requests: SqlRequests

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_catalog(url: str, *, connect_seconds: int = CONNECT_SECONDS) -> Catalog:
    """The catalog at `url`, brought up to date first.

    Args:
        url: a SQLite file or PostgreSQL.
        connect_seconds: how long a PostgreSQL server may take to let us in.

    Raises:
        PermanentError: `url` names no database that we can use; TransientError: it does not answer.
    """
    engine = open_engine(url, connect_seconds=connect_seconds)
    try:
        migrate(engine)
    except ImageAssetsError:
        engine.dispose()
        raise
    return Catalog(
        engine,
        SqlImages(engine, Together(engine)),
        SqlDesigns(engine, Alike(engine)),
        SqlThumbnails(engine),
        SqlRebuilding(engine),
        SqlUploads(engine),
        SqlLatest(engine),
        SqlRetention(engine),
        SqlTotals(engine),
        SqlCompleteness(engine),
        SqlVerify(engine),
        SqlArchive(engine),
        SqlBatches(engine),
        SqlGallery(engine),
        SqlVerdicts(engine),
        SqlRefingerprinting(engine),
        SqlCalibration(engine),
        SqlNas(engine),
        SqlGeneration(engine),
        SqlRequests(engine),
    )
