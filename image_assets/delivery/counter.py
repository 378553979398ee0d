"""Where pictures are asked for: who may ask now, what is written down, and how long an answer waits."""

import asyncio
import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import HTTPException
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from image_assets.core.errors import QuotaExhaustedError, UnreadableImageError
from image_assets.core.generation import RequestState, VariationState
from image_assets.delivery.rates import Rates, Seats
from image_assets.delivery.rooms import Rooms
from image_assets.delivery.thumbnail_answers import Problem, Status, Teller, failures, pending
from image_assets.delivery.watch import Watch
from image_assets.ports import Asked, MadePicture
from image_assets.stages.requests import Order, OtherRequestError, WrongTypeError

_POLL_SECONDS = 2
_HELD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is HTTP."""

    status: int
    body: BaseModel
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counter:
    """The rooms and bounds of the API, together. `source` is the source that draws."""

    rooms: Rooms
    teller: Teller
    rates: Rates
    seats: Seats
    watch: Watch
    source: str

    def admit(self, client: str, count: int = 1) -> None:
        """Let a client ask so many times.

        Raises:
            HTTPException: 429, with the seconds until it may.
        """
        wait = self.rates.wait(client, count)
        if wait > 0:
            headers = {"Retry-After": str(math.ceil(wait))}
            raise HTTPException(429, "too many requests in a minute", headers)

    async def take(self, tenant: str, order: Order) -> str:
        """Write an order down; the key of its request.

        Raises:
            HTTPException: 409, 415, 422 or 429, with the reason.
        """
        now = dt.datetime.now(dt.UTC)
        try:
            accepted = await run_in_threadpool(lambda: self.rooms.desk.take(tenant, order, now=now))
        except WrongTypeError as error:
            raise HTTPException(415, str(error)) from error
        except UnreadableImageError as error:
            raise HTTPException(422, f"the image cannot be used: {error.reason}") from error
        except OtherRequestError as error:
            raise HTTPException(409, str(error)) from error
        except QuotaExhaustedError as error:
            headers = {"Retry-After": str(_until_tomorrow(now))}
            raise HTTPException(429, str(error), headers) from error
        return accepted.key

    async def wait_for(self, tenant: str, key: str, seconds: float) -> Reply:
        """The answer once the request is over or held, or what is known of it after so many seconds."""
        end = asyncio.get_running_loop().time() + seconds
        asked = await self.find(tenant, key)
        with self.seats.one() as seated:
            while seated and _is_under_way(asked):
                left = end - asyncio.get_running_loop().time()
                if left <= 0 or not await self.watch.changed((tenant, key), asked.revision, left):
                    break
                asked = await self.find(tenant, key)
        return await self._reply(tenant, asked)

    async def status(self, tenant: str, key: str) -> Status:
        """A request as it is now.

        Raises:
            HTTPException: 404.
        """
        asked = await self.find(tenant, key)
        return self.teller.status(tenant, asked, await self._pictures(tenant, asked))

    async def find(self, tenant: str, key: str) -> Asked:
        """The request.

        Raises:
            HTTPException: 404.
        """
        asked = await run_in_threadpool(lambda: self.rooms.requests.find(tenant, key))
        if asked is None:
            raise HTTPException(404, "there is no such request")
        return asked

    async def _pictures(self, tenant: str, asked: Asked) -> tuple[MadePicture, ...]:
        found = await run_in_threadpool(
            lambda: self.rooms.requests.pictures(tenant, asked.key, self.source)
        )
        return tuple(found)

    async def _reply(self, tenant: str, asked: Asked) -> Reply:
        told = pending(asked)
        match asked.state:
            case RequestState.DONE:
                pictures = await self._pictures(tenant, asked)
                return Reply(200, self.teller.thumbnails(tenant, asked, pictures))
            case RequestState.FAILED:
                return Reply(_fault(asked), _problem(asked, "nothing came of it"))
            case RequestState.HELD:
                headers = {"Retry-After": str(_HELD_SECONDS), "Location": told.poll}
                return Reply(503, _problem(asked, "it cannot be done now"), headers)
            case _:
                headers = {"Retry-After": str(_POLL_SECONDS), "Location": told.poll}
                return Reply(202, told, headers)


def _is_under_way(asked: Asked) -> bool:
    return not asked.state.is_over and asked.state is not RequestState.HELD


def _fault(asked: Asked) -> int:
    """422 where all of it was blocked: another script is needed. 502 where it is nobody's script."""
    blocked = all(v.state is VariationState.BLOCKED for v in asked.variations)
    return 422 if blocked else 502


def _problem(asked: Asked, otherwise: str) -> Problem:
    return Problem(
        detail=asked.reason or otherwise,
        request_id=asked.key,
        poll=pending(asked).poll,
        failures=failures(asked) or None,
    )


def _until_tomorrow(now: dt.datetime) -> int:
    tomorrow = now.date() + dt.timedelta(days=1)
    return math.ceil((dt.datetime.combine(tomorrow, dt.time(), dt.UTC) - now).total_seconds())
