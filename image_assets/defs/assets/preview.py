"""A glance at a partition: a dozen of its pictures as a contact sheet in the event itself."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from image_assets.defs import metadata

_PICTURES = 12


def preview(resources: Any, paths: Sequence[str], title: str) -> dict[str, Any]:
    """The contact sheet of a dozen of the stored files, evenly chosen; nothing of nothing."""
    if not paths:
        return {}
    chosen = paths[:: -(-len(paths) // _PICTURES)]
    with ExitStack() as stack:
        files = [stack.enter_context(resources.store.local(path)) for path in chosen]
        sheet = resources.decoder.contact_sheet(files, columns=4, width=640)
    return {"contact_sheet": metadata.picture(sheet, title)}
