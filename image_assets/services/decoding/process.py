"""One worker process as its parent sees it: ask it, and kill it."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict

from image_assets.services.decoding.wire import Bounds, Header, packed, unpacked

_START_SECONDS = 60.0
# Nothing of ours reaches a worker: no secret, no proxy, no path. One thread each, because the
# pool decides how many cores are used, and OpenBLAS reserves memory for every thread, as malloc does.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VIPS_CONCURRENCY": "1",
    "MALLOC_ARENA_MAX": "2",
}


class WorkerDiedError(Exception):
    """The process ended, or said something senseless and was killed; `returncode` as Popen's."""

    def __init__(self, returncode: int) -> None:
        super().__init__(f"a decoding process ended with {returncode}")
        self.returncode = returncode

    @property
    def too_slow(self) -> bool:
        """The kernel ended it because its CPU seconds were used up."""
        return self.returncode == -signal.SIGPROF


class WorkerSilentError(Exception):
    """No answer by the deadline of the clock on the wall; the process was killed."""


class Worker:
    """A running worker. One request at a time; after an error it is dead.

    It ends by itself when its input closes, which the kernel does when this process dies. (Not by
    PR_SET_PDEATHSIG: that would end it together with the thread that happened to start it.)
    """

    def __init__(self, bounds: Bounds) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-X", "utf8", "-W", "ignore"),
                *("-m", "image_assets.services.decoding.worker", json.dumps(asdict(bounds))),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
            bufsize=0,
        )
        self._receive(time.monotonic() + _START_SECONDS)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def ask(self, request: Header, *, seconds: float) -> tuple[Header, list[bytes]]:
        """The answer to a request, at most `seconds` later.

        Raises:
            WorkerDiedError: it ended before it answered.
            WorkerSilentError: it did not answer in time.
        """
        deadline = time.monotonic() + seconds
        try:
            self._write(packed(request))
        except BrokenPipeError as error:
            raise WorkerDiedError(self.kill()) from error
        return self._receive(deadline)

    def stop(self) -> None:
        """End the process while another thread waits for its answer: that thread sees it die."""
        self._process.kill()

    def kill(self) -> int:
        """End the process, if it has not ended, and say how it ended."""
        self._process.kill()
        returncode = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return returncode

    def _receive(self, deadline: float) -> tuple[Header, list[bytes]]:
        try:
            return unpacked(lambda size: self._read(size, deadline))
        except TimeoutError as error:
            self.kill()
            raise WorkerSilentError from error
        except (EOFError, ValueError) as error:
            raise WorkerDiedError(self._ended()) from error

    def _ended(self) -> int:
        """How the process ended, once its output has: a moment may pass between the two."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        return self.kill()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None
        left = memoryview(message)
        while left:
            left = left[self._process.stdin.write(left) :]

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        ready = select.poll()
        ready.register(output, select.POLLIN)
        content = bytearray()
        while len(content) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not ready.poll(left * 1000):
                raise TimeoutError
            chunk = os.read(output, min(size - len(content), 1 << 20))
            if not chunk:
                raise EOFError
            content += chunk
        return bytes(content)
