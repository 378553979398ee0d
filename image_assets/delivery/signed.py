"""Exports by signed links: who has no good link learns nothing, not even whether there is a file."""

import dataclasses
import time
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from image_assets.core.signing import Signer, Verdict
from image_assets.delivery.files import A_MOMENT, Files, Manner

Clock = Callable[[], float]
_NOT_KEPT = {"Cache-Control": "no-store"}


class Downloads:
    """Gives out of `files` what a good link names.

    A link that we signed and whose time is over is answered 410; any other that is not good 403, the
    same whatever is wrong with it.
    """

    def __init__(
        self, files: Files, signer: Signer, manner: Manner, *, clock: Clock = time.time
    ) -> None:
        self._files, self._signer, self._manner, self._clock = files, signer, manner, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose route has a `name`."""
        name: str = scope["path_params"]["name"]
        now = int(self._clock())
        answer = await self._files.answer(scope, self._opened(name, scope, now))
        await answer(scope, receive, send)

    def _opened(self, name: str, scope: Scope, now: int) -> Manner:
        """How the file is given out: whoever keeps it keeps it no longer than the link lives."""
        verdict, claim = self._signer.judge(name, scope["query_string"].decode("latin-1"), now=now)
        if verdict is Verdict.EXPIRED:
            raise HTTPException(410, "this link has expired", _NOT_KEPT)
        # One name has one spelling: a link in another one was not signed.
        if claim is None or b"%" in scope.get("raw_path", b""):
            raise HTTPException(403, "this link is not valid", _NOT_KEPT)
        left = max(0, claim.expires - now)
        file = name.rpartition("/")[2]
        return dataclasses.replace(
            self._manner,
            cache=f"private, max-age={left}",
            headers=(("content-disposition", f'attachment; filename="{file}"'),),
            tenant=claim.tenant,
            lifetime=max(1, min(left, A_MOMENT)),
        )
