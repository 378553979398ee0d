"""The settings of the shops' NAS: how it is reached, where designs go. A part of `settings.Settings`.

The names are those of the system that this one replaces (`QNAP_HOST` …).
"""

import datetime as dt
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class NasSettings(BaseSettings):
    """How the shops' NAS is reached (original 2)."""

    # NAS (original 2)
    nas_protocol: Literal["sftp", "smb", "mounted"] = Field(
        "sftp", description="`sftp`, `smb`, or `mounted`: NAS_BASE_PATH is a path of this machine."
    )
    qnap_host: str | None = Field(None, description="NAS: its name or address.")
    qnap_port: int | None = Field(
        None, ge=1, le=65535, description="NAS: its port; 22 by SFTP, 445 by SMB when unset."
    )
    qnap_username: str | None = Field(None, description="NAS: who we are.")
    qnap_password: SecretStr | None = Field(None, description="NAS: our password.")
    nas_base_path: str = Field(
        "/share/Graphics",
        description="NAS: the folder that holds the shops' folders; by SMB it begins with the share.",
    )
    nas_folder: str = Field(
        "",
        description="NAS: a folder below each shop's for new designs; the shop's own when unset.",
    )
    nas_key_file: Path | None = Field(None, description="NAS: a private key for SFTP.")
    nas_known_hosts: Path | None = Field(
        None, description="NAS: the keys of hosts we trust; ~/.ssh/known_hosts when unset."
    )
    nas_connections: int = Field(4, ge=1, le=32, description="NAS: connections at a time.")
    nas_timeout: float = Field(30.0, gt=0, description="NAS: seconds it may be silent.")
    nas_max_retries: int = Field(3, ge=1, le=20, description="NAS: attempts at one call.")
    nas_retry_delay: float = Field(
        2.0, ge=0, description="NAS: seconds before the second attempt; doubles, with jitter."
    )
    nas_index_minutes: float = Field(
        15.0, ge=0, description="NAS: how long what was listed there holds."
    )

    @property
    def nas_configured(self) -> bool:
        """Whether it is said where the NAS is."""
        return self.nas_protocol == "mounted" or self.qnap_host is not None

    @property
    def nas_index_age(self) -> dt.timedelta:
        """How long a listing of the NAS holds."""
        return dt.timedelta(minutes=self.nas_index_minutes)
