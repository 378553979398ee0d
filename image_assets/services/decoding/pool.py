"""A pool of worker processes that look at pictures, for any number of threads."""

import errno
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    TransientError,
    UnreadableImageError,
)
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Picture, Rendered
from image_assets.core.recipes import Recipe
from image_assets.core.templates import Template
from image_assets.services.decoding.process import Worker, WorkerDiedError, WorkerSilentError
from image_assets.services.decoding.wire import (
    Bounds,
    Header,
    area_to_header,
    picture_from_header,
    recipe_to_header,
    rendered_from_header,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
Answer = tuple[Header, list[bytes]]

# The clock on the wall is only for a machine that stands still; CPU seconds judge the picture.
_WALL_FACTOR, _WALL_EXTRA = 5.0, 30.0

_SEARCHING = 4  # pictures whose seconds a recipe gets that tries several qualities


class DecodingPool:
    """At most `workers` processes, started when they are first needed, replaced when they die.

    Fulfils `ports.Decoder`. A picture that needs more than `memory_mb` MiB of address space or
    `seconds` of CPU, or twice ends the process that looks at it, is refused with a reason; the
    next picture finds a fresh worker.
    """

    def __init__(
        self, workers: int, memory_mb: int, seconds: float, max_pixels: int, max_bytes: int
    ) -> None:
        self._bounds = Bounds(memory_mb, seconds, max_pixels, max_bytes)
        self._free = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._running: set[Worker] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every worker, those at work too: their requests fail. No request is taken after."""
        with self._lock:
            self._closed = True
            for worker in self._idle:
                worker.kill()
            for worker in self._running.difference(self._idle):
                worker.stop()
            self._running.clear()
            self._idle.clear()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers there are now."""
        with self._lock:
            return tuple(worker.pid for worker in self._running)

    def inspect(self, file: Path) -> Picture:
        """Decode every pixel of `file` and say what it is."""
        return self._ask(
            "inspect", [file], lambda header, _: picture_from_header(header["picture"])
        )

    def fingerprint(self, file: Path) -> Fingerprint:
        """The current version's fingerprint of `file`."""
        return self._ask("fingerprint", [file], lambda _, parts: Fingerprint.from_bytes(parts[0]))

    def render(self, file: Path, recipe: Recipe, base: Path | None = None) -> Rendered:
        """`file` in every format of the recipe, over `base` where it is a composite."""
        (rendered,) = self.render_all(file, [recipe], base)
        return rendered

    def render_all(
        self, file: Path, recipes: Sequence[Recipe], base: Path | None = None
    ) -> tuple[Rendered, ...]:
        """`file` in every format of every recipe, decoded once where the recipes allow it."""
        return self._ask(
            "render",
            [file] if base is None else [file, base],
            lambda header, parts: _sets(header, recipes, parts),
            pictures=sum(_SEARCHING if recipe.max_bytes else 1 for recipe in recipes),
            recipes=[recipe_to_header(recipe) for recipe in recipes],
        )

    def mockup(self, design: Path, template: Template, recipe: Recipe) -> Rendered:
        """`design` on the template, in every format of the recipe."""
        files = [design, Path(template.image), *([Path(template.shade)] if template.shade else [])]
        return self._ask(
            "mockup",
            files,
            lambda header, parts: rendered_from_header(header["set"], recipe, parts),
            areas=[area_to_header(area) for area in template.areas],
            recipe=recipe_to_header(recipe),
        )

    def contact_sheet(
        self, files: Sequence[Path], *, columns: int, width: int, limit: int
    ) -> bytes:
        """Small pictures of `files` side by side as one JPEG of at most `limit` bytes."""
        return self._ask(
            "contact_sheet",
            files,
            lambda _, parts: parts[0],
            columns=columns,
            width=width,
            limit=limit,
        )

    def _ask(
        self,
        task: str,
        files: Sequence[Path],
        understand: Callable[[Header, list[bytes]], T],
        pictures: int | None = None,
        **options: object,
    ) -> T:
        """The worker's answer; it may take the seconds of so many pictures, else of its files."""
        names = [str(file.absolute()) for file in files]
        request = {"task": task, "files": names, **options}
        request["pictures"] = max(1, pictures or len(files))
        try:
            return self._asked(request, understand, fresh=False)
        except WorkerDiedError as error:
            if error.too_slow:
                raise self._too_slow() from error
            log.warning("%s: %s; once more on a fresh process", files[0].name, error)
        try:
            return self._asked(request, understand, fresh=True)
        except WorkerDiedError as error:
            if error.too_slow:
                raise self._too_slow() from error
            message = f"twice ended the process that looked at it ({error.returncode})"
            raise UnreadableImageError("crashes_the_decoder", message) from error

    def _asked(
        self, request: Header, understand: Callable[[Header, list[bytes]], T], *, fresh: bool
    ) -> T:
        seconds = self._bounds.seconds * request["pictures"] * _WALL_FACTOR + _WALL_EXTRA
        with self._worker(fresh=fresh) as worker:
            try:
                header, parts = worker.ask(request, seconds=seconds)
                _raise_refusal(header, request["files"])
                return understand(header, parts)
            except WorkerSilentError as error:
                message = f"decoding took more than {seconds:.0f} seconds; is the machine busy?"
                raise TransientError(message) from error
            except (KeyError, IndexError, TypeError, ValueError) as error:
                # An answer that makes no sense: whoever gave it is not trusted with another.
                raise WorkerDiedError(worker.kill()) from error

    @contextmanager
    def _worker(self, *, fresh: bool) -> Iterator[Worker]:
        """A worker for one request; kept for the next one if it is still alive after it."""
        with self._free:
            worker = self._idle_worker(fresh) or self._started()
            try:
                yield worker
            finally:
                with self._lock:
                    if worker.alive and not self._closed:
                        self._idle.append(worker)
                    else:
                        self._running.discard(worker)

    def _idle_worker(self, fresh: bool) -> Worker | None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the decoding pool is closed")
            while self._idle:
                worker = self._idle.pop()
                if worker.alive and not fresh:
                    return worker
                worker.kill()
                self._running.discard(worker)
        return None

    def _started(self) -> Worker:
        try:
            worker = Worker(self._bounds)
        except (WorkerDiedError, WorkerSilentError) as error:
            raise TransientError(f"a decoding process does not start: {error}") from error
        with self._lock:
            self._running.add(worker)
        return worker

    def _too_slow(self) -> UnreadableImageError:
        message = f"decoding needs more than {self._bounds.seconds:g} seconds of CPU"
        return UnreadableImageError("too_slow", message)


def _sets(
    header: Header, recipes: Sequence[Recipe], parts: Sequence[bytes]
) -> tuple[Rendered, ...]:
    """The sets that a worker says it made, each with its share of the files."""
    left = iter(parts)
    sets = []
    for said, recipe in zip(header["sets"], recipes, strict=True):
        files = list(islice(left, len(said["formats"])))
        sets.append(rendered_from_header(said, recipe, files))
    if next(left, None) is not None:
        raise ValueError("a file that belongs to no set")
    return tuple(sets)


def _raise_refusal(header: Header, files: Sequence[str]) -> None:
    if "refused" in header:
        raise UnreadableImageError(str(header["refused"])[:64], str(header.get("message"))[:500])
    if "failed" in header:
        raise PermanentError(str(header["failed"])[:500])
    if "unread" in header:
        message = f"{files[0]}: {str(header['unread'])[:200]}"
        if header.get("errno") == errno.ENOENT:
            raise NotFoundError(message)
        raise TransientError(message)
