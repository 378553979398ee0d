"""A host that is given a rendering of what it does not take as it is.

The ledger keeps which rendering it was (`Receipt.rendering`), so it is never taken for the content
itself: what is proven of it is at most that it shows the same picture (L2), and no original goes
because of it.
"""

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from image_assets.core.errors import InDoubtError, PermanentError
from image_assets.core.fidelity import Shown
from image_assets.core.model import Content, Level, Receipt
from image_assets.core.optimising import Bounds, Rendering, renderings
from image_assets.core.taking import Takes
from image_assets.ports import Closing, Decoder, Identifying, ImageHost, Looking, Probing, Showing
from image_assets.services import outgoing
from image_assets.services.durable import disk_errors

log = logging.getLogger(__name__)

_OPAQUE = 255
_SECONDS = 300.0  # that all tries at a rendering may take
_PROVEN = {Level.L3: Level.L2, Level.L4: Level.L2}


@dataclass(frozen=True, slots=True)
class _Made:
    """A rendering in a file that is there for a moment."""

    content: Content
    file: Path
    spelled: str


class OptimisingHost:
    """A host behind what makes content fit it.

    Args:
        host: takes what fits.
        takes: what that is.
        bounds: of renderings.
        decoder: makes them; closed with this.
    """

    def __init__(self, host: ImageHost, takes: Takes, bounds: Bounds, decoder: Decoder) -> None:
        self._host, self._takes = host, takes
        self._bounds, self._decoder = bounds, decoder

    @property
    def name(self) -> str:
        """The host's."""
        return self._host.name

    @property
    def level(self) -> Level:
        """The host's: what it takes as it is, is proven by it."""
        return self._host.level

    @property
    def deadline(self) -> float:
        """The host's, and the time that renderings take."""
        return self._host.deadline + _SECONDS

    def close(self) -> None:
        """Close the host, and end the decoding processes."""
        for held in (self._host, self._decoder):
            if isinstance(held, Closing):
                held.close()

    def upload(self, content: Content, file: Path) -> Receipt:
        """Publish `file`, or the best rendering of it that the host takes."""
        if (lacks := self._takes.lacks(content)) is None:
            return self._host.upload(content, file)
        with self._fitting(content, file, f"{self.name} {lacks}") as made:
            log.info("%s: %s %s; sent as %s", content.name, self.name, lacks, made.spelled)
            receipt = self._host.upload(made.content, made.file)
            return replace(receipt, rendering=made.spelled)

    def find(self, content: Content, file: Path) -> Receipt | None:
        """Ask for the content, or for the rendering that would be sent of it."""
        if (lacks := self._takes.lacks(content)) is None:
            return self._host.find(content, file)
        with self._fitting(content, file, f"{self.name} {lacks}") as made:
            receipt = self._host.find(made.content, made.file)
            return receipt and replace(receipt, rendering=made.spelled)

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """As the host; of a rendering, which is made again, at most L2."""
        return self.show(content, file, receipt).level

    def show(self, content: Content, file: Path, receipt: Receipt) -> Shown:
        """The same, and what became on the way of what was sent."""
        if receipt.rendering is None:
            return self._shown(content, file, receipt)
        with self._again(content, file, receipt.rendering) as made:
            shown = self._shown(made.content, made.file, receipt)
        return replace(shown, level=_PROVEN.get(shown.level, shown.level))

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """As the host, of content that it was given as it is.

        Raises:
            InDoubtError: the host looks at nothing without its file, or a rendering stands in for it.
        """
        if receipt.rendering is not None or not isinstance(self._host, Looking):
            raise InDoubtError(f"{content.name}: its bytes are not here to compare")
        return self._host.look(content, receipt, size)

    def _shown(self, content: Content, file: Path, receipt: Receipt) -> Shown:
        if isinstance(self._host, Showing):
            return self._host.show(content, file, receipt)
        return Shown.proven(content, self._host.verify(content, file, receipt))

    def remove(self, receipt: Receipt) -> None:
        """As the host."""
        self._host.remove(receipt)

    def image_id(self, receipt: Receipt) -> str | None:
        """As the host."""
        host = self._host
        return host.image_id(receipt) if isinstance(host, Identifying) else receipt.host_id

    @contextmanager
    def _fitting(self, content: Content, file: Path, why: str) -> Iterator[_Made]:
        """The best rendering that the host takes."""
        with self._room(content, file) as folder:
            try:
                made = self._best(content, file, folder)
            except PermanentError as error:
                raise PermanentError(f"{content.name}: {why}, and no rendering: {error}") from error
            yield made

    @contextmanager
    def _again(self, content: Content, file: Path, spelled: str) -> Iterator[_Made]:
        """The rendering that the ledger names.

        Raises:
            PermanentError: its bytes cannot be made any more.
        """
        rendering, sha256 = Rendering.read(spelled)
        with self._room(content, file) as folder:
            made = self._make(content, file, rendering, folder)
            if made.content.sha256 != sha256:
                raise PermanentError(
                    f"{content.name}: the rendering that {self.name} has was made by another"
                    " encoder, so it cannot be compared; publish the content anew to prove it"
                )
            yield made

    @contextmanager
    def _room(self, content: Content, file: Path) -> Iterator[Path]:
        """A folder for a moment, once `file` is known to be the content."""
        with (
            outgoing.opened(content, file),
            tempfile.TemporaryDirectory(prefix="image_assets-") as folder,
        ):
            yield Path(folder)

    def _best(self, content: Content, file: Path, folder: Path) -> _Made:
        picture = self._decoder.inspect(file)
        opaque = min(self._decoder.fingerprint(file).alpha) == _OPAQUE
        failure = PermanentError("none was tried")
        for rendering in renderings(picture, self._takes, self._bounds, opaque=opaque):
            try:
                return self._make(content, file, rendering, folder)
            except PermanentError as error:
                failure = error  # still too large: the next is smaller
        raise failure

    def _make(self, content: Content, file: Path, rendering: Rendering, folder: Path) -> _Made:
        recipe, format = rendering.recipe, rendering.format
        body = self._decoder.render(file, recipe).files[format]
        if rendering.max_bytes is not None and len(body) > rendering.max_bytes:
            raise PermanentError(f"{format} of {len(body):,} bytes, {rendering.max_bytes:,} taken")
        sha256 = hashlib.sha256(body).hexdigest()
        # What the host knows it by: the same picture and recipe, the same name.
        name = f"{content.sha256}-{recipe.digest[:12]}.{format.extension}"
        made = folder / f"rendering.{format.extension}"
        with disk_errors(made):
            made.write_bytes(body)
        sent = Content(sha256, content.path, len(body), format, name)
        return _Made(sent, made, rendering.spelled(sha256))


class ProbingOptimisingHost(OptimisingHost):
    """The same of a host whose credential can be tried."""

    def __init__(self, host: ImageHost, takes: Takes, bounds: Bounds, decoder: Decoder) -> None:
        super().__init__(host, takes, bounds, decoder)
        assert isinstance(host, Probing)
        self._probing = host

    def probe(self) -> None:
        """As the host."""
        self._probing.probe()
