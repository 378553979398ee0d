"""The browser as the rest of the house sees it: ask it for a day's addresses; it is always let go of."""

import importlib.util
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from image_assets.core.errors import NotFoundError, PermanentError, TransientError
from image_assets.services.browsing.orders import MOST_ADDRESS, Failure, Launch, Look

log = logging.getLogger(__name__)

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_START_SECONDS = 60.0
_GRACE_SECONDS = 10.0
_CLOSING_SECONDS = 3.0
_MOST_REPLY = 64 * 1024 * 1024
_ERRORS = {
    Failure.TRANSIENT: TransientError,
    Failure.MISSING: NotFoundError,
    Failure.PERMANENT: PermanentError,
}


class Browser:
    """One headless browser for a run: it starts when it is first asked, and ends when idle.

    Threads may share it; they are served one by one. It ends by itself when this process does.

    Args:
        launch: how it runs.
        display: what a visible browser needs of the environment.
    """

    def __init__(self, launch: Launch, display: Mapping[str, str] | None = None) -> None:
        self._launch = launch
        self._display = dict(display or {})
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def version(self) -> str:
        """Chromium's version; starts it where it does not run.

        Raises:
            PermanentError: it does not start; says what to do.
        """
        with self._lock:
            return self._running().version

    def look(self, look: Look) -> tuple[str, ...]:
        """The addresses that a page shows for a day.

        Raises:
            NotFoundError: the page does not offer the day.
            TransientError: it gave no list in time, or none that can be believed.
            PermanentError: the browser, or the page's markup, is not what the settings say.
        """
        with self._lock:
            try:
                reply = self._running().ask(asdict(look), look.seconds + _GRACE_SECONDS)
            except _GoneError as error:
                self._process = None
                message = f"{look.url} for {look.day}: the browser {error}; it starts anew"
                raise TransientError(message) from error
        return _addresses(f"{look.url} for {look.day}", reply)

    def close(self) -> None:
        """End the browser, if it runs."""
        with self._lock:
            if self._process is not None:
                self._process.end()
                self._process = None

    def _running(self) -> "_Process":
        if self._process is None or not self._process.alive:
            if self._process is not None:
                self._process.end()
            self._process = _Process(self._launch, self._display)
            log.debug("browser: Chromium %s started", self._process.version)
        return self._process


class _GoneError(Exception):
    """The process ended, said something senseless, or was silent for too long and was killed."""


class _Process:
    """A running browser process. One request at a time; after an error it is dead."""

    def __init__(self, launch: Launch, display: Mapping[str, str]) -> None:
        # A short name: Chromium's sockets are in it, and their paths end at 107 bytes.
        home = tempfile.mkdtemp(prefix="ia-")
        # Nothing of ours reaches a browser but its display: no secret, no proxy.
        environment = {"PATH": os.defpath, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"}
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-X", "utf8", "-W", "ignore"),
                *("-m", "image_assets.services.browsing.process", json.dumps(asdict(launch))),
                home,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, **display},
            cwd=home,
            bufsize=0,
            start_new_session=True,
        )
        self._finalize = weakref.finalize(self, _end, self._process, Path(home))
        self.version = self._announced(launch)

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The reply to a request, at most `seconds` later.

        Raises:
            _GoneError: there is none.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            return self._reply(time.monotonic() + seconds)
        except (OSError, EOFError, ValueError) as error:
            self.end()
            raise _GoneError(str(error) or "ended") from error

    def end(self) -> None:
        """End the process, and all that it started."""
        self._finalize()

    def _announced(self, launch: Launch) -> str:
        try:
            reply = self._reply(time.monotonic() + _START_SECONDS)
        except (OSError, EOFError, ValueError) as error:
            self.end()
            message = f"the browser {launch.executable} does not start: {error or 'it ended'}"
            raise PermanentError(f"{message}; check BROWSER_EXECUTABLE") from error
        if "ready" not in reply:
            self.end()
            message = f"the browser {launch.executable} {reply.get('message')}"
            raise PermanentError(f"{message}; check BROWSER_EXECUTABLE and BROWSER_HEADLESS")
        return str(reply["ready"])[:60]

    def _reply(self, deadline: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        ready = select.poll()
        ready.register(output, select.POLLIN)
        line = bytearray()
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not ready.poll(left * 1000):
                raise TimeoutError("was silent for too long")
            chunk = os.read(output, 1 << 16)
            if not chunk:
                raise EOFError("ended")
            line += chunk
            if len(line) > _MOST_REPLY:
                raise ValueError("said too much")
        reply = json.loads(line)
        if not isinstance(reply, dict):
            raise ValueError("said something senseless")  # noqa: TRY004  (what it said, not our call)
        return reply


def _end(process: subprocess.Popen[bytes], home: Path) -> None:
    """Let the browser close by itself; what is left after a moment is killed."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_CLOSING_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # Chromium, in a group of its own, ends when its pipe does, and writes until then.
    deadline = time.monotonic() + _CLOSING_SECONDS
    while home.exists() and time.monotonic() < deadline:
        shutil.rmtree(home, ignore_errors=True)
        time.sleep(0.02)


def _addresses(what: str, reply: Mapping[str, Any]) -> tuple[str, ...]:
    """A page may have taken the browser over: what it says is text, and short, or nothing."""
    if "failure" in reply:
        kind = str(reply["failure"])
        error = _ERRORS[Failure(kind)] if kind in set(Failure) else TransientError
        raise error(f"{what}: {str(reply.get('message'))[:500]}")
    found = reply.get("addresses")
    if not isinstance(found, list):
        raise TransientError(f"{what}: the browser said something senseless")
    return tuple(str(address)[: MOST_ADDRESS + 1] for address in found)


def executable(configured: Path | None) -> str:
    """The browser's program: the configured one, else Debian's Chromium or its like.

    Raises:
        PermanentError: there is none, or Playwright is not installed; says what to do.
    """
    if importlib.util.find_spec("playwright") is None:
        raise PermanentError(
            "Playwright is not installed; a listing by browser needs it:"
            " pip install 'image_assets[browser]'"
        )
    if configured is not None:
        found = shutil.which(configured)
        if found is None:
            raise PermanentError(f"{configured} is no program; check BROWSER_EXECUTABLE")
        return found
    for program in _PROGRAMS:
        if found := shutil.which(program):
            return found
    raise PermanentError(
        "no Chromium is installed; a listing by browser needs it: apt-get install chromium,"
        " or set BROWSER_EXECUTABLE"
    )
