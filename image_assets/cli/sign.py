"""`image-assets sign`: a signed address of an export that expires."""

import datetime as dt
import time

from rich.console import Console
from rich.text import Text

from image_assets import compose
from image_assets.core import links
from image_assets.core.errors import ImageAssetsError
from image_assets.settings import Settings


def run(
    settings: Settings, name: str, seconds: int | None, tenant: str, *, tell: Console, say: Console
) -> int:
    """Print the address of the export `name` (or of its store key) on `say`.

    Raises:
        MissingSettingError: there is no secret to sign with.
        PermanentError: the secret is weak, or nothing may live so long.
        NotFoundError: no export could have that name.
    """
    key = name if links.is_key(name) else links.key_of(name)
    now = int(time.time())
    lifetime = settings.url_signature_expiry if seconds is None else seconds
    url = compose.links(settings).download(key, now=now, seconds=lifetime, tenant=tenant)
    _tell(settings, key, now + lifetime, tell)
    say.print(Text(url), soft_wrap=True)
    return 0


def _tell(settings: Settings, key: str, expires: int, tell: Console) -> None:
    until = dt.datetime.fromtimestamp(expires, dt.UTC)
    tell.print(Text(f"good until {until:%Y-%m-%d %H:%M:%S} UTC"))
    try:
        is_there = compose.store(settings).size(key) is not None
    except ImageAssetsError as error:  # the link is good whatever the store says here
        tell.print(Text(f"whether it is in the store is not known: {error}", "yellow"))
        return
    if not is_there:
        tell.print(Text(f"{key} is not in the store now", "yellow"))
