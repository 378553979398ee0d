"""What a signed download costs beside the same framework's own static files, and through nginx.

100 KB files over loopback, eight connections that are kept. Ours is `image-assets serve` as people start
it, with its access log; the other side is StaticFiles under the same server, without a log. Then ours
behind nginx, which sends the bytes (deploy/nginx), beside nginx that passes them on.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import nginx
from benchmarks.hammer import get, hammer
from benchmarks.harness import Goal, interleaved, report
from image_assets import compose
from image_assets.settings import isolated, isolated_environment
from image_assets_tests.delivery.nginx import in_front

CONNECTIONS = 8
FILES = 200
SIZE = 100_000
SIGNED = 0.9
SECRET = "8f1c0d6b7a5e4f3929d0c1b2a3f4e5d6c7b8a9f0e1d2c3b4"
PREFIX = "/_image_assets/"
OURS, PLAIN, PASSED, HANDED = "signed", "StaticFiles", "nginx passing on", "nginx handed over"


def main() -> None:
    options = _options()
    figures: dict[str, Any] = {
        "files": f"{FILES} of {SIZE:,} bytes, {CONNECTIONS} connections, {options.requests} requests a turn"
    }
    with tempfile.TemporaryDirectory(prefix="image-assets-") as folder:
        bench = Bench(Path(folder), options.requests)
        with bench.running():
            seconds = interleaved(
                bench.sides(), rounds=options.rounds, seconds=150, clock=time.perf_counter
            )
    for name, took in seconds.items():
        figures[name] = f"{options.requests / took:.0f} requests/s, {bench.latencies(name)}"
    if HANDED not in seconds:
        figures["nginx"] = "not installed (Debian: nginx-light)"
    figures["load average"] = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    goal = Goal(
        "signed, times as fast as StaticFiles",
        seconds[PLAIN] / seconds[OURS],
        SIGNED,
        at_least=True,
    )
    versions = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools")
    report("delivery", [goal], versions=versions, figures=figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery")
    parser.add_argument("--requests", type=int, default=1500, help="of each side, a turn")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each side that count")
    return parser.parse_args()


class Bench:
    """The servers and what is asked of them; everything lies below `folder`."""

    def __init__(self, folder: Path, requests: int) -> None:
        self._folder, self._requests = folder, requests
        self._ports: dict[str, int] = {}
        self._took: dict[str, list[float]] = {}
        self._names = self._write()

    def sides(self) -> dict[str, Callable[[], object]]:
        """What is run in turns, by name."""
        return {name: self._side(name) for name in self._ports}

    def latencies(self, name: str) -> str:
        """Of every request of a side, warm-up included."""
        took = statistics.quantiles(self._took[name], n=100)
        return f"p50 {1000 * took[49]:.1f} ms, p99 {1000 * took[98]:.1f} ms"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Every server, until the end of the block."""
        with ExitStack() as stack:
            enter = stack.enter_context
            self._ports[OURS] = enter(self._ours({}))
            static = [
                sys.executable,
                "-m",
                "benchmarks.plain_static",
                self._folder / "data/exports",
            ]
            self._ports[PLAIN] = enter(_server(static))
            if nginx.tool("nginx") is not None:
                accelerated = enter(self._ours({"DELIVERY_ACCEL_PREFIX": PREFIX}))
                self._ports[PASSED] = enter(self._in_front(self._ports[OURS], "passing"))
                self._ports[HANDED] = enter(self._in_front(accelerated, "handing"))
            yield

    def _side(self, name: str) -> Callable[[], object]:
        port = self._ports[name]
        paths = self._static() if name == PLAIN else self._signed()
        requests = [get(port, paths[n % len(paths)]) for n in range(self._requests)]
        took = self._took.setdefault(name, [])
        return lambda: took.extend(hammer(port, requests, connections=CONNECTIONS))

    def _static(self) -> list[str]:
        return [f"/static/{name}" for name in self._names]

    def _signed(self) -> list[str]:
        links = compose.links(isolated({"SIGNING_SECRET": SECRET, "PUBLIC_BASE_URL": ""}))
        now = int(time.time())
        return [links.download(f"exports/{name}", now=now) for name in self._names]

    def _write(self) -> list[str]:
        chance = random.Random(1)
        names = []
        for _ in range(FILES):
            design = chance.randbytes(12).hex()
            name = f"thumbnail/{design[:2]}/{design}-{chance.randbytes(4).hex()}.jpg"
            file = self._folder / "data/exports" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(chance.randbytes(SIZE))
            names.append(name)
        return names

    def _ours(self, more: dict[str, str]) -> Any:
        own = {
            "IMAGE_ASSETS_DATA_DIR": str(self._folder / "data"),
            "SIGN_URLS": "true",
            "SIGNING_SECRET": SECRET,
        }
        program = Path(sys.executable).with_name("image-assets")
        return _server([program, "serve", "--port"], isolated_environment(own | more))

    @contextmanager
    def _in_front(self, upstream: int, name: str) -> Iterator[int]:
        with in_front(upstream, self._folder / "data", self._folder / name) as port:
            yield port


@contextmanager
def _server(command: list[Any], environment: dict[str, str] | None = None) -> Iterator[int]:
    """The port of a server that is given it as its last argument."""
    (port,) = nginx.free_ports(1)
    with nginx.running([*map(str, command), str(port)], [port], environment, quiet=True):
        yield port


if __name__ == "__main__":
    main()
