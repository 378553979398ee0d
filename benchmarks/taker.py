"""The stand-in of benchmarks.upload: takes pictures as a Chevereto site does, each answer some time later.

`taker.py SECONDS PORT`. It keeps what it took in memory, and looks at nothing: what it costs is not
what is measured.
"""

import asyncio
import hashlib
import json
import sys

import uvicorn

_SHOWN = b"/images/"


class Taker:
    """An ASGI application."""

    def __init__(self, seconds: float, port: int) -> None:
        self._seconds, self._root = seconds, f"http://127.0.0.1:{port}"
        self._held: dict[str, bytes] = {}

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        body = b""
        if scope["method"] == "POST":
            body = await _body(receive)
        await asyncio.sleep(self._seconds)
        if scope["method"] == "POST":
            await _answer(send, b"application/json", json.dumps(self._take(body)).encode())
        else:
            await _answer(send, b"image/jpeg", self._held[path.rpartition("/")[2]])

    def _take(self, body: bytes) -> dict[str, object]:
        boundary = body[: body.index(b"\r\n")]
        start = body.index(b"\r\n\r\n", body.index(b"filename=")) + 4
        content = body[start : body.index(b"\r\n" + boundary, start)]
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.jpg"
        self._held[name] = content
        image = {"id_encoded": name[:16], "url": f"{self._root}/images/{name}"}
        return {"status_code": 200, "image": image, "status_txt": "OK"}


async def _body(receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    seconds, port = float(sys.argv[1]), int(sys.argv[2])
    uvicorn.run(
        Taker(seconds, port),
        host="127.0.0.1",
        port=port,
        ws="none",
        access_log=False,
        log_level="warning",
    )
