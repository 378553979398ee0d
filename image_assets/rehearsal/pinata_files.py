"""What an account at Pinata holds: files by id, bytes by CID, groups."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from image_assets.core import cid
from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.spool import Extent, Spool, Tape

USER = str(uuid.UUID(int=0x5EED))


@dataclass(frozen=True, slots=True)
class File:
    """A file's record. Two uploads of the same bytes to one network are one file."""

    id: str
    name: str
    cid: str
    network: str
    created_at: dt.datetime
    mime_type: str
    extent: Extent
    number: int  # order of arrival
    keyvalues: dict[str, str] = field(default_factory=dict)
    group_id: str | None = None
    expires_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The record as the service shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "cid": self.cid,
            "created_at": _stamp(self.created_at),
            "size": self.extent.size,
            "number_of_files": 1,
            "mime_type": self.mime_type,
            "group_id": self.group_id,
            "keyvalues": self.keyvalues,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of files of one network."""

    id: str
    name: str
    network: str
    is_public: bool
    created_at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        """The record as the service shows it."""
        return {
            "id": self.id,
            "user_id": USER,
            "name": self.name,
            "is_public": self.is_public,
            "created_at": _stamp(self.created_at),
        }


class PinataFiles:
    """The account's files and groups; thread-safe. With a folder they are kept there."""

    def __init__(self, clock: Clock, folder: Path | None = None) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._spool = Spool(folder and folder / "pinata.bytes")
        self._tape = Tape(folder and folder / "pinata.jsonl")
        self._files: dict[str, File] = {}
        self._by_cid: dict[tuple[str, str], str] = {}
        self._groups: dict[str, Group] = {}
        self._arrived = 0
        for event in self._tape.replay():
            self._replay(**event)

    def reset(self) -> None:
        """An empty account."""
        with self._lock:
            self._files.clear()
            self._by_cid.clear()
            self._groups.clear()
            self._tape.clear()
            self._spool.clear()

    def close(self) -> None:
        """Let go of the bytes."""
        self._spool.close()
        self._tape.close()

    def add(
        self,
        content: bytes,
        profile: cid.Profile,
        *,
        name: str,
        network: str,
        keyvalues: dict[str, str],
        group_id: str | None,
        expires_at: float | None,
    ) -> tuple[File, bool]:
        """Store the bytes; the file, and whether the network had them already."""
        identifier = cid.compute(content, profile)
        with self._lock:
            known = self._alive(self._by_cid.get((network, identifier), ""))
            if known is not None:
                return known, True
            self._arrived += 1
            file = File(
                id=str(uuid.uuid4()),
                name=name,
                cid=identifier,
                network=network,
                created_at=self._clock.now(),
                mime_type=media_type(content),
                extent=self._spool.add(content),
                number=self._arrived,
                keyvalues=keyvalues,
                group_id=group_id,
                expires_at=expires_at,
            )
            self._keep(file)
            return file, False

    def get(self, network: str, file_id: str) -> File | None:
        """A file by its id."""
        with self._lock:
            file = self._alive(file_id)
            return file if file and file.network == network else None

    def find(self, network: str, identifier: str) -> tuple[File, bytes] | None:
        """A file and its bytes by CID."""
        with self._lock:
            file = self._alive(self._by_cid.get((network, identifier), ""))
            return None if file is None else (file, self._spool.read(file.extent))

    def select(self, network: str, wanted: Callable[[File], bool]) -> Iterator[File]:
        """The files of a network in order of arrival."""
        with self._lock:
            alive = [file for key in list(self._files) if (file := self._alive(key))]
        return (file for file in alive if file.network == network and wanted(file))

    def change(self, file: File, **changes: Any) -> File:
        """Give a file other values."""
        with self._lock:
            changed = replace(file, **changes)
            self._keep(changed)
            return changed

    def remove(self, file: File) -> None:
        """Take a file away, and its bytes from the gateway."""
        with self._lock:
            self._files.pop(file.id, None)
            self._by_cid.pop((file.network, file.cid), None)
            self._tape.write({"removed": file.id})

    def add_group(self, network: str, name: str, *, is_public: bool) -> Group:
        """A new group."""
        group = Group(str(uuid.uuid4()), name, network, is_public, self._clock.now())
        with self._lock:
            self._keep_group(group)
        return group

    def group(self, network: str, group_id: str) -> Group | None:
        """A group by its id."""
        with self._lock:
            group = self._groups.get(group_id)
            return group if group and group.network == network else None

    def groups(self, network: str) -> list[Group]:
        """The groups of a network."""
        with self._lock:
            return [group for group in self._groups.values() if group.network == network]

    def change_group(self, group: Group, **changes: Any) -> Group:
        """Give a group other values."""
        with self._lock:
            changed = replace(group, **changes)
            self._keep_group(changed)
            return changed

    def remove_group(self, group: Group) -> None:
        """Take a group away; its files stay."""
        with self._lock:
            self._groups.pop(group.id, None)
            self._tape.write({"removed": group.id})
            for file in list(self._files.values()):
                if file.group_id == group.id:
                    self._keep(replace(file, group_id=None))

    def _keep(self, file: File) -> None:
        self._files[file.id] = file
        self._by_cid[file.network, file.cid] = file.id
        self._tape.write({"file": asdict(file) | {"created_at": file.created_at.isoformat()}})

    def _keep_group(self, group: Group) -> None:
        self._groups[group.id] = group
        self._tape.write({"group": asdict(group) | {"created_at": group.created_at.isoformat()}})

    def _replay(
        self,
        file: dict[str, Any] | None = None,
        group: dict[str, Any] | None = None,
        removed: str = "",
    ) -> None:
        if file is not None:
            known = File(**_with_time(file) | {"extent": Extent(**file["extent"])})
            self._files[known.id] = known
            self._by_cid[known.network, known.cid] = known.id
            self._arrived = max(self._arrived, known.number)
        if group is not None:
            self._groups[group["id"]] = Group(**_with_time(group))
        self._groups.pop(removed, None)
        gone = self._files.pop(removed, None)
        if gone is not None:
            self._by_cid.pop((gone.network, gone.cid), None)

    def _alive(self, file_id: str) -> File | None:
        file = self._files.get(file_id)
        if file and file.expires_at is not None and file.expires_at <= self._clock.epoch():
            self.remove(file)
            return None
        return file


_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
)


def media_type(content: bytes) -> str:
    """The media type by content: the service does not ask the sender."""
    for signature, kind in _SIGNATURES:
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "text/html"
    try:
        content[:4096].decode("ascii")
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain" if content else "application/octet-stream"


def _with_time(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"created_at": dt.datetime.fromisoformat(record["created_at"])}


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
