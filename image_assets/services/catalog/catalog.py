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
from image_assets.services.catalog.fidelity import SqlFidelity
from image_assets.services.catalog.gallery import SqlGallery
from image_assets.services.catalog.generation import SqlGeneration
from image_assets.services.catalog.images import SqlImages
from image_assets.services.catalog.latest import SqlLatest
from image_assets.services.catalog.links import SqlLinks
from image_assets.services.catalog.listings import SqlListings
from image_assets.services.catalog.local_files import SqlLocalFiles
from image_assets.services.catalog.migration import migrate
from image_assets.services.catalog.mockups import SqlMockups
from image_assets.services.catalog.nas import SqlNas
from image_assets.services.catalog.notices import SqlNotices
from image_assets.services.catalog.originals import SqlOriginals
from image_assets.services.catalog.rebuilding import SqlRebuilding
from image_assets.services.catalog.refingerprinting import SqlRefingerprinting
from image_assets.services.catalog.republishing import SqlRepublishing
from image_assets.services.catalog.requests import SqlRequests
from image_assets.services.catalog.retention import SqlRetention
from image_assets.services.catalog.thumbnails import SqlThumbnails
from image_assets.services.catalog.together import Together
from image_assets.services.catalog.tokens import SqlTokens
from image_assets.services.catalog.totals import SqlTotals
from image_assets.services.catalog.uploads import SqlUploads
from image_assets.services.catalog.verdicts import SqlVerdicts
from image_assets.services.catalog.verify import SqlVerify
from image_assets.services.catalog.visualizations import SqlVisualizations


@dataclass(frozen=True, slots=True)
class Catalog:
    """An open catalog, closed by `dispose` or at the end of a `with`; each room fulfils a port."""

    engine: Engine
    images: SqlImages
    designs: SqlDesigns
    thumbnails: SqlThumbnails
    rebuilding: SqlRebuilding
    uploads: SqlUploads
    local_files: SqlLocalFiles
    latest: SqlLatest
    retention: SqlRetention
    originals: SqlOriginals
    totals: SqlTotals
    completeness: SqlCompleteness
    verify: SqlVerify
    visualizations: SqlVisualizations
    archive: SqlArchive
    batches: SqlBatches
    gallery: SqlGallery
    verdicts: SqlVerdicts
    refingerprinting: SqlRefingerprinting
    calibration: SqlCalibration
    nas: SqlNas
    mockups: SqlMockups
    listings: SqlListings
    tokens: SqlTokens
    notices: SqlNotices
    generation: SqlGeneration
    requests: SqlRequests
    fidelity: SqlFidelity
    links: SqlLinks
    republishing: SqlRepublishing

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
        SqlUploads(engine, Together(engine)),
        SqlLocalFiles(engine),
        SqlLatest(engine),
        SqlRetention(engine),
        SqlOriginals(engine),
        SqlTotals(engine),
        SqlCompleteness(engine),
        SqlVerify(engine),
        SqlVisualizations(engine),
        SqlArchive(engine),
        SqlBatches(engine),
        SqlGallery(engine),
        SqlVerdicts(engine),
        SqlRefingerprinting(engine),
        SqlCalibration(engine),
        SqlNas(engine),
        SqlMockups(engine),
        SqlListings(engine),
        SqlTokens(engine),
        SqlNotices(engine),
        SqlGeneration(engine),
        SqlRequests(engine),
        SqlFidelity(engine),
        SqlLinks(engine),
        SqlRepublishing(engine),
    )
