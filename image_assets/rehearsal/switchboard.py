"""Which stand-in answers a request, what goes wrong with it, and that it is written down."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from image_assets.rehearsal.control import BASE as CONTROL
from image_assets.rehearsal.control import Control
from image_assets.rehearsal.exchange import Reply, Request, Service, text_reply
from image_assets.rehearsal.faults import Fault, Faults, Kind
from image_assets.rehearsal.journal import Journal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to put on the wire: a reply, and the fault to put it there with. None: hang up."""

    reply: Reply | None
    fault: Fault | None = None


class Switchboard:
    """All stand-ins behind one door, by base path."""

    def __init__(
        self,
        services: Mapping[str, Service],
        control: Control,
        *,
        faults: Faults,
        journal: Journal,
        latency: float,
    ) -> None:
        # The longest base first: `/pinata/api` must not catch what is under `/pinata/api/…`.
        self._services = dict(sorted(services.items(), key=lambda item: -len(item[0])))
        self._control, self._faults, self._journal = control, faults, journal
        self._latency = latency

    def answer(self, request: Request) -> Outcome:
        """The outcome of a whole request; sleeps where latency or a fault says so."""
        if _is_below(request.path, CONTROL):
            return Outcome(self._control.answer(request.below(CONTROL)))
        base = next((b for b in self._services if _is_below(request.path, b)), "")
        name = base.removeprefix("/")
        self._journal.begin(name)
        began = time.monotonic()
        fault = self._faults.strike(
            (f"{request.method} {request.path}", f"{request.method} {unquote(request.path)}")
        )
        route, reply = "*", None
        try:
            time.sleep(self._latency)
            route, reply = self._reply(base, request, fault)
        finally:
            self._journal.end(
                name,
                request.method,
                request.path,
                route=route,
                status=reply.status if reply else None,
                fault=fault.kind if fault else "",
                began=began,
                retry_after=reply.headers.get("Retry-After") if reply else None,
            )
        return Outcome(reply, fault)

    def _reply(self, base: str, request: Request, fault: Fault | None) -> tuple[str, Reply | None]:
        if fault is None:
            return self._of_service(base, request)
        if fault.kind is Kind.DELAY:
            time.sleep(fault.seconds)
        route, reply = "*", Reply(200)
        if fault.processed:
            route, reply = self._of_service(base, request)
        return route, None if fault.drops else fault.spoil(reply)

    def _of_service(self, base: str, request: Request) -> tuple[str, Reply]:
        service = self._services.get(base)
        if service is None:
            return "*", text_reply(404, "nobody is rehearsed here\n")
        return service.answer(request.below(base))


def _is_below(path: str, base: str) -> bool:
    return path == base or path.startswith(f"{base}/")
