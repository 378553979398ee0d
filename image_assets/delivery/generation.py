"""The API of original 1: pictures are asked for, waited for, polled and followed.

A request is written down, with its base, before it is answered; Dagster does the work, and what is told of
it is read from the catalog. So nothing is lost when either of them is started again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from image_assets import compose
from image_assets.core.errors import PermanentError
from image_assets.core.model import DEFAULT_TENANT
from image_assets.delivery.counter import Counter, Reply
from image_assets.delivery.event_stream import last_event, stream
from image_assets.delivery.intake import Bounds, from_json, idempotency, read_batch, read_order
from image_assets.delivery.rates import Rates, Seats
from image_assets.delivery.rooms import Rooms
from image_assets.delivery.thumbnail_answers import (
    PREFIX,
    BatchItem,
    BatchResults,
    Pending,
    Problem,
    Status,
    Teller,
    Thumbnails,
)
from image_assets.delivery.thumbnail_schema import batch_body, event_stream, order_body, problems
from image_assets.delivery.watch import Watch
from image_assets.settings import Settings

Key = Annotated[str, Path(pattern=r"^req_[0-9a-f]{8,64}$", description="The request_id.")]
Again = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,190}$",
        description="The same request under the same key is drawn, and paid for, once.",
    ),
]
Since = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="The number of the last event that you have."),
]

_NOT_KEPT = {"Cache-Control": "no-store"}
_REFUSALS = (400, 408, 409, 413, 415, 422, 429)


def router(settings: Settings) -> APIRouter:
    """The routes below `/api/thumbnails`, for `create_app`; what they open is closed at the end.

    Raises:
        PermanentError: the sources file has no source of kind `generated`.
    """
    counter = _counter(settings)

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        counter.rooms.close()

    routes = APIRouter(prefix=PREFIX, tags=["thumbnails"], lifespan=closing)
    _add_orders(routes, counter, settings)
    _add_looks(routes, counter)
    return routes


def _counter(settings: Settings) -> Counter:
    drawing = [spec for spec in settings.sources if spec.generated]
    if not drawing:
        raise PermanentError(
            f"{settings.image_assets_sources} has no source of kind generated, which the API needs"
        )
    rooms = Rooms(settings)
    # Addresses within this application, as original 1 answers them.
    links = replace(compose.links(settings), base="")
    root = settings.data_dir if settings.api_absolute_paths else None
    return Counter(
        rooms,
        Teller(links, root),
        Rates(settings.api_requests_per_minute),
        Seats(settings.api_max_waiting),
        Watch(lambda names: rooms.requests.revisions(names)),
        drawing[0].name,
    )


def _add_orders(routes: APIRouter, counter: Counter, settings: Settings) -> None:
    bounds, most = Bounds.of(settings), settings.api_max_wait_seconds
    usual = min(settings.api_wait_seconds, most)
    Wait = Annotated[  # noqa: N806 - a type
        float,
        Query(ge=0, le=most, allow_inf_nan=False, description="Seconds to wait for the pictures."),
    ]

    @routes.post(
        "",
        response_model=Thumbnails,
        response_model_exclude_none=True,
        responses={202: {"model": Pending}, **problems(*_REFUSALS, 500, 502, 503)},
        openapi_extra=order_body(bounds),
    )
    async def create(request: Request, again: Again = None, wait: Wait = usual) -> Response:
        """Ask for pictures, and wait for them: 200 with all that came, or 202 with where to look."""
        counter.admit(_client(request))
        order = await read_order(request, bounds)
        order = replace(order, idempotency_key=again, client=_client(request))
        key = await counter.take(tenant(request), order)
        return _http(await counter.wait_for(tenant(request), key, wait))

    @routes.post(
        "/batch",
        response_model=BatchResults,
        response_model_exclude_none=True,
        responses=problems(*_REFUSALS, 500, 503),
        openapi_extra=batch_body(bounds),
    )
    async def create_batch(request: Request, again: Again = None, wait: Wait = usual) -> Response:
        """Ask for several at once; each has its own result, and what is refused stops no other."""
        counter.admit(_client(request))
        items = await read_batch(request, bounds)
        if len(items) > 1:
            counter.admit(_client(request), len(items) - 1)
        work = [
            _item(counter, request, bounds, index, item, again=again, wait=wait)
            for index, item in enumerate(items)
        ]
        results = BatchResults(results=list(await asyncio.gather(*work)))
        return _http(Reply(200, results))


def _add_looks(routes: APIRouter, counter: Counter) -> None:
    @routes.get("/batch", include_in_schema=False)
    def no_request() -> None:
        """A batch is no request, whatever the next route takes its name for."""
        raise HTTPException(405, "a batch is sent by POST", {"Allow": "POST"})

    @routes.get(
        "/{request_id}",
        response_model=Status,
        response_model_exclude_none=True,
        responses=problems(404, 422, 500, 503),
    )
    async def show(request: Request, request_id: Key) -> Response:
        """A request as it is now, with the pictures that are there."""
        return _http(Reply(200, await counter.status(tenant(request), request_id)))

    @routes.get(
        "/{request_id}/events",
        response_class=Response,
        responses={
            200: event_stream(),
            204: {"description": "It is over, and you have all of it."},
            **problems(404, 422, 500, 503),
        },
    )
    async def follow(request: Request, request_id: Key, since: Since = None) -> Response:
        """What happens to a request as server-sent events, until it is over."""
        asked = await counter.find(tenant(request), request_id)
        after = last_event(since)
        if asked.state.is_over and after >= asked.revision:
            return Response(status_code=204)
        if counter.seats.full:
            raise HTTPException(503, "too many wait already", {"Retry-After": "10"})
        return stream(counter, tenant(request), request_id, after)


async def _item(
    counter: Counter,
    request: Request,
    bounds: Bounds,
    index: int,
    item: Any,
    *,
    again: str | None,
    wait: float,
) -> BatchItem:
    """What became of one request of a batch."""
    try:
        order = from_json(item, bounds, keyed=True)
        if order.idempotency_key is None and again is not None:
            order = replace(order, idempotency_key=idempotency(f"{again}.{index}"))
        key = await counter.take(tenant(request), replace(order, client=_client(request)))
        reply = await counter.wait_for(tenant(request), key, wait)
    except HTTPException as error:
        return BatchItem(
            index=index, status=error.status_code, problem=Problem(detail=error.detail)
        )
    if isinstance(reply.body, Problem):
        return BatchItem(index=index, status=reply.status, problem=reply.body)
    assert isinstance(reply.body, (Thumbnails, Pending))  # the other answers there are
    return BatchItem(index=index, status=reply.status, result=reply.body)


def tenant(request: Request) -> str:
    """Whose request it is; until there are tokens everybody's is the default tenant's."""
    return DEFAULT_TENANT


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"


def _http(reply: Reply) -> Response:
    content = reply.body.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, reply.status, {**_NOT_KEPT, **reply.headers})
