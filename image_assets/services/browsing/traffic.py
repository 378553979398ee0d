"""What a page asks for: strangers are refused, pictures are not fetched, and calls are counted."""

import asyncio
from collections import Counter

from playwright.async_api import BrowserContext, Page, Request, Response, Route

from image_assets.services.browsing.orders import origin

_QUIET = 0.5  # seconds without a call after which a page is at rest
_STEP = 0.05
_CALLS = frozenset({"xhr", "fetch"})
_WAITED_FOR = _CALLS | {"script", "document"}
_INERT = frozenset({"image", "media", "font"})
_PIXEL = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90400000000002c00000000010001000002024401003b"
)


class Traffic:
    """A page's requests from now on.

    A picture is answered with one pixel: the page shows its address, which is all that is read, and
    the site is not asked for it a second time.
    """

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origin(url) for url in origins)
        self._open: set[Request] = set()
        self._last = 0.0
        self.answered = 0
        self.failures: list[str] = []
        self.refused: Counter[str] = Counter()

    async def watch(self, context: BrowserContext, page: Page) -> None:
        """Stand between a page and the network."""
        await context.route("**/*", self._pass)
        await context.route_web_socket("**/*", lambda socket: socket.close())
        page.on("request", self._begin)
        page.on("response", self._hear)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._fail)

    async def rest(self) -> None:
        """Wait until the page has asked for nothing for a while."""
        clock = asyncio.get_running_loop().time
        self._last = clock()
        while self._open or clock() - self._last < _QUIET:
            await asyncio.sleep(_STEP)

    def strangers(self) -> str:
        """Whom the page wanted to reach and might not, as a clause for messages."""
        if not self.refused:
            return ""
        named = ", ".join(name for name, _ in self.refused.most_common(5))
        return f"; it was kept from {named}: add what it needs to the listing's origins"

    async def _pass(self, route: Route, request: Request) -> None:
        if request.resource_type in _INERT:
            await route.fulfill(status=200, content_type="image/gif", body=_PIXEL)
        elif origin(request.url) in self._origins:
            await route.continue_()
        else:
            self.refused[origin(request.url)] += 1
            await route.abort("blockedbyclient")

    def _touch(self) -> None:
        self._last = asyncio.get_running_loop().time()

    def _begin(self, request: Request) -> None:
        if request.resource_type in _WAITED_FOR:
            self._open.add(request)
            self._touch()

    def _end(self, request: Request) -> None:
        if request in self._open:
            self._open.discard(request)
            self._touch()

    def _hear(self, response: Response) -> None:
        if response.request.resource_type not in _CALLS:
            return
        if response.status < 400:
            self.answered += 1
        else:
            self.failures.append(f"its call answered {response.status}")

    def _fail(self, request: Request) -> None:
        if request.resource_type in _CALLS and request in self._open:
            self.failures.append(f"its call failed: {request.failure}")
        self._end(request)
