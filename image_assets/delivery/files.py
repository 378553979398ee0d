"""Files of one folder of the store under their names: what is hidden or elsewhere is not found."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import PurePosixPath
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from image_assets.core.errors import NotFoundError, RejectedError
from image_assets.core.model import ImageFormat
from image_assets.delivery.answers import Answer, Told, answered, is_known
from image_assets.delivery.etags import Etags
from image_assets.ports import Outlet, Rebuilder

log = logging.getLogger(__name__)

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

IMAGES = {f".{format.extension}": format.mime for format in ImageFormat} | {".avif": "image/avif"}
REPORTS = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
}
A_MOMENT = 60
_UNKNOWN = "application/octet-stream"
_REBUILT_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Manner:
    """How files of a kind are given out.

    Args:
        types: their types by extension, whatever the machine knows of types; anything else is no page.
        cache: how long others may keep them.
        headers: further ones.
        tenant: whose files they are; None for what is open to all.
        lifetime: seconds that an address past us is good for; who is sent there goes at once.
    """

    types: Mapping[str, str]
    cache: str
    headers: tuple[tuple[str, str], ...] = ()
    tenant: str | None = None
    lifetime: int = A_MOMENT


class Files:
    """Gives files of an outlet out.

    Args:
        outlet: where they are.
        key: the key a name in an address stands for; raises NotFoundError where none does.
        manner: how they are given out.
        rebuilder: what makes an expired file again.
        accel: nginx's internal location of the outlet, where nginx sends the bytes.
    """

    def __init__(
        self,
        outlet: Outlet,
        key: Callable[[str], str],
        manner: Manner,
        *,
        rebuilder: Rebuilder | None = None,
        accel: str | None = None,
    ) -> None:
        self._outlet, self._key, self._manner = outlet, key, manner
        self._rebuilder, self._accel = rebuilder, accel
        self._etags = Etags()
        self._rebuilding = CapacityLimiter(_REBUILT_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose route has a `name`."""
        answer = await self.answer(scope, self._manner)
        await answer(scope, receive, send)

    async def answer(self, scope: Scope, manner: Manner) -> Answer:
        """The answer to a request for `name`, in this manner.

        Raises:
            HTTPException: 404, there is no such file.
        """
        asked, head = Headers(scope=scope), scope["method"] == "HEAD"
        try:
            key = self._key(_name(scope))
            try:
                return await run_in_threadpool(self._answer, key, asked, manner, head=head)
            except NotFoundError:
                rebuilt = await self._rebuild(key, manner.tenant)
            if rebuilt != key and manner.cache == FOR_EVER:
                manner = replace(manner, cache=ASK_AGAIN)  # other bytes than the name was given to
            return await run_in_threadpool(self._answer, rebuilt, asked, manner, head=head)
        except (NotFoundError, RejectedError):
            raise HTTPException(404) from None

    async def _rebuild(self, key: str, tenant: str | None) -> str:
        rebuilt = None
        if self._rebuilder is not None:
            # Rendering takes a core: a burst of requests for old files must not take all of them.
            try:
                rebuilt = await to_thread.run_sync(
                    self._rebuilder.rebuild, key, tenant, limiter=self._rebuilding
                )
            except RejectedError as error:
                log.error("%s: expired, and not to be made again: %s", key, error)  # noqa: TRY400
        if rebuilt is None:
            raise NotFoundError(f"{key}: not in the store, and not to be made again")
        return rebuilt

    def _answer(self, key: str, asked: Headers, manner: Manner, *, head: bool) -> Answer:
        # A bucket's link to get is none to look: who only looks is answered here.
        if not head and (elsewhere := self._outlet.address(key, manner.lifetime)) is not None:
            return _sent_to(elsewhere)
        file = self._outlet.open(key)
        try:
            state = os.fstat(file.fileno())
            told = self._told(key, file, state, manner)
            # nginx knows our tags only as text: what depends on one is answered here.
            if self._accel is not None and "if-range" not in asked and not is_known(asked, told):
                file.close()
                return _handed_over(f"{self._accel}{quote(key)}", told)
            return answered(file, state.st_size, told, asked, head=head)
        except BaseException:
            file.close()
            raise

    def _told(self, key: str, file: BufferedReader, state: os.stat_result, manner: Manner) -> Told:
        type = manner.types.get(PurePosixPath(key).suffix.lower(), _UNKNOWN)
        headers = (("cache-control", manner.cache), *manner.headers)
        return Told(self._etags.tag(file, state), int(state.st_mtime), headers, type)


def _name(scope: Scope) -> str:
    """The name asked for; one with folders has one spelling, without anything encoded.

    Raises:
        NotFoundError: it is spelled in another way.
    """
    name: str = scope["path_params"]["name"]
    if "/" in name and b"%" in scope.get("raw_path", b""):
        raise NotFoundError(f"{name[:100]!r} is encoded")
    return name


def below(folder: str) -> Callable[[str], str]:
    """The keys of the files right in a folder by their plain names."""

    def key(name: str) -> str:
        if name.startswith(".") or "/" in name:
            raise NotFoundError(f"{name[:100]!r} is no file of {folder}")
        return f"{folder}/{name}"

    return key


def _sent_to(address: str) -> Answer:
    headers = [("location", address), ("cache-control", "no-store"), ("content-length", "0")]
    return Answer(307, headers)


def _handed_over(address: str, told: Told) -> Answer:
    headers = [
        ("x-accel-redirect", address),
        ("content-type", told.type),
        ("content-length", "0"),
        ("etag", told.etag),
        *told.headers,
    ]
    return Answer(200, headers)
