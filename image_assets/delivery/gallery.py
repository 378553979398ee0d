"""The page that shows what was published last."""

import heapq
from pathlib import Path
from urllib.parse import quote

_SHOWN = 60
_STYLE = (
    "body{font:16px system-ui;margin:2rem;background:#111;color:#eee}a{color:#8cf}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:8px}"
    "img{width:100%;display:block;border-radius:4px}"
)
_EMPTY = (
    "<p>Nothing is published here yet: materialise <code>camera/uploaded_urls/local</code>.</p>"
)


def newest(public: Path) -> list[str]:
    """The names of the pictures published last, newest first; a hidden one is still being written."""
    pictures = (f for f in public.iterdir() if f.suffix == ".jpg" and _is_shown(f.name))
    return [file.name for file in heapq.nlargest(_SHOWN, pictures, key=_written)]


def page(names: list[str]) -> str:
    """The page that shows these published files."""
    # Whatever a name holds, quoted it is an address and nothing else.
    addresses = [f"/files/{quote(name, safe='')}" for name in names]
    figures = "".join(
        f'<a href="{address}"><img loading="lazy" src="{address}" alt=""></a>'
        for address in addresses
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>image_assets</title>"
        f"<style>{_STYLE}</style><h1>Newest published pictures</h1>"
        f"<main>{figures}</main>{'' if names else _EMPTY}</html>"
    )


def _is_shown(name: str) -> bool:
    """Whether the name is one that is given out as well."""
    return not name.startswith(".") and name.isprintable() and "\\" not in name


def _written(file: Path) -> float:
    try:
        return file.lstat().st_mtime
    except FileNotFoundError:  # it was taken down while we looked
        return 0.0
