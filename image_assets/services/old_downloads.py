"""A folder of old downloads on disk: looked through, read, and taken over file by file."""

import errno
import hashlib
import logging
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.core.organizing import Claim, in_order
from image_assets.ports import FoundFile
from image_assets.services import sidecars
from image_assets.services.durable import disk_errors

log = logging.getLogger(__name__)

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})
_NO_LINK = frozenset({
    errno.EXDEV, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK,
})  # fmt: skip
_CHUNK = 1 << 20


class OldDownloadsFolder:
    """The files below `root`; fulfils `ports.OldDownloads`.

    Args:
        root: the folder.
        without: a folder in it that is not looked into (where the files are to go).
        is_ours: whether a path is known to the catalog: such a file is in its place.
    """

    def __init__(
        self,
        root: Path,
        *,
        without: Path | None = None,
        is_ours: Callable[[Path], bool] = lambda path: False,
    ) -> None:
        self._root = root
        self._without = without.resolve() if without is not None else None
        self._is_ours = is_ours
        self._stamps: dict[str, tuple[int, int, int]] = {}

    def find(self) -> Sequence[FoundFile]:
        """Every file that is neither a sidecar nor ours already, in the order of a plan.

        Raises:
            NotFoundError: there is no such folder.
        """
        if not self._root.exists():
            raise NotFoundError(f"{self._root}: there is no such folder; check its name")
        with disk_errors(self._root):
            if not stat.S_ISDIR(self._root.stat().st_mode):
                raise PermanentError(f"{self._root}: not a folder")
        closed: list[FoundFile] = []

        def cannot(error: OSError) -> None:
            folder = os.path.relpath(error.filename, self._root)
            problem = f"cannot be looked into ({error.strerror}); check its owner and rights"
            closed.append(FoundFile(f"{folder}/", problem=problem))

        found = [
            file
            for folder, folders, names in os.walk(self._root, onerror=cannot)
            for file in self._of_folder(Path(folder), folders, names)
        ]
        return sorted([*found, *closed], key=lambda f: in_order(f.file))

    def digest(self, file: str) -> tuple[str, int]:
        """Hex SHA-256 and bytes of the file."""
        with self._opened(file) as (handle, found), os.fdopen(os.dup(handle), "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        self._stamps[file] = _stamp(found)
        return digest, found.st_size

    @contextmanager
    def readable(self, file: str) -> Iterator[Path]:
        """The file itself: read it, do not change it."""
        yield self._root / file

    def bring(self, file: str, into: Path, *, sha256: str, copy: bool) -> None:
        """The file's bytes as the new file `into`.

        Raises:
            TransientError: the file changed since its digest was taken.
        """
        with self._opened(file) as (handle, found):
            if _stamp(found) != self._stamps.get(file):
                raise TransientError(f"{self._root / file}: it changed meanwhile; run again")
            if not copy and self._shared(file, into, found):
                return
            with disk_errors(into):
                digest = _copy(handle, into)
        if digest != sha256:
            into.unlink()
            raise TransientError(f"{self._root / file}: it changed while it was copied; run again")

    def is_at(self, file: str, path: Path) -> bool:
        """Whether `path` is the file's own place."""
        return _place(self._root / file) == _place(path)

    def remove(self, file: str) -> None:
        """Take the file away: its bytes are safe elsewhere.

        Raises:
            TransientError: it has other bytes than its digest was taken of; it stays.
        """
        path = self._root / file
        with disk_errors(path):
            try:
                found = path.lstat()
            except FileNotFoundError:
                return
            if _stamp(found) != self._stamps.get(file):
                raise TransientError(f"{path}: it changed meanwhile, and stays; run again")
            path.unlink(missing_ok=True)

    def _of_folder(
        self, folder: Path, folders: list[str], names: Sequence[str]
    ) -> Iterator[FoundFile]:
        for name in [name for name in folders if (folder / name).is_symlink()]:
            yield FoundFile(self._relative(folder / name), problem="a link; never followed")
        if self._without is not None and self._without != self._root.resolve():
            folders[:] = [name for name in folders if (folder / name).resolve() != self._without]
        told = sidecars.claims(folder, filter(self._is_sidecar(folder), names))
        for name in names:
            path = folder / name
            if not (self._is_sidecar(folder)(name) or self._is_ours(path)):
                yield self._found(path, told)

    def _found(self, path: Path, told: Mapping[str, Claim]) -> FoundFile:
        claim = told.get(path.name, Claim())
        return FoundFile(self._relative(path), claim, _problem(path))

    @staticmethod
    def _is_sidecar(folder: Path) -> Callable[[str], bool]:
        return lambda name: sidecars.is_sidecar(name) and not (folder / name).is_symlink()

    @contextmanager
    def _opened(self, file: str) -> Iterator[tuple[int, os.stat_result]]:
        """The plain file, not through a link and without waiting at a pipe."""
        path = self._root / file
        with disk_errors(path):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                found = os.fstat(handle)
                if not stat.S_ISREG(found.st_mode):
                    raise RejectedError(f"{path}: no longer a plain file")
                yield handle, found
            finally:
                os.close(handle)

    def _shared(self, file: str, into: Path, found: os.stat_result) -> bool:
        """Whether `into` is another name of the very file now."""
        try:
            os.link(self._root / file, into, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            log.debug("%s: copied, as no link can be made (%s)", file, error.strerror)
            return False
        linked = into.lstat()
        if (linked.st_dev, linked.st_ino) != (found.st_dev, found.st_ino):
            into.unlink()
            raise TransientError(f"{self._root / file}: it changed meanwhile; run again")
        return True

    def _relative(self, path: Path) -> str:
        return PurePosixPath(path.relative_to(self._root)).as_posix()


def _problem(path: Path) -> str | None:
    """Why a file is not to be opened."""
    try:
        found = path.lstat()
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if stat.S_ISLNK(found.st_mode):
        return "a link; never followed"
    if not stat.S_ISREG(found.st_mode):
        return "not a plain file; never opened"
    if path.name.startswith(".") or path.suffix.lower() not in _PICTURES:
        return "not a picture by its name"
    if not os.access(path, os.R_OK):
        return "not readable; check its owner and rights"
    return "empty" if found.st_size == 0 else None


def _copy(handle: int, into: Path) -> str:
    """SHA-256 of what was copied to the new file."""
    digest = hashlib.sha256()
    with os.fdopen(os.dup(handle), "rb") as source, into.open("xb") as target:
        try:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        except BaseException:
            into.unlink()
            raise
    return digest.hexdigest()


def _place(path: Path) -> str:
    """A path that is the same for two names of one place, on disks too that know no case."""
    return str(path.parent.resolve() / path.name).casefold()


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino
