"""Links that give an object to whoever has them, for a while; nothing is asked to make one."""

import weakref
from functools import cached_property
from typing import Any

from image_assets.core.errors import PermanentError
from image_assets.services.s3.calls import Calls
from image_assets.services.s3.door import Door, connect

LONGEST_LINK = 7 * 24 * 3600
"""Seconds that a signed link may hold: what version 4 of the signature allows."""


class Links:
    """Signs with the keys of a door, for the address under which readers reach the service."""

    def __init__(self, door: Door, calls: Calls) -> None:
        self._door = door
        self._calls = calls

    @cached_property
    def _signer(self) -> Any:
        client = connect(self._door, public=True)
        weakref.finalize(self, client.close)
        return client

    def signed(self, key: str, where: dict[str, str], seconds: int) -> str:
        """A link to the object that lies there.

        Raises:
            PermanentError: signatures hold for 1 second to 7 days.
        """
        if not 1 <= seconds <= LONGEST_LINK:
            raise PermanentError(f"{key}: a signed link holds 1 to {LONGEST_LINK} s, not {seconds}")

        def sign(_: object, __: object) -> str:
            link: str = self._signer.generate_presigned_url(
                "get_object", Params=where, ExpiresIn=seconds
            )
            return link

        return self._calls("sign", key, sign)
