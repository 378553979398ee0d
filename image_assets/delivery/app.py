"""The web application: published files under their own names, and a page that shows them."""

import html
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from image_assets.core import naming

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}
_SHOWN = 60


def create_app(data: Path) -> FastAPI:
    """The application over a data folder; it reads the public files and nothing else of it."""
    public = data / naming.PUBLIC
    public.mkdir(parents=True, exist_ok=True)
    app = FastAPI(title="image_assets", docs_url="/docs", redoc_url=None)
    # Names are content hashes: what a name stands for never changes.
    app.mount("/files", StaticFiles(directory=public), name="files")

    @app.middleware("http")
    async def harmless(request: Request, call_next):  # type: ignore[no-untyped-def]
        response: Response = await call_next(request)
        if not request.url.path.startswith(("/docs", "/openapi.json")):
            response.headers.update(_HEADERS)
        if request.url.path.startswith("/files/") and response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Whether the application answers."""
        return {"status": "ok"}

    @app.get("/", response_class=HTMLResponse)
    def newest() -> str:
        """The newest published pictures."""
        return _page(_newest(public))

    return app


def _newest(public: Path) -> list[str]:
    files = (file for file in public.iterdir() if file.suffix in {".jpg", ".png", ".webp"})
    by_age = sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)
    return [file.name for file in by_age if file.suffix == ".jpg"][:_SHOWN]


def _page(names: list[str]) -> str:
    figures = "".join(
        f'<a href="/files/{html.escape(name)}"><img loading="lazy" src="/files/{html.escape(name)}" alt=""></a>'
        for name in names
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
