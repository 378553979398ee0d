"""From sources and settings to latest keys: what is announced under which, and whose a key is."""

from collections.abc import Mapping

from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.model import Publishes
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.latest import Announcement


def announcement(spec: SourceSpec, settings: Settings, collection: str) -> Announcement:
    """What a source that announces does so for one of its collections."""
    latest = spec.latest
    assert latest is not None  # only sources that announce get here
    return Announcement(
        spec.name,
        collection,
        latest.destination,
        None if spec.publishes is Publishes.ORIGINALS else settings.recipes(spec)[0].name,
        latest.format,
        collection.partition(":")[2] or latest.interval,  # visualisations say it themselves
        pattern=settings.latest_key_pattern,
    )


def announcements(settings: Settings) -> Mapping[str, tuple[str, Announcement]]:
    """Every latest key with the name of its store and what it announces.

    Raises:
        PermanentError: two collections have one key.
    """
    found: dict[str, tuple[str, Announcement]] = {}
    for spec in settings.sources:
        for collection in spec.collections if spec.latest is not None else ():
            what = announcement(spec, settings, collection)
            assert spec.latest is not None
            if what.key in found:
                raise PermanentError(
                    f"two collections have the latest key {what.key!r}; check LATEST_KEY_PATTERN"
                    " and the intervals of the sources file"
                )
            found[what.key] = (spec.latest.store, what)
    return found


def of_key(settings: Settings, key: str) -> tuple[str, Announcement]:
    """The name of a key's store, and what it announces.

    Raises:
        NotFoundError: no source announces it; names those that there are.
    """
    known = announcements(settings)
    if key not in known:
        names = ", ".join(known) or "none: no source has `latest`"
        raise NotFoundError(f"no source announces the key {key!r}; there are: {names}")
    return known[key]
