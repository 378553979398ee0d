"""Pictures that are published at rehearsed hosts over real HTTP, with the other side within reach."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from image_assets import compose, hosting
from image_assets.compose import Catalog, DecodingPool, LocalStore
from image_assets.core.looks import LookTerms
from image_assets.core.model import Partition, Publishes, UploadState
from image_assets.core.notices import NoticeKind
from image_assets.core.recipes import Recipe
from image_assets.ports import Closing, ImageHost, Upload
from image_assets.rehearsal import Rehearsal
from image_assets.services.folder import FolderSource
from image_assets.settings import Settings, isolated
from image_assets.stages.images import Collector, Terms
from image_assets.stages.links import Checked, LinkChecker
from image_assets.stages.report import Report
from image_assets.stages.uploads import Publisher
from image_assets.stages.verification import Witness

DAY = Partition("camera", "apm/in_gate", "2025-09-01")
RECIPE = Recipe("small", width=64, height=36)
QUICK = {
    "UPLOAD_TIMEOUT": "2",
    "UPLOAD_RETRY_DELAY": "0.01",
    "UPLOAD_PAUSE": "0",
    "LINK_CHECK_PER_MINUTE": "1000000",
}


@dataclass
class Publishing:
    """What an operator has: settings, a catalog, a store; and a clock that a test turns."""

    rehearsal: Rehearsal
    folder: Path
    settings: Settings
    catalog: Catalog
    decoder: DecodingPool
    environment: dict[str, str]
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    owner: str = "run 1"

    def clock(self) -> dt.datetime:
        return self.now

    @property
    def store(self) -> LocalStore:
        return LocalStore(self.folder / "data")

    def take(self, frames: list[bytes], extension: str = "jpg") -> None:
        """Pictures of the camera's day, kept and verified."""
        folder = self.folder / "frames"
        folder.mkdir(exist_ok=True)
        before = len(list(folder.iterdir()))
        for number, frame in enumerate(frames, before):
            hour, minute = divmod(number, 60)
            name = f"20250901{hour:02}{minute:02}00_in_gate.{extension}"
            (folder / name).write_bytes(frame)
        collector = Collector(
            FolderSource(folder), self.catalog.images, self.store, self.decoder, Terms(workers=2)
        )
        assert collector.collect(DAY, now=self.now).failed == 0

    @contextmanager
    def host(self, destination: str, **changes: str) -> Iterator[ImageHost]:
        """The host as everywhere opened, perhaps with another key."""
        host = compose.host(isolated(self.environment | changes), destination)
        try:
            yield host
        finally:
            if isinstance(host, Closing):
                host.close()

    def publish(self, destination: str, *, workers: int = 1, **changes: str) -> Report:
        """One run of the uploads of a destination, as Dagster or a command makes it."""
        self.now += dt.timedelta(hours=1)
        with self.host(destination, **changes) as host:
            publisher = Publisher(
                destination,
                host,
                self.catalog.uploads,
                hosting.contents(self.settings),
                self.owner,
                self.clock,
                workers,
                witness=self.witness(destination),
            )
            return publisher.publish(DAY, Publishes.ORIGINALS, RECIPE)

    def check(self, destination: str, **span: float) -> Checked:
        """A look at everything there, so much later; what is due is all of it."""
        self.now += dt.timedelta(**span)
        with self.host(destination) as host:
            return LinkChecker(
                destination,
                host,
                self.catalog.links,
                self.catalog.uploads,
                self.witness(destination),
                self.catalog.notices,
                hosting.contents(self.settings),
                self.clock,
                self.terms,
                workers=2,
            ).check()

    @property
    def terms(self) -> LookTerms:
        return self.settings.look_terms.within(everything=True)

    def witness(self, destination: str) -> Witness:
        return Witness(destination, self.catalog.fidelity, self.catalog.notices, self.clock)

    def rows(self, destination: str) -> list[Upload]:
        """The ledger's rows with a receipt, by number."""
        return [row for _, row in self.catalog.republishing.given(destination)]

    def states(self, destination: str) -> dict[UploadState, int]:
        return dict(self.catalog.uploads.counts(DAY, destination))

    def treats(self, destination: str) -> dict[str, list[str]]:
        """What the profile says of each format: treatments, the most frequent first."""
        found: dict[str, list[str]] = {}
        for habit in self.catalog.fidelity.habits(destination):
            found.setdefault(habit.format.value, []).append(habit.treatment.value)
        return found

    def news(self) -> list[str]:
        """What people are told of hosts that changed."""
        with self.catalog.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT kind, text FROM notices ORDER BY id").all()
        return [text for kind, text in rows if kind == NoticeKind.HOST_CHANGED]

    def item(self, upload: Upload) -> str:
        """The id on the host's shelf of what was published."""
        assert upload.receipt is not None
        return upload.receipt.url.rsplit("/", 1)[-1].partition(".")[0]

    def body(self, upload: Upload) -> bytes:
        """The bytes that were published."""
        return (self.folder / "data" / upload.content.path).read_bytes()

    def asked(self, pattern: str) -> int:
        """Requests whose `METHOD /path` begins so."""
        requests = self.rehearsal.requests()["requests"]
        return sum(f"{r['method']} {r['path']}".startswith(pattern) for r in requests)


@contextmanager
def publishing(
    folder: Path, rehearsal: Rehearsal, decoder: DecodingPool, **settings: str
) -> Iterator[Publishing]:
    """A catalog and a store in `folder`, and the rehearsal's hosts."""
    own = {"IMAGE_ASSETS_DATA_DIR": str(folder / "data")}
    environment = {**rehearsal.environment(), **QUICK, **own, **settings}
    given = isolated(environment)
    with compose.catalog(given) as catalog:
        yield Publishing(rehearsal, folder, given, catalog, decoder, environment)
