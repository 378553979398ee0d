"""The worker process: looks at one picture at a time, within its limits, until its input ends."""

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from image_assets.core.errors import PermanentError, UnreadableImageError
from image_assets.core.reading import header_pixels
from image_assets.services.decoding.tasks import TASKS, Answer
from image_assets.services.decoding.wire import Bounds, Header, packed, unpacked

# Whoever waits for an answer (a web server, a daemon) comes before whoever grinds pixels.
_NICENESS = 10

_CODEC_BYTES = 10  # a pixel, in progressive JPEG and in WebP, while Pillow's own are made
_EMPTY_WORKER = 160 << 20  # address space of a worker that holds no picture


def main() -> None:
    """Announce readiness, then answer requests; the end of the input ends the process."""
    bounds = Bounds(**json.loads(sys.argv[1]))
    requests, answers = os.fdopen(0, "rb"), _private_output()
    _restrict(bounds)
    answers.write(packed({"ready": True}))
    answers.flush()
    while requests.peek(1):
        header, _ = unpacked(lambda size: _exactly(requests, size))
        _allow_seconds(bounds.seconds * max(1, int(header["pictures"])))
        answers.write(packed(*_flat(_answer(header, bounds))))
        answers.flush()


def _private_output() -> BinaryIO:
    """Standard output for our messages alone: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _restrict(bounds: Bounds) -> None:
    # Ctrl-C in a terminal reaches the whole group; the parent decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = bounds.memory_mb << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _allow_seconds(seconds: float) -> None:
    """Let the kernel end us (SIGPROF) when this request takes more CPU than that.

    A timer counts from now. RLIMIT_CPU counts from the start, in ticks, and those run ahead of what
    `time.process_time` says by a tenth: after a hundred seconds of work it ended whoever came next.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        sys.exit(0)  # the parent died in the middle of a sentence
    return content


def _flat(answer: Answer) -> tuple[Header, *tuple[bytes, ...]]:
    header, payloads = answer
    return header, *payloads


def _answer(request: Header, bounds: Bounds) -> Answer:
    files = [Path(name) for name in request["files"]]
    try:
        return TASKS[request["task"]](files, request, bounds)
    except UnreadableImageError as error:
        if error.reason == "corrupt" and any(_starved(file, bounds) for file in files):
            return _too_much_memory(bounds, f", unless it is corrupt ({error})")
        return {"refused": error.reason, "message": str(error)}, []
    except PermanentError as error:
        return {"failed": str(error)}, []
    except MemoryError:
        return _too_much_memory(bounds)
    except OSError as error:
        return {"unread": error.strerror or str(error), "errno": error.errno}, []


def _starved(file: Path, bounds: Bounds) -> bool:
    """Whether the picture is so large that a codec without memory may have called it corrupt.

    libjpeg keeps the coefficients of a progressive picture, libwebp two canvases beside Pillow's.
    """
    return header_pixels(file) * _CODEC_BYTES > (bounds.memory_mb << 20) - _EMPTY_WORKER


def _too_much_memory(bounds: Bounds, doubt: str = "") -> Answer:
    message = f"decoding needs more than {bounds.memory_mb} MiB{doubt}"
    return {"refused": "too_much_memory", "message": message}, []


if __name__ == "__main__":
    main()
