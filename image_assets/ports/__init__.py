"""What the stages need of the outside, one small Protocol per need.

Services fulfil these, and so do the fakes of the tests; neither inherits from anything here. Every
method raises errors of `core.errors` only. All times are aware UTC.
"""

from image_assets.ports.archive import ArchiveCatalog
from image_assets.ports.batches import BatchesCatalog, Inbox, Reached
from image_assets.ports.calibration import CalibrationCatalog, SampledAlias, SampledDesign
from image_assets.ports.completeness import CompletenessCatalog
from image_assets.ports.decoder import Decoder
from image_assets.ports.delivery import Outlet, Rebuilder, Shelf
from image_assets.ports.designs import (
    Admission,
    Anchor,
    DesignCounts,
    DesignFlaws,
    DesignsCatalog,
    Judged,
    Reach,
    Undesigned,
)
from image_assets.ports.exporting import FolderPicture, PictureFolder
from image_assets.ports.generation import (
    Accepted,
    Arrival,
    Asked,
    Claim,
    Drawing,
    GenerationCatalog,
    ImageGenerator,
    MadeExport,
    MadePicture,
    NewRequest,
    RequestEvent,
    RequestsCatalog,
    Variation,
    Wish,
)
from image_assets.ports.images import Day, ImageCounts, ImagesCatalog, KnownImage, StoredImage
from image_assets.ports.latest import LatestCatalog, LatestEntry, LatestStore, Newest
from image_assets.ports.nas import Nas, NasCatalog, NasFile, NasRecord, Unshelved
from image_assets.ports.organizing import FoundFile, OldDownloads
from image_assets.ports.rebuilding import Exported, LiveExport, RebuildingCatalog, Renewable
from image_assets.ports.refingerprinting import Backlog, Outdated, RefingerprintCatalog, Renewal
from image_assets.ports.retention import PlannedDeletion, RetentionCatalog, Totals, TotalsCatalog
from image_assets.ports.sources import ImageSource, ListingSite
from image_assets.ports.store import FileStore, Presigning
from image_assets.ports.thumbnails import (
    ExportsCount,
    ExportsDesk,
    NewExport,
    Origin,
    Place,
    ThumbnailsCatalog,
    Unexported,
)
from image_assets.ports.uploads import (
    Attempt,
    Closing,
    ImageHost,
    Probing,
    Published,
    Upload,
    UploadsCatalog,
)
from image_assets.ports.verdicts import (
    By,
    Decided,
    Decision,
    DecisionKind,
    DesignPicture,
    DesignSummary,
    DesignView,
    GalleryCatalog,
    Named,
    VerdictsCatalog,
)
from image_assets.ports.verify import FileInStore, Inventory, Kept, Reopened, VerifyCatalog

__all__ = [
    "Accepted",
    "Admission",
    "Anchor",
    "ArchiveCatalog",
    "Arrival",
    "Asked",
    "Attempt",
    "Backlog",
    "BatchesCatalog",
    "By",
    "CalibrationCatalog",
    "Claim",
    "Closing",
    "CompletenessCatalog",
    "Day",
    "Decided",
    "Decision",
    "DecisionKind",
    "Decoder",
    "DesignCounts",
    "DesignFlaws",
    "DesignPicture",
    "DesignSummary",
    "DesignView",
    "DesignsCatalog",
    "Drawing",
    "Exported",
    "ExportsCount",
    "ExportsDesk",
    "FileInStore",
    "FileStore",
    "FolderPicture",
    "FoundFile",
    "GalleryCatalog",
    "GenerationCatalog",
    "ImageCounts",
    "ImageGenerator",
    "ImageHost",
    "ImageSource",
    "ImagesCatalog",
    "Inbox",
    "Inventory",
    "Judged",
    "Kept",
    "KnownImage",
    "LatestCatalog",
    "LatestEntry",
    "LatestStore",
    "ListingSite",
    "LiveExport",
    "MadeExport",
    "MadePicture",
    "Named",
    "Nas",
    "NasCatalog",
    "NasFile",
    "NasRecord",
    "NewExport",
    "NewRequest",
    "Newest",
    "OldDownloads",
    "Origin",
    "Outdated",
    "Outlet",
    "PictureFolder",
    "Place",
    "PlannedDeletion",
    "Presigning",
    "Probing",
    "Published",
    "Reach",
    "Reached",
    "Rebuilder",
    "RebuildingCatalog",
    "RefingerprintCatalog",
    "Renewable",
    "Renewal",
    "Reopened",
    "RequestEvent",
    "RequestsCatalog",
    "RetentionCatalog",
    "SampledAlias",
    "SampledDesign",
    "Shelf",
    "StoredImage",
    "ThumbnailsCatalog",
    "Totals",
    "TotalsCatalog",
    "Undesigned",
    "Unexported",
    "Unshelved",
    "Upload",
    "UploadsCatalog",
    "Variation",
    "VerdictsCatalog",
    "VerifyCatalog",
    "Wish",
]
