"""The settings of delivery: how long links live, what signs them, and who gives the files out.

A part of `settings.Settings`, which reads them.
"""

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

A_WEEK = 7 * 24 * 3600


class DeliverySettings(BaseSettings):
    """How exports are delivered (original 1)."""

    # Delivery (original 1, docs/delivery.md)
    sign_urls: bool = Field(
        False,
        description="Exports are given out by signed links that expire, and by no other address.",
    )
    signing_secret: SecretStr | None = Field(
        None,
        description="Signs links: 32 bytes or more, as `openssl rand -hex 32` makes them; needed by SIGN_URLS.",
    )
    signing_secret_previous: SecretStr | None = Field(
        None,
        description="The secret before: its links are good until they expire, and no new ones are signed.",
    )
    url_signature_expiry: int = Field(
        3600, ge=1, description="Seconds a signed link lives where nothing else is asked for."
    )
    url_signature_max_expiry: int = Field(
        A_WEEK, ge=1, description="Seconds a signed link may live at most; others are refused."
    )
    url_signature_skew: int = Field(
        5, ge=0, le=300, description="Seconds that clocks of several servers may differ."
    )
    signing_compatibility: bool = Field(
        False,
        description="Links of the first system (HMAC of name and expiry alone) are good as well.",
    )
    delivery_accel_prefix: str | None = Field(
        None,
        pattern=r"^/[A-Za-z0-9_-]+/$",
        description="nginx gives the files out: its internal location of the data folder, as /_image_assets/.",
    )
    delivery_grace_seconds: int = Field(
        10, ge=1, description="Seconds that running answers get to finish when serving ends."
    )

    @field_validator("url_signature_max_expiry")
    @classmethod
    def _holds_the_usual(cls, most: int, info: ValidationInfo) -> int:
        if most < info.data.get("url_signature_expiry", 0):
            raise ValueError("is less than URL_SIGNATURE_EXPIRY, so no link could be signed")
        return most
