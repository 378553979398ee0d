"""The settings of Etsy: who we are there, where it is, how much it is asked. A part of `settings.Settings`."""

import datetime as dt

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from image_assets.core.errors import PermanentError
from image_assets.core.listings import ListingTemplate
from image_assets.etsy_specs import EtsySpec


class EtsySettings(BaseSettings):
    """How draft listings come to be at Etsy (original 2)."""

    # Etsy (original 2, docs/etsy.md)
    etsy_keystring: SecretStr | None = Field(None, description="Etsy: the app's keystring.")
    etsy_shared_secret: SecretStr | None = Field(None, description="Etsy: the app's shared secret.")
    etsy_api_url: str = Field(
        "https://openapi.etsy.com/v3/application", description="Etsy: root of the API."
    )
    etsy_oauth_url: str = Field(
        "https://www.etsy.com/oauth/connect", description="Etsy: where a shop's owner says yes."
    )
    etsy_token_url: str = Field(
        "https://api.etsy.com/v3/public/oauth/token", description="Etsy: where tokens are given."
    )
    etsy_redirect_url: str = Field(
        "http://127.0.0.1:3003/oauth/redirect",
        description="Etsy: the app's callback address, as it is registered there.",
    )
    etsy_login_seconds: float = Field(
        300.0, gt=0, description="How long `image-assets etsy login` waits for a person."
    )
    etsy_requests_per_second: int = Field(
        5, ge=1, description="Etsy: the app's limit in one second, all processes counted."
    )
    etsy_requests_per_day: int = Field(
        5000, ge=1, description="Etsy: the app's limit in 24 hours, all processes counted."
    )
    etsy_max_retries: int = Field(3, ge=1, le=20, description="Attempts at one call of Etsy.")
    etsy_retry_delay: float = Field(
        2.0, ge=0, description="Etsy: seconds before the second attempt; doubles, with jitter."
    )
    etsy_timeout: float = Field(60.0, gt=0, description="Seconds one call of Etsy may take.")
    etsy_settle_seconds: float = Field(
        300.0,
        ge=0,
        description="A draft whose answer never came, and that is not there so much later, was not made.",
    )
    etsy_workers: int = Field(
        2, ge=1, le=16, description="Listings made at a time; the images of one go one by one."
    )
    etsy_when_made: list[str] = Field(
        [
            "made_to_order",
            "2020_2026",
            "2010_2019",
            "2007_2009",
            "before_2007",
            "2000_2006",
            "1990s",
            "1980s",
            "1970s",
            "1960s",
            "1950s",
            "1940s",
            "1930s",
            "1920s",
            "1910s",
            "1900s",
            "1800s",
            "1700s",
            "before_1700",
        ],
        description="What `when_made` may say (JSON list); Etsy renames its years each January.",
    )

    @property
    def etsy_settle(self) -> dt.timedelta:
        """How long after a lost answer absence proves that nothing was made."""
        return dt.timedelta(seconds=self.etsy_settle_seconds)

    def listing_template(self, spec: EtsySpec) -> ListingTemplate:
        """How a source's listings read.

        Raises:
            PermanentError: Etsy does not know the years that it names.
        """
        if spec.when_made not in self.etsy_when_made:
            known = ", ".join(self.etsy_when_made)
            raise PermanentError(
                f"etsy: when_made {spec.when_made!r} is none of ETSY_WHEN_MADE ({known});"
                " change the sources file, or the setting where Etsy's years have changed"
            )
        return spec.template
