"""A glance at a partition: a dozen of its pictures as a contact sheet in the event itself."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from image_assets.core.errors import ImageAssetsError
from image_assets.defs import metadata

log = logging.getLogger(__name__)

_PICTURES = 12
_BYTES = 22_000  # it travels as a data URI of at most 30 KiB


def preview(resources: Any, paths: Sequence[str], title: str) -> dict[str, Any]:
    """The contact sheet of a dozen of the stored files, evenly chosen; nothing of nothing.

    A file that is lost or broken is the checks' to tell: the work is done, with its picture or not.
    """
    if not paths:
        return {}
    chosen = paths[:: -(-len(paths) // _PICTURES)]
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(resources.store.local(path)) for path in chosen]
            sheet = resources.decoder.contact_sheet(files, columns=4, width=640, limit=_BYTES)
    except ImageAssetsError as error:
        log.warning("%s: no contact sheet: %s", title, error)
        return {"contact_sheet": f"none: {error}"}
    return {"contact_sheet": metadata.picture(sheet, title)}
