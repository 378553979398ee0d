"""The web application, assembled: files by open and signed addresses, reports, the gallery, the API."""

import logging
import time
from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from image_assets import compose
from image_assets.core import naming
from image_assets.core.errors import ImageAssetsError, TransientError
from image_assets.core.links import STATIC, Links, key_of
from image_assets.core.signing import DOWNLOAD
from image_assets.delivery import gallery
from image_assets.delivery.access import AccessLog
from image_assets.delivery.files import ASK_AGAIN, FOR_EVER, IMAGES, REPORTS, Files, Manner, below
from image_assets.delivery.security import Harmless
from image_assets.delivery.signed import Clock, Downloads
from image_assets.ports import Rebuilder
from image_assets.settings import Settings

log = logging.getLogger(__name__)

_READING = ["GET", "HEAD"]
_WAIT = 5.0  # seconds, where nobody says how long
_NOT_KEPT = {"Cache-Control": "no-store"}


def create_app(
    settings: Settings,
    *,
    rebuilder: Rebuilder | None = None,
    routers: Sequence[APIRouter] = (),
    clock: Clock = time.time,
) -> FastAPI:
    """The application over the store and what is published at `local`.

    Args:
        settings: all of them.
        rebuilder: what makes an expired export again; without one it is not found.
        routers: further parts, as the API; what they open at the start is their own lifespan.
        clock: epoch seconds, by which links expire.

    Raises:
        MissingSettingError: links are to be signed, and there is no secret to do so.
        PermanentError: a secret is too weak to sign with.
    """
    links = compose.links(settings)
    app = FastAPI(title="image_assets", docs_url="/docs", redoc_url=None)
    app.add_middleware(Harmless)
    app.add_middleware(AccessLog)  # added last, it is outermost
    app.add_exception_handler(ImageAssetsError, _failed)
    app.router.routes += [*_published(settings), *_exports(settings, links, rebuilder, clock)]
    _add_pages(app, settings)
    for router in routers:
        app.include_router(router)
    return app


def _published(settings: Settings) -> list[Route]:
    """What was published on purpose, and the reports. Names are content hashes: kept for ever."""
    accel = settings.delivery_accel_prefix
    here = compose.local_outlet(settings)
    files = Files(here, below(naming.PUBLIC), Manner(IMAGES, FOR_EVER), accel=accel)
    reports = Files(here, below(naming.REPORTS), Manner(REPORTS, ASK_AGAIN))
    return [
        Route("/files/{name:path}", files, methods=_READING),
        Route(f"/{naming.REPORTS}/{{name:path}}", reports, methods=_READING),
    ]


def _exports(
    settings: Settings, links: Links, rebuilder: Rebuilder | None, clock: Clock
) -> list[Route]:
    """Exports: openly, unless links are signed; and by signed links, where there is a secret."""
    manner = Manner(IMAGES, FOR_EVER)
    # nginx reaches the data folder; what a bucket holds is not in it.
    accel = settings.delivery_accel_prefix if settings.image_assets_store == "local" else None
    files = Files(compose.outlet(settings), key_of, manner, rebuilder=rebuilder, accel=accel)
    routes = []
    if not links.signed:
        routes.append(Route(f"{STATIC}{{name:path}}", files, methods=_READING))
    if links.signer is not None:
        downloads = Downloads(files, links.signer, manner, clock=clock)
        routes.append(Route(f"{DOWNLOAD}{{name:path}}", downloads, methods=_READING))
    return routes


def _add_pages(app: FastAPI, settings: Settings) -> None:
    public = settings.data_dir / naming.PUBLIC
    public.mkdir(parents=True, exist_ok=True)

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Whether the application answers."""
        return {"status": "ok"}

    @app.head("/", response_class=HTMLResponse, include_in_schema=False)
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def newest() -> str:
        """The newest published pictures."""
        return gallery.page(gallery.newest(public))


async def _failed(request: Request, error: Exception) -> Response:
    """What waiting may cure is 503; what is wrong is told to the operator and to nobody else."""
    log.error("%s %s: %s", request.method, request.url.path, error)
    if not isinstance(error, TransientError):
        return JSONResponse({"detail": "this failed; the log says why"}, 500, _NOT_KEPT)
    wait = {"Retry-After": str(int(error.retry_after or _WAIT))}
    return JSONResponse({"detail": "not now, try again"}, 503, _NOT_KEPT | wait)
