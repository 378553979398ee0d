"""The inbox: files dropped into a shop's folder are moved into batches, and put away when done.

    data/inbox/{shop}/…                   dropped by people; left alone until it has settled
    data/inbox/.batches/{shop}/{batch}/…  taken: the batch's for good, whatever is dropped next
    data/inbox/.done/{shop}/{batch}/…     every file of it is stored, or refused with a reason

Each way is a rename within the inbox, so a kill at any moment loses nothing: files that were moved
when their batch was cut short are a batch.
"""

import datetime as dt
import errno
import fcntl
import itertools
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from image_assets.core import naming
from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    TransientError,
    UnreadableImageError,
)
from image_assets.core.model import Entry, Fetched, Listing, Misfit, Partition, Variant
from image_assets.services import drops
from image_assets.services.drops import Dropped
from image_assets.services.durable import disk_errors, make_folder, sync_folder
from image_assets.services.folder import FolderSource
from image_assets.services.folder_scan import plain

log = logging.getLogger(__name__)

BATCHES, DONE = ".batches", ".done"

MOST_BATCHES = 20
"""Batches of one shop that are taken at a time: what asks for them has a minute."""


class InboxFolder:
    """Fulfils `ports.Inbox` and `ports.ImageSource` for a folder on this machine.

    Args:
        source: the source's name.
        root: the inbox.
        shops: the folders that are shops; every folder with a shop's name where none is given.
        settle: how long a file stays unchanged before it is taken.
        batch_bytes: a batch that would grow beyond becomes the next one.
        max_bytes: larger files are refused unread.
    """

    def __init__(
        self,
        source: str,
        root: Path,
        shops: Sequence[str] = (),
        *,
        settle: dt.timedelta,
        batch_bytes: int,
        max_bytes: int,
    ) -> None:
        self._source = source
        self._root = root
        self._shops = shops
        self._settle = settle
        self._batch_bytes = batch_bytes
        self._places = {
            place: FolderSource(place, max_bytes=max_bytes)
            for place in (root / BATCHES, root / DONE)
        }

    def take(self, now: dt.datetime) -> Sequence[Partition]:
        """Make batches of what has settled; what is still arriving waits. Gives the new ones."""
        taken: list[Partition] = []
        with disk_errors(self._root):
            make_folder(self._root / BATCHES)
            with _alone(self._root / BATCHES):
                self._drop_empty()
                for shop in drops.shops(self._root, self._shops)[0]:
                    taken += self._take_from(shop, now)
        return taken

    def waiting(self) -> Sequence[Partition]:
        """Batches that were taken and are not finished, in order of shop and time."""
        return tuple(
            Partition(self._source, shop.name, batch.name, tenant=shop.name)
            for shop in _folders(self._root / BATCHES)
            if naming.is_shop(shop.name)
            for batch in _folders(shop)
        )

    def measure(self, partition: Partition) -> tuple[int, int]:
        """Files and bytes of a batch; nothing of one whose files are no longer there."""
        folder = self._batch(partition)
        if not folder.is_dir():
            return 0, 0
        sizes = [entry.size or 0 for entry in self.list(partition).entries]
        return len(sizes), sum(sizes)

    def finish(self, partition: Partition) -> None:
        """Put the files of a batch away; nothing happens when they are away already."""
        folder = self._batch(partition)
        done = self._root / DONE / partition.collection
        with disk_errors(folder):
            if not folder.is_dir():
                return
            make_folder(done)
            folder.rename(done / partition.key)
            sync_folder(done)
        log.info("%s: done; its files are in %s", partition, done / partition.key)

    def troubles(self) -> Sequence[str]:
        """What lies there and cannot be taken, and what to do about it."""
        return drops.shops(self._root, self._shops)[1]

    def list(self, partition: Partition) -> Listing:
        """The batch's files; nothing can be added to them. Put away, they are still found while they last.

        Raises:
            NotFoundError: there is no such batch, or no folder of it any more.
        """
        folder = self._batch(partition)
        below = folder.relative_to(self._root / BATCHES)
        folders = [place / below for place in self._places if (place / below).is_dir()]
        if not folders:
            raise NotFoundError(
                f"{partition}: its files are neither in {folder} nor in {self._root / DONE / below}"
            )
        folder = folders[0]
        entries, misfits = [], []
        for path in _below(folder):
            file = path.relative_to(folder).as_posix()
            if not os.access(path, os.R_OK, follow_symlinks=False):
                misfits.append(Misfit(plain(file), "not readable; check its owner and rights"))
                continue
            # The same wherever the batch is: it says where a picture came from.
            address = quote(os.fsencode(below / file))
            key = naming.dropped_key(partition.key, file)
            entries.append(Entry(key, plain(file), None, address, _size(path)))
        entries.sort(key=lambda entry: entry.item_key)
        return Listing(tuple(entries), complete=True, misfits=tuple(misfits))

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        """Copy the file to the new file `into`.

        Raises:
            NotFoundError: it was taken away.
            TransientError: it is being written.
            UnreadableImageError: it is no file: links are never followed, pipes never opened.
        """
        files = self._place_of(entry)
        if drops.is_written(files.locate(entry)):
            raise TransientError(f"{entry.name}: somebody is writing it; run again")
        # A name that ends like a camera's thumbnail is a name.
        return replace(files.fetch(entry, into), variant=Variant.FULL)

    def _place_of(self, entry: Entry) -> FolderSource:
        """Where the entry's file is, which is a plain one."""
        below = os.fsdecode(unquote_to_bytes(entry.address or ""))
        *others, done = self._places
        place = next((place for place in others if os.path.lexists(place / below)), done)
        with disk_errors(place / below):
            mode = (place / below).lstat().st_mode
        if stat.S_ISLNK(mode):
            raise UnreadableImageError("a_link", f"{entry.name}: a link; never followed")
        if not stat.S_ISREG(mode):
            raise UnreadableImageError("not_a_plain_file", f"{entry.name}: never opened")
        return self._places[place]

    def _batch(self, partition: Partition) -> Path:
        if not naming.is_shop(partition.collection) or "/" in partition.key:
            raise PermanentError(f"{partition}: no batch of an inbox")
        return self._root / BATCHES / partition.collection / partition.key

    def _take_from(self, shop: str, now: dt.datetime) -> Iterator[Partition]:
        folder = self._root / shop
        drop = drops.look(folder, settle=self._settle, now=now)
        portions = drops.portions(drop, most_bytes=self._batch_bytes, settle=self._settle, now=now)
        for portion in itertools.islice(portions, MOST_BATCHES):
            key = self._new_batch(shop, now)
            batch = Partition(self._source, shop, key, tenant=shop)
            moved = _move(folder, self._batch(batch), portion)
            drops.emptied(folder, moved)
            if moved:
                log.info("%s: taken, %d files", batch, len(moved))
                yield batch
            else:
                _remove_empty(self._batch(batch))
        if drop.arriving:
            log.info("inbox %s: %d files are still arriving", shop, drop.arriving)

    def _drop_empty(self) -> None:
        """Folders of batches that were cut short before anything was moved."""
        for batch in self.waiting():
            _remove_empty(self._batch(batch))

    def _new_batch(self, shop: str, now: dt.datetime) -> str:
        """A batch that never was, its folder made."""
        make_folder(self._root / BATCHES / shop)
        for ordinal in itertools.count(1):
            key = naming.batch_number(now, ordinal)
            if (self._root / DONE / shop / key).exists():
                continue
            try:
                (self._root / BATCHES / shop / key).mkdir()
            except FileExistsError:
                continue
            return key
        raise AssertionError  # counting does not end


def _move(folder: Path, batch: Path, portion: Sequence[Dropped]) -> list[str]:
    """Move the files into the batch, each under its own path; what was deleted meanwhile is left out.

    What cannot be moved stays where it is: one file keeps no other waiting.
    """
    moved = []
    for dropped in portion:
        source, target = folder / dropped.file, batch / dropped.file
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _opened(folder, Path(dropped.file).parent) as above:
                os.rename(source.name, target, src_dir_fd=above)
        except FileNotFoundError:
            log.warning("%s: gone before it was taken", source)
            continue
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            log.warning("%.200s: cannot be taken, and stays there: %s", source, error.strerror)
            continue
        moved.append(dropped.file)
    sync_folder(batch)
    sync_folder(batch.parent)
    return moved


@contextmanager
def _opened(folder: Path, below: Path) -> Iterator[int]:
    """A folder below another, reached through no link: what was looked at may be one by now."""
    plainly = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    handle = os.open(folder, plainly)
    try:
        for part in below.parts:
            deeper = os.open(part, plainly, dir_fd=handle)
            os.close(handle)
            handle = deeper
        yield handle
    finally:
        os.close(handle)


def _remove_empty(folder: Path) -> None:
    """Remove a folder in which there is nothing but folders."""
    for above, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):  # something is in it: that stays
            Path(above).rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else takes from this inbox until the block ends."""
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _folders(above: Path) -> list[Path]:
    if not above.is_dir():
        return []
    with disk_errors(above):
        return sorted(path for path in above.iterdir() if path.is_dir() and not path.is_symlink())


def _below(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder; links are not followed."""
    for above, folders, files in os.walk(folder):
        links = [name for name in folders if Path(above, name).is_symlink()]
        yield from (Path(above, name) for name in (*files, *links))


def _size(path: Path) -> int | None:
    """Bytes of a plain file; None of anything else, and of what was taken away meanwhile."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
