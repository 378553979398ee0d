"""The browser process: looks at one page at a time, until its input ends or nobody asks any more."""

import asyncio
import json
import os
import shutil
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from playwright.async_api import Browser, BrowserContext, Error, async_playwright

from image_assets.services.browsing import history
from image_assets.services.browsing.orders import (
    Failure,
    Launch,
    Look,
    LookError,
    resolver_rules,
)

_MOST_LINE = 1 << 20
_VIEW = {"width": 1280, "height": 1600}
_QUIETLY = (
    "--no-proxy-server",  # a proxy would look names up itself
    "--disable-quic",
    "--disable-background-networking",
    "--disable-dev-shm-usage",  # containers give 64 MB
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)


def main() -> None:
    """Start the browser, announce its version, then look where it is told to.

    The arguments are a `Launch` as JSON, and the folder that is the browser's own.
    """
    given = json.loads(sys.argv[1])
    launch = Launch(**{**given, "origins": tuple(given["origins"])})
    try:
        asyncio.run(_serve(launch, _private_output()))
    finally:
        shutil.rmtree(sys.argv[2], ignore_errors=True)  # whoever made it may be gone


def _private_output() -> BinaryIO:
    """Standard output for our lines alone: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


async def _serve(launch: Launch, answers: BinaryIO) -> None:
    orders = await _orders()
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=launch.executable,
                headless=launch.headless,
                chromium_sandbox=launch.sandbox,
                args=[*_QUIETLY, f"--host-resolver-rules={resolver_rules(launch.origins)}"],
            )
        except Error as error:
            _say(answers, _failed(Failure.PERMANENT, f"does not start: {_first_line(error)}"))
            return
        _say(answers, {"ready": browser.version})
        context = await _context(browser, launch)
        with suppress(TimeoutError):
            while line := await asyncio.wait_for(orders.readline(), launch.idle):
                look = asyncio.create_task(_answer(context, launch, Look(**json.loads(line))))
                gone = asyncio.create_task(orders.read(1))  # nobody asks twice: it is the end
                await asyncio.wait({look, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not look.done():
                    look.cancel()
                    break
                gone.cancel()
                _say(answers, look.result())
        await browser.close()


async def _orders() -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_MOST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
    return reader


async def _context(browser: Browser, launch: Launch) -> BrowserContext:
    return await browser.new_context(
        user_agent=launch.user_agent,
        timezone_id=launch.zone,
        locale="en-US",  # months are read by their English names
        viewport=_VIEW,  # type: ignore[arg-type]  # a plain dict is what it takes
        service_workers="block",
        accept_downloads=False,
    )


async def _answer(context: BrowserContext, launch: Launch, look: Look) -> dict[str, Any]:
    try:
        async with asyncio.timeout(look.seconds):
            found = await history.addresses(context, launch.origins, look)
    except LookError as error:
        return _failed(error.kind, str(error))
    except TimeoutError:
        return _failed(Failure.TRANSIENT, f"was not finished after {look.seconds:g} s")
    except Error as error:
        return _failed(Failure.TRANSIENT, _first_line(error))
    return {"addresses": found}


def _failed(kind: Failure, message: str) -> dict[str, Any]:
    return {"failure": kind, "message": message}


def _first_line(error: Error) -> str:
    return error.message.partition("\n")[0]


def _say(answers: BinaryIO, reply: dict[str, Any]) -> None:
    answers.write(json.dumps(reply).encode("ascii") + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
