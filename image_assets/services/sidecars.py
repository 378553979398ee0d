"""What original 4 wrote beside its downloads: `{name}.metadata.json` and `download_metadata.json`."""

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from image_assets.core.errors import ImageAssetsError
from image_assets.core.organizing import Claim
from image_assets.services.durable import disk_errors

log = logging.getLogger(__name__)

_OF_FOLDER = "download_metadata.json"
_OF_FILE = ".metadata.json"
_MOST_BYTES = 32 << 20


def is_sidecar(name: str) -> bool:
    """Whether a file of this name describes others."""
    return name == _OF_FOLDER or name.endswith(_OF_FILE)


def claims(folder: Path, names: Iterable[str]) -> dict[str, Claim]:
    """What the sidecars of one folder say of its files, by name.

    One that cannot be read says nothing, which is told. A file's own sidecar counts before the
    folder's.
    """
    ordered = sorted(names, key=lambda name: (name != _OF_FOLDER, name))
    return {file: claim for name in ordered for file, claim in _read(folder / name)}


def _read(sidecar: Path) -> Iterable[tuple[str, Claim]]:
    try:
        with disk_errors(sidecar), sidecar.open("rb") as opened:
            content = opened.read(_MOST_BYTES)
        return list(_entries(json.loads(content), sidecar.name))
    except (ImageAssetsError, ValueError, RecursionError) as error:
        log.warning("%s: a sidecar that cannot be read says nothing: %s", sidecar, error)
        return ()


def _entries(told: Any, name: str) -> Iterable[tuple[str, Claim]]:
    """The files that a sidecar describes; its forms are a file's facts, or a day's list of files."""
    for entry in told if isinstance(told, list) else [told]:
        if not isinstance(entry, dict):
            continue
        if isinstance(entry.get("files"), list):
            of_day = Claim(_text(entry, "stream"))
            yield from ((_name(file), of_day) for file in entry["files"] if isinstance(file, str))
            continue
        of_itself = name.removesuffix(_OF_FILE) if name != _OF_FOLDER else None
        file = of_itself or _text(entry, "filename")
        if file:
            stream, sha256 = _text(entry, "stream_name"), _text(entry, "file_hash")
            yield _name(file), Claim(stream, sha256, _address(_text(entry, "url")))


def _text(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    return value if isinstance(value, str) and value else None


def _address(url: str | None) -> str | None:
    """A web address without what may be secret in it."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        return None
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _name(file: str) -> str:
    """The name alone: the folders are those of the machine that downloaded it."""
    return PurePosixPath(file.replace("\\", "/")).name
