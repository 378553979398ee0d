"""From settings to Etsy: its client with the tokens of the catalog, and where shops log in."""

from collections.abc import Iterator
from contextlib import contextmanager

from image_assets import compose
from image_assets.core import naming
from image_assets.services.etsy import Etsy
from image_assets.services.etsy_tokens import App, Keys, Logins
from image_assets.services.http import Retry
from image_assets.services.redirect import Redirect, code_in
from image_assets.settings import Settings

__all__ = ["code_in", "etsy", "logins", "redirect"]


@contextmanager
def etsy(settings: Settings) -> Iterator[Etsy]:
    """Etsy with the shops that logged in, whose tokens are in the catalog.

    Raises:
        MissingSettingError: the app's keys are not set.
    """
    app = _app(settings)
    with compose.catalog(settings) as known:
        site = Etsy(
            app,
            Keys(known.tokens, logins(settings)),
            api_url=settings.etsy_api_url,
            pace=settings.data_dir / naming.PACE,
            per_second=settings.etsy_requests_per_second,
            per_day=settings.etsy_requests_per_day,
            retry=_retry(settings),
            timeout=settings.etsy_timeout,
        )
        try:
            yield site
        finally:
            site.close()


def logins(settings: Settings) -> Logins:
    """Where shops log in to Etsy.

    Raises:
        MissingSettingError: the app's keys are not set.
    """
    app, timeout = _app(settings), settings.etsy_timeout
    return Logins(app, retry=_retry(settings), timeout=timeout)


def redirect(settings: Settings) -> Redirect:
    """Where a login at Etsy leads back to."""
    return Redirect(settings.etsy_redirect_url)


def _app(settings: Settings) -> App:
    purpose = "listing designs at Etsy"
    return App(
        settings.require("etsy_keystring", purpose),
        settings.require("etsy_shared_secret", purpose),
        settings.etsy_oauth_url,
        settings.etsy_token_url,
        settings.etsy_redirect_url,
    )


def _retry(settings: Settings) -> Retry:
    """All attempts within two minutes, or within twice the time one may take if that is longer."""
    seconds = max(120.0, 2 * settings.etsy_timeout)
    return Retry(settings.etsy_max_retries, settings.etsy_retry_delay, seconds=seconds)
