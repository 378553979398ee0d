"""`image-assets sign`: a signed address of an export that expires."""

import datetime as dt
import time

from rich.console import Console
from rich.text import Text

from image_assets import compose
from image_assets.core import links
from image_assets.core.errors import ImageAssetsError, NotFoundError
from image_assets.settings import Settings


def run(
    settings: Settings, name: str, seconds: int | None, tenant: str, *, tell: Console, say: Console
) -> int:
    """Print the address of the export `name` (or of its store key) on `say`.

    Raises:
        MissingSettingError: there is no secret to sign with.
        PermanentError: the secret is weak, or nothing may live so long.
        NotFoundError: no export could have that name, or it is another tenant's.
    """
    key = name if links.is_key(name) else links.key_of(name)
    now = int(time.time())
    lifetime = settings.url_signature_expiry if seconds is None else seconds
    url = compose.links(settings).download(key, now=now, seconds=lifetime, tenant=tenant)
    doubt = _doubt(settings, key, tenant)
    until = dt.datetime.fromtimestamp(now + lifetime, dt.UTC)
    tell.print(Text(f"good until {until:%Y-%m-%d %H:%M:%S} UTC"))
    if doubt is not None:
        tell.print(Text(doubt, "yellow"))
    say.print(Text(url), soft_wrap=True)
    return 0


def _doubt(settings: Settings, key: str, tenant: str) -> str | None:
    """What speaks against the export being there; the link is good whatever store and catalog say.

    Raises:
        NotFoundError: it is there, and another tenant's.
    """
    try:
        if compose.store(settings).size(key) is None:
            return f"{key} is not in the store now"
        with compose.catalog(settings) as catalog:
            export = catalog.rebuilding.exported(key)
    except ImageAssetsError as error:
        return f"whether it is in the store is not known: {error}"
    # What is not there now is looked up under its tenant when it is made again.
    if export is not None and export.tenant != tenant:
        raise NotFoundError(f"{key} is no export of {tenant}: it is {export.tenant}'s (--tenant)")
    return None
