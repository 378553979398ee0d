"""The web application: published files under their own names, and a page that shows them."""

import heapq
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from image_assets.core import naming
from image_assets.core.model import ImageFormat

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}
_SHOWN = 60
_TYPES = {f".{format.extension}": format.mime for format in ImageFormat}
_REPORTS = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
}
_READING = ["GET", "HEAD"]


def create_app(data: Path) -> FastAPI:
    """The application over a data folder; it reads its public files and its reports, nothing else."""
    public = data / naming.PUBLIC
    public.mkdir(parents=True, exist_ok=True)
    app = FastAPI(title="image_assets", docs_url="/docs", redoc_url=None)
    reports = data / naming.REPORTS
    reports.mkdir(parents=True, exist_ok=True)
    # Names are content hashes: what a name stands for never changes.
    app.mount("/files", PublicFiles(directory=public), name="files")
    app.mount("/reports", PublicFiles(directory=reports, types=_REPORTS), name="reports")

    @app.middleware("http")
    async def harmless(request: Request, call_next):  # type: ignore[no-untyped-def]
        response: Response = await call_next(request)
        if not request.url.path.startswith(("/docs", "/openapi.json")):
            response.headers.update(_HEADERS)
        if request.url.path.startswith("/files/") and response.status_code in (200, 206, 304):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    @app.api_route("/healthz", methods=_READING)
    def healthz() -> dict[str, str]:
        """Whether the application answers."""
        return {"status": "ok"}

    @app.api_route("/", methods=_READING, response_class=HTMLResponse)
    def newest() -> str:
        """The newest published pictures."""
        return _page(_newest(public))

    return app


class PublicFiles(StaticFiles):
    """Files of one folder by their plain names; what is hidden is under way and not published.

    What is expected there has its own type, whatever the machine knows of types. Anything else is no
    page.
    """

    def __init__(self, *, directory: Path, types: Mapping[str, str] = _TYPES) -> None:
        super().__init__(directory=directory)
        self._types = types

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """The file, unless its name is hidden or leads elsewhere."""
        return super().lookup_path(path) if _is_public(path) else ("", None)

    def file_response(self, full_path: Any, *arguments: Any, **named: Any) -> Response:
        """The file under its type."""
        response = super().file_response(full_path, *arguments, **named)
        found = self._types.get(Path(full_path).suffix, "application/octet-stream")
        response.headers["Content-Type"] = found
        return response


def _is_public(path: str) -> bool:
    return not path.startswith(".") and "/" not in path


def _newest(public: Path) -> list[str]:
    pictures = (f for f in public.iterdir() if f.suffix == ".jpg" and _is_public(f.name))
    return [file.name for file in heapq.nlargest(_SHOWN, pictures, key=_written)]


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # it was taken down while we looked
        return 0.0


def _page(names: list[str]) -> str:
    # Whatever a name holds, quoted it is an address and nothing else.
    addresses = [f"/files/{quote(os.fsencode(name), safe='')}" for name in names]
    figures = "".join(
        f'<a href="{address}"><img loading="lazy" src="{address}" alt=""></a>'
        for address in addresses
    )
    style = (
        "body{font:16px system-ui;margin:2rem;background:#111;color:#eee}a{color:#8cf}"
        "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:8px}"
        "img{width:100%;display:block;border-radius:4px}"
    )
    empty = (
        "<p>Nothing is published here yet: materialise <code>camera/uploaded_urls/local</code>.</p>"
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>image_assets</title><style>{style}</style>"
        f"<h1>Newest published pictures</h1><main>{figures}</main>{'' if names else empty}</html>"
    )
