"""Files on their way to a host: only as what the ledger says they are."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from image_assets.core.errors import PermanentError
from image_assets.core.model import Content
from image_assets.services.durable import disk_errors


@contextmanager
def opened(content: Content, file: Path) -> Iterator[BinaryIO]:
    """`file` from its beginning, once it is known to be the content.

    Raises:
        PermanentError: it holds other bytes: the store is damaged, for which no host is to blame.
    """
    with disk_errors(file), file.open("rb") as body:
        held = hashlib.file_digest(body, "sha256").hexdigest()
        if held != content.sha256:
            raise PermanentError(
                f"{content.name}: {file} holds other bytes (SHA-256 {held});"
                " the store is damaged: nothing was published"
            )
        body.seek(0)
        yield body
