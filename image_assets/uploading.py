"""Pictures of this machine to image hosts: folders in batches, and single files whose URL is asked for."""

import datetime as dt
import os
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from image_assets import compose, hosting
from image_assets.core.errors import PermanentError, RejectedError
from image_assets.core.file_filter import FileFilter
from image_assets.core.model import DEFAULT_TENANT, Content, Receipt, UploadState
from image_assets.core.naming import public_name
from image_assets.ports import (
    Closing,
    Decoder,
    ImageHost,
    KnownFile,
    LocalFile,
    Upload,
)
from image_assets.settings import Settings
from image_assets.stages.attempt_lines import AttemptLines
from image_assets.stages.folder_plan import FolderPlan, FolderPlanner, PlannedPicture, is_settled
from image_assets.stages.folder_uploads import FolderUploads, Moving, PublishedAt, Told, proven
from image_assets.stages.notifying import batch_finished
from image_assets.stages.report import Report
from image_assets.stages.uploads import Publisher, Tried
from image_assets.stages.verification import Witness

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|data:")
_MARGIN = 60.0  # seconds beyond a host's deadline after which nobody sends any more


@dataclass(frozen=True, slots=True)
class UploadOrder:
    """What was asked for; None leaves it to the settings.

    Several `hosts` are mirrors, which all get every picture; with `failover` the first that takes
    one has it.
    """

    source_dir: Path | None = None
    hosts: tuple[str, ...] = ()
    count: int | None = None
    output: Path | None = None
    wanted: FileFilter = field(default_factory=FileFilter)
    recursive: bool = False
    failover: bool = False
    force: bool = False
    move: bool = False
    exif: bool = False


@dataclass(frozen=True, slots=True)
class UploadedPicture:
    """A picture of the folder, by the names of the files that hold it, and where it is shown."""

    names: tuple[str, ...]
    at: tuple[PublishedAt, ...]


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What became of a batch: reports by destination, of the looking, and of the moving."""

    plan: FolderPlan
    reports: Mapping[str, Report]
    pictures: tuple[UploadedPicture, ...]
    moved: Report | None = None

    @property
    def failed(self) -> int:
        """Pictures that could not be read, sent, proven or moved."""
        moved = self.moved.failed if self.moved is not None else 0
        return self.plan.report.failed + sum(r.failed for r in self.reports.values()) + moved


def plan(settings: Settings, order: UploadOrder) -> FolderPlan:
    """What `upload` would do; no host is asked and nothing is written."""
    with compose.catalog(settings) as catalog, compose.decoder(settings) as decoder:
        planner = _planner(settings, order, catalog, decoder)
        return _planned(settings, planner, order, remember=False)


def upload(
    settings: Settings, order: UploadOrder, *, on_progress: Told | None = None
) -> UploadResult:
    """Publish the next pictures of a folder, each content once at each host.

    Raises:
        PermanentError: the order cannot be; nothing was sent.
        MissingSettingError: a host needs a credential that is not set.
        NotFoundError: there is no such folder.
    """
    hosts = order.hosts or (settings.upload_host,)
    log = hosting.attempt_log(order.output or settings.upload_log, exif=order.exif)
    _count(settings, order)
    with publishing(settings, hosts) as open_hosts:
        log.check()
        planner = _planner(settings, order, open_hosts.catalog, open_hosts.decoder)
        planned = _planned(settings, planner, order)
        lines = AttemptLines(log, open_hosts.hosts, planned, _now)
        lines.add_problems()
        uploads = FolderUploads(
            [open_hosts.publisher(host, told=lines.add) for host in hosts],
            DEFAULT_TENANT,
            _now,
            order.failover,
        )
        reports = uploads.publish(planned.todo, force=order.force, told=on_progress)
        # What was published before is only looked up where its files are to be moved as well.
        everything = (*planned.todo, *(planned.settled if order.move else ()))
        at = uploads.published(everything)
        moved = None
        if order.move:
            done = [
                picture
                for picture, shown in zip(everything, at, strict=True)
                if proven(shown, hosts, failover=order.failover)
            ]
            moved = Moving(planner.folder, planner.files, DEFAULT_TENANT).move(done)
        if planned.todo:
            folder = str(order.source_dir or settings.upload_source_dir)
            batch_finished(open_hosts.catalog.notices, folder, reports, now=_now())
    pictures = zip(everything, at, strict=True)
    return UploadResult(planned, reports, tuple(_uploaded(*each) for each in pictures), moved)


def ensure_url(path: str | os.PathLike[str], host: str | None, settings: Settings) -> str:
    """The URL of a picture: a URL stays, a file is published once."""
    if isinstance(path, str) and is_address(path):
        return path
    name = host or settings.upload_host
    with publishing(settings, (name,)) as open_hosts:
        return open_hosts.url_of(Path(path), name)


def is_address(text: str) -> bool:
    """Whether it is a URL, and no path of this machine."""
    return _ADDRESS.match(text) is not None


@contextmanager
def publishing(settings: Settings, hosts: Sequence[str]) -> Iterator["OpenHosts"]:
    """The hosts, the catalog and a decoder, closed with the block.

    Raises:
        PermanentError: there is no such host.
        MissingSettingError: a host needs a credential that is not set.
    """
    for name in hosts:
        check_host(name)
    with ExitStack() as stack:
        opened: dict[str, ImageHost] = {}
        for name in dict.fromkeys(hosts):
            opened[name] = host = hosting.host(settings, name)
            if isinstance(host, Closing):
                stack.callback(host.close)
        catalog = stack.enter_context(compose.catalog(settings))
        decoder = stack.enter_context(compose.decoder(settings))
        yield OpenHosts(settings, catalog, decoder, opened)


def check_host(name: str) -> None:
    """That there is such a host.

    Raises:
        PermanentError: there is none; names those that there are.
    """
    if name not in hosting.HOSTS:
        raise PermanentError(f"there is no host {name!r}; there are {', '.join(hosting.HOSTS)}")


def try_host(settings: Settings, name: str) -> None:
    """That the settings of a host are all there; nobody is asked.

    Raises:
        MissingSettingError: they are not.
    """
    host = hosting.host(settings, name)
    if isinstance(host, Closing):
        host.close()


@dataclass(frozen=True, slots=True)
class OpenHosts:
    """Hosts that are open for uploads of this process; threads may share it."""

    settings: Settings
    catalog: compose.Catalog
    decoder: Decoder
    hosts: Mapping[str, ImageHost]
    owner: str = field(
        default_factory=lambda: f"{socket.gethostname()} {os.getpid()} {uuid.uuid4()}"
    )

    def publisher(self, name: str, *, told: Callable[[Tried], None] | None = None) -> Publisher:
        """The publisher at a host; it waits for what another process is sending."""
        host = self.hosts[name]
        return Publisher(
            name,
            host,
            self.catalog.uploads,
            hosting.contents(self.settings),
            self.owner,
            _now,
            self.settings.upload_workers,
            patience=host.deadline + _MARGIN,
            tries=hosting.tries,
            told=told,
            witness=Witness(name, self.catalog.fidelity, self.catalog.notices, _now),
        )

    def url_of(self, path: Path, name: str) -> str:
        """The URL of a file at a host, which has it afterwards, proven.

        Raises:
            NotFoundError: there is no such file.
            RejectedError: it is no picture, or the host refuses it.
        """
        return self.publish(path, name)[1].url

    def publish(self, path: Path, name: str) -> tuple[Upload, Receipt]:
        """The same: its row in the ledger, and the receipt."""
        content = self._content(path)
        ledger = self.catalog.uploads
        [row] = ledger.register(name, DEFAULT_TENANT, [content], now=_now())
        if row.state is not UploadState.VERIFIED:
            publisher = self.publisher(name)
            publisher.settle_one(row)
            publisher.tell_changes()
            row = ledger.upload(row.id)
        if row.state is not UploadState.VERIFIED or row.receipt is None:
            why = row.reason or f"it was taken down there ({row.state})"
            raise RejectedError(f"{path}: {name} refused it before: {why}")
        return row, row.receipt

    def take_down(self, row: Upload, receipt: Receipt, name: str) -> None:
        """Have the host remove it, and the ledger know.

        Raises:
            RejectedError: the host removes nothing for programs, or others live on it there.
        """
        with self.catalog.uploads.removing(row.id, now=_now()):
            self.hosts[name].remove(receipt)

    def _content(self, path: Path) -> Content:
        real = path.resolve()
        folder = hosting.folder(real.parent)
        file = folder.single(real.name)
        known = self.catalog.local_files.known(DEFAULT_TENANT, file.address).get(file.address)
        if known is None or known.stamp != file.stamp:
            known = self._identify(file, folder.sha256(file))
        if known.format is None:
            raise RejectedError(f"{path}: {known.problem}")
        name = public_name(known.sha256, known.format)
        return Content(known.sha256, file.address, file.stamp.size, known.format, name)

    def _identify(self, file: LocalFile, sha256: str) -> KnownFile:
        began = time.time_ns()
        picture = self.decoder.inspect(file.path)
        known = KnownFile(file.stamp, sha256, picture.format, exif=picture.exif)
        if is_settled(file.stamp, began):
            self.catalog.local_files.remember(DEFAULT_TENANT, {file.address: known})
        return known


def _planner(
    settings: Settings, order: UploadOrder, catalog: compose.Catalog, decoder: Decoder
) -> FolderPlanner:
    source = order.source_dir or settings.upload_source_dir
    return FolderPlanner(
        hosting.folder(source, settings.upload_moved_dir),
        catalog.local_files,
        catalog.uploads,
        decoder,
        order.hosts or (settings.upload_host,),
        time.time_ns,
        order.failover,
        settings.image_assets_decode_workers,
    )


def _planned(
    settings: Settings, planner: FolderPlanner, order: UploadOrder, *, remember: bool = True
) -> FolderPlan:
    return planner.plan(
        order.wanted,
        recursive=order.recursive,
        count=_count(settings, order),
        force=order.force,
        remember=remember,
    )


def _count(settings: Settings, order: UploadOrder) -> int:
    """How many pictures are wanted.

    Raises:
        PermanentError: more than a batch may have.
    """
    most = settings.upload_count_limit
    if order.count is None:
        return min(settings.upload_count, most)
    if not 1 <= order.count <= most:
        raise PermanentError(
            f"--count {order.count}: a batch has 1 to {most} pictures; UPLOAD_COUNT_LIMIT allows more"
        )
    return order.count


def _uploaded(picture: PlannedPicture, at: Sequence[PublishedAt]) -> UploadedPicture:
    return UploadedPicture(tuple(file.name for file in picture.files), tuple(at))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
