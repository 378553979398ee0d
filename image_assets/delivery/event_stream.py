"""What happens to a request, as server-sent events: each has its number, and who comes back says the last."""

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.concurrency import run_in_threadpool

from image_assets.delivery.counter import Counter
from image_assets.delivery.thumbnail_answers import event

_PING_SECONDS = 15.0
_LONGEST_SECONDS = 900.0
"""A stream ends after that; whoever reads it comes back with the number of the last event."""

_COME_BACK = 2000  # milliseconds


def last_event(header: str | None) -> int:
    """The number of the last event that somebody has; 0 where it is none of ours."""
    known = header is not None and header.isascii() and header.isdigit() and len(header) < 10
    return int(header or 0) if known else 0


def stream(counter: Counter, tenant: str, key: str, after: int) -> StreamingResponse:
    """The events after that number as they come, until the request is over."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    told = _told(counter, tenant, key, after)
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def _told(counter: Counter, tenant: str, key: str, after: int) -> AsyncIterator[bytes]:
    end = asyncio.get_running_loop().time() + _LONGEST_SECONDS
    yield format_sse_event(retry=_COME_BACK)
    with counter.seats.one():
        while asyncio.get_running_loop().time() < end:
            last = after
            found = await run_in_threadpool(
                lambda known: counter.rooms.requests.events(tenant, key, after=known), last
            )
            for happened in found:
                after = happened.number
                data = json.dumps(event(happened), ensure_ascii=False)
                yield format_sse_event(data_str=data, event=happened.kind, id=str(after))
            if found and found[-1].state.is_over:
                return
            if not await counter.watch.changed((tenant, key), after, _PING_SECONDS):
                yield KEEPALIVE_COMMENT
