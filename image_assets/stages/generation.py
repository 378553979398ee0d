"""Pictures on request: each variation asked for once, kept as soon as it came, stored like any picture.

What was sent is written down before, and what came right after: a run that is killed pays for nothing
twice. What nobody knows the end of is in doubt, and shown.
"""

import datetime as dt
import hashlib
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from image_assets.core import naming
from image_assets.core.errors import (
    BlockedError,
    ImageAssetsError,
    InDoubtError,
    NotFoundError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.core.generation import RequestState, VariationState
from image_assets.core.model import Blob, Entry, Fetched, ImageState, Listing, Partition
from image_assets.core.presets import preset
from image_assets.core.recipes import Composite, Recipe
from image_assets.ports import (
    Arrival,
    Asked,
    Claim,
    Decoder,
    Drawing,
    FileStore,
    GenerationCatalog,
    ImageGenerator,
    ImagesCatalog,
    Variation,
    Wish,
)
from image_assets.stages.images import AT_ONCE, Collector, Terms
from image_assets.stages.report import Cause, Clock, Outcome, Progress, Report, each

log = logging.getLogger(__name__)

_FIRST_PAUSE = dt.timedelta(minutes=1)
_LONGEST_PAUSE = dt.timedelta(hours=1)
_MARGIN = dt.timedelta(seconds=30)
"""What a call may take beyond the generator's own deadline before its lease runs out."""


@dataclass(frozen=True, slots=True)
class Studio:
    """The rooms that generating needs, together.

    `owner` is this run's name in leases; what could not be drawn `give_up` after it was asked for is
    given up.
    """

    generator: ImageGenerator
    catalog: GenerationCatalog
    images: ImagesCatalog
    store: FileStore
    decoder: Decoder
    owner: str
    clock: Clock
    workers: int = 3
    give_up: dt.timedelta = dt.timedelta(hours=48)

    def generate(self, partition: Partition, *, progress: Progress | None = None) -> Report:
        """Ask for every variation that is still to come, and store what came.

        A variation that is refused, blocked or in doubt is settled: it is in the report's counts and
        in the catalog with its reason. What may still come is a failure.

        Raises:
            NotFoundError: there is no such request.
            PermanentError: every variation is settled, and none came.
        """
        asked = self.catalog.asked(partition)
        report = Report()
        if asked.open:
            report += self._draw_all(partition, asked, progress)
        report += self._collect(partition)
        self._conclude(partition, report)
        return report

    def _draw_all(self, partition: Partition, asked: Asked, progress: Progress | None) -> Report:
        self.catalog.advance(
            partition, RequestState.GENERATING, due_at=self.clock(), now=self.clock()
        )
        with ExitStack() as stack:
            base = None
            if asked.base is not None:
                base = self._base(stack, partition, asked.base)
            format = asked.base.format if asked.base is not None else None
            wish = Wish(asked.prompt, asked.aspect_ratio, base, format)
            return each(
                asked.open,
                lambda number: self._draw(partition, asked, number, wish),
                workers=self.workers,
                name=lambda number: f"{partition}: variation {number}",
                progress=progress,
            )

    def _base(self, stack: ExitStack, partition: Partition, base: Blob) -> Path:
        """The base in a local file, the very bytes that came along: nothing is paid for over others."""
        try:
            file = stack.enter_context(self.store.local(base.path))
        except NotFoundError as error:
            self._fail(partition, f"its base image {base.path} is not in the store any more", error)
        if self.store.sha256(base.path) != base.sha256:
            self._fail(partition, f"its base image {base.path} is corrupt: its bytes have changed")
        return file

    def _fail(
        self, partition: Partition, reason: str, cause: ImageAssetsError | None = None
    ) -> NoReturn:
        self.catalog.advance(partition, RequestState.FAILED, reason=reason, now=self.clock())
        raise PermanentError(f"{partition}: {reason}") from cause

    def _draw(self, partition: Partition, asked: Asked, number: int, wish: Wish) -> Outcome:
        claim = self._claim(partition, number)
        if claim is not Claim.GRANTED:
            return Outcome("in_doubt" if claim is Claim.DOUBTED else "known")
        try:
            first, *more = self.generator.draw(wish)
        except InDoubtError as error:
            return self._settled(partition, number, VariationState.IN_DOUBT, error)
        except BlockedError as error:
            return self._settled(partition, number, VariationState.BLOCKED, error)
        except RejectedError as error:
            return self._settled(partition, number, VariationState.REFUSED, error)
        except ImageAssetsError as error:
            if self._is_too_late(asked, error):
                return self._settled(partition, number, VariationState.REFUSED, error)
            now = self.clock()
            self.catalog.release(partition, number, self.owner, str(error), now=now)
            raise
        size = self._keep(partition, number, first)
        for drawing in more:
            size += self._keep_spare(partition, drawing)
        return Outcome("generated", size)

    def _claim(self, partition: Partition, number: int) -> Claim:
        now = self.clock()
        lease = now + dt.timedelta(seconds=self.generator.deadline) + _MARGIN
        claim = self.catalog.claim(partition, number, self.owner, lease_until=lease, now=now)
        if claim is Claim.BUSY:
            raise TransientError(
                f"{partition}: variation {number} is being asked for by another run, or was when that"
                " was killed; it is in doubt once its lease has run out"
            )
        return claim

    def _settled(
        self, partition: Partition, number: int, state: VariationState, error: ImageAssetsError
    ) -> Outcome:
        log.error("%s: variation %d: %s: %s", partition, number, state, error)
        self.catalog.settle(partition, number, self.owner, state, str(error), now=self.clock())
        return Outcome(state.value)

    def _is_too_late(self, asked: Asked, error: ImageAssetsError) -> bool:
        """Whether what waiting may cure has been waited for long enough."""
        passing = isinstance(error, (TransientError, QuotaExhaustedError))
        return passing and self.clock() - asked.created_at > self.give_up

    def _keep(self, partition: Partition, number: int, drawing: Drawing) -> int:
        """The bytes in the store, then the record: from here on nobody pays for them again."""
        key = naming.variation_key(partition.key, number)
        path = naming.arrival_path(partition, key)
        self.store.put_bytes(drawing.content, path)
        sha256, size = hashlib.sha256(drawing.content).hexdigest(), len(drawing.content)
        arrival = Arrival(drawing, path, sha256, size)
        self.catalog.receive(partition, number, self.owner, arrival, now=self.clock())
        log.info("%s: variation %d came (%s)", partition, number, drawing.response_id)
        return size

    def _keep_spare(self, partition: Partition, drawing: Drawing) -> int:
        """A picture that came beside the one asked for: it saves a call, where one is still to come."""
        number = self.catalog.spare(partition, self.owner, now=self.clock())
        if number is None:
            log.warning("%s: one picture more than was asked for is not kept", partition)
            return 0
        return self._keep(partition, number, drawing)

    def _collect(self, partition: Partition) -> Report:
        """What came, stored as pictures of the partition, verified by full decode."""
        arrived = _Arrived(self.catalog.asked(partition), self.store, partition)
        terms = Terms(self.workers, *AT_ONCE)
        collector = Collector(arrived, self.images, self.store, self.decoder, terms)
        report = collector.collect(partition, now=self.clock())
        known = self.images.known(partition)
        for variation in arrived.waiting:
            held = known.get(naming.variation_key(partition.key, variation.number))
            if held is not None:
                self._put_away(partition, variation, held.state, held.reason)
        return report

    def _put_away(
        self, partition: Partition, variation: Variation, state: ImageState, reason: str | None
    ) -> None:
        """A variation that is a picture, or none that we accept, waits no longer."""
        assert variation.path is not None  # it was waiting
        if state is ImageState.STORED:
            self.catalog.stored(partition, variation.number, self._facts(partition, variation))
        elif state is ImageState.REJECTED:
            told = f"what came is no picture that we accept ({reason}); it is in quarantine, and paid for"
            self._refuse(partition, variation.number, told)
        elif state is ImageState.GONE:
            told = f"its bytes ({variation.path}) are lost; it was paid for"
            self._refuse(partition, variation.number, told)
        else:
            return
        self.store.delete(variation.path)

    def _refuse(self, partition: Partition, number: int, told: str) -> None:
        now, refused = self.clock(), VariationState.REFUSED
        self.catalog.settle(partition, number, None, refused, told, now=now)

    def _facts(self, partition: Partition, variation: Variation) -> Mapping[str, str]:
        """Where a picture comes from, beside it in the catalog."""
        return {"prompt": self.catalog.asked(partition).prompt, **lineage(variation)}

    def _conclude(self, partition: Partition, report: Report) -> None:
        """Write down how far the request is now, and when somebody should see to it again."""
        asked, now = self.catalog.asked(partition), self.clock()
        if asked.open or report.failed:
            state, due_at = self._again(asked, report, now)
            reasons = [failure.reason for failure in report.failures]
            reason = reasons[0] if reasons else "a variation is still to come"
            self.catalog.advance(partition, state, reason=reason, due_at=due_at, now=now)
        elif asked.received:
            if not asked.state.is_over:
                self.catalog.advance(partition, RequestState.EXPORTING, due_at=now, now=now)
        else:
            self._fail(partition, f"nothing came of it: {what_came_of(asked)}")

    def _again(
        self, asked: Asked, report: Report, now: dt.datetime
    ) -> tuple[RequestState, dt.datetime]:
        if Cause.QUOTA in report.causes:
            return RequestState.HELD, self.generator.renewed_at(now)
        if Cause.PERMANENT in report.causes:
            return RequestState.HELD, now + _LONGEST_PAUSE
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(asked.postponed, 10))
        return RequestState.WAITING, now + pause


@dataclass(frozen=True, slots=True)
class _Arrived:
    """The variations that came, as a source of pictures: fetching one copies what is in the store."""

    asked: Asked
    store: FileStore
    partition: Partition

    @property
    def waiting(self) -> tuple[Variation, ...]:
        """Those whose bytes are not yet put away."""
        return tuple(v for v in self.asked.variations if v.path is not None)

    def list(self, partition: Partition) -> Listing:
        """Those that came; complete once no other is to come."""
        entries = tuple(map(self._entry, self.asked.received))
        return Listing(entries, complete=not self.asked.open)

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        """Copy an arrival to the new file `into`."""
        path = naming.arrival_path(self.partition, entry.item_key)
        with self.store.local(path) as file:
            content = file.read_bytes()
        into.write_bytes(content)
        return Fetched(hashlib.sha256(content).hexdigest(), len(content))

    def _entry(self, variation: Variation) -> Entry:
        key = naming.variation_key(self.asked.key, variation.number)
        told = lineage(variation)
        address = ":".join(told[name] for name in ("model_version", "response_id") if name in told)
        return Entry(key, key, variation.ended_at, address or None, variation.size)


@dataclass(frozen=True, slots=True)
class Finisher:
    """Tells when the exports of a request are there: it is done then."""

    catalog: GenerationCatalog
    clock: Clock

    def exported(self, partition: Partition, recipe: Recipe, report: Report) -> None:
        """The exports were made, or failed; those are tried again with the request's next run."""
        now = self.clock()
        if not report.failed:
            self.catalog.advance(partition, RequestState.DONE, recipe=recipe.name, now=now)
            return
        reason = report.failures[0].reason
        if report.transient_only:
            state, due_at = RequestState.EXPORTING, now + _FIRST_PAUSE
        else:
            state, due_at = RequestState.FAILED, None
        self.catalog.advance(
            partition, state, reason=reason, due_at=due_at, recipe=recipe.name, now=now
        )


def lineage(variation: Variation) -> dict[str, str]:
    """Who drew a variation, and in which answer."""
    told = {
        "model": variation.model,
        "model_version": variation.model_version,
        "response_id": variation.response_id,
    }
    return {name: value for name, value in told.items() if value}


def what_came_of(asked: Asked) -> str:
    """The variations that did not come, each with its reason."""
    return "; ".join(
        f"var-{variation.number} {variation.state}: {variation.reason}"
        for variation in asked.variations
        if variation.state is not VariationState.RECEIVED
    )


def recipe_for(recipe: Recipe, asked: Asked, composite: Composite) -> Recipe:
    """The recipe of a request's exports: in its shape and, where it came with a base, over that.

    The base is part of the name: two requests whose pictures are one design have their own exports.
    """
    sized = preset(asked.aspect_ratio, recipe)
    name = f"{recipe.name}-{sized.name}"
    if asked.base is None:
        return replace(sized, name=name, composite=None)
    return replace(sized, name=f"{name}-over-{asked.base.sha256[:12]}", composite=composite)
