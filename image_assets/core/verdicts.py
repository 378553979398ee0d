"""What people said of pairs of pictures, what follows from it, and what would contradict it.

A picture is named by its exact pixels (`Fingerprint.pixel_hash`). "Same" is transitive, and
"different" holds between everything that is the same as either side.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from image_assets.core.errors import RejectedError


class Ruling(StrEnum):
    """What a person can say of two pictures."""

    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person's word on a pair of pixel hashes; `a` is the smaller one, `person` whose word it is."""

    a: str
    b: str
    ruling: Ruling
    person: str = ""

    def __post_init__(self) -> None:
        if not self.a < self.b:
            raise ValueError("a verdict is on two different pictures, the smaller hash first")

    @classmethod
    def on(cls, one: str, other: str, ruling: Ruling, person: str = "") -> "Verdict":
        """The verdict on a pair, in whichever order.

        Raises:
            RejectedError: both have the same pixels: they are one design whatever anyone says.
        """
        if one == other:
            raise RejectedError("both pictures have exactly the same pixels: they are one design")
        return cls(min(one, other), max(one, other), ruling, person)

    def __str__(self) -> str:
        by = f" ({self.person})" if self.person else ""
        return f"{self.a[:8]} and {self.b[:8]} are {self.ruling}{by}"


class Judgement:
    """Verdicts that contradict each other nowhere, and all that follows from them."""

    def __init__(self, verdicts: Iterable[Verdict] = ()) -> None:
        self._same: dict[str, list[Verdict]] = {}
        self._different: dict[str, list[Verdict]] = {}
        for verdict in verdicts:
            edges = self._same if verdict.ruling is Ruling.SAME else self._different
            edges.setdefault(verdict.a, []).append(verdict)
            edges.setdefault(verdict.b, []).append(verdict)

    def same_as(self, pixels: str) -> frozenset[str]:
        """Every picture that is the same as this one, itself among them."""
        return frozenset(_reached(pixels, self._same))

    def different_from(self, pixels: str) -> frozenset[str]:
        """Every picture that is not the same as this one, by anyone's word or by what follows."""
        apart = {
            other
            for picture in self.same_as(pixels)
            for verdict in self._different.get(picture, ())
            for other in self.same_as(_other(verdict, picture))
        }
        return frozenset(apart)

    def between(self, one: str, other: str) -> Ruling | None:
        """What holds of a pair; None when nothing does."""
        if other in self.same_as(one):
            return Ruling.SAME
        return Ruling.DIFFERENT if other in self.different_from(one) else None

    def against(self, verdict: Verdict) -> Sequence[Verdict]:
        """The verdicts from which the opposite follows, as a chain; empty when it can be said."""
        if verdict.ruling is Ruling.DIFFERENT:
            return _chain(verdict.b, _reached(verdict.a, self._same))
        from_a, from_b = _reached(verdict.a, self._same), _reached(verdict.b, self._same)
        for picture in from_a:
            for dividing in self._different.get(picture, ()):
                far = _other(dividing, picture)
                if far in from_b:
                    return (*_chain(picture, from_a), dividing, *reversed(_chain(far, from_b)))
        return ()

    def refuse_contradiction(self, verdict: Verdict) -> None:
        """Let the verdict pass if it goes with all others.

        Raises:
            RejectedError: the opposite follows from what was said before; names those verdicts.
        """
        if chain := self.against(verdict):
            raise RejectedError(
                f"{verdict}: that contradicts what was said before: {'; '.join(map(str, chain))}."
                " Undo one of these first (image-assets designs decisions)"
            )


def _reached(start: str, edges: Mapping[str, Sequence[Verdict]]) -> dict[str, Verdict | None]:
    """Whatever is connected with `start`, each with the verdict that leads to it, nearest first."""
    reached: dict[str, Verdict | None] = {start: None}
    waiting = deque([start])
    while waiting:
        picture = waiting.popleft()
        for verdict in edges.get(picture, ()):
            if (other := _other(verdict, picture)) not in reached:
                reached[other] = verdict
                waiting.append(other)
    return reached


def _chain(end: str, reached: Mapping[str, Verdict | None]) -> tuple[Verdict, ...]:
    """The verdicts from the start to `end`, in that order; none when it was not reached."""
    return tuple(_back(end, reached))[::-1]


def _back(end: str, reached: Mapping[str, Verdict | None]) -> Iterator[Verdict]:
    while (verdict := reached.get(end)) is not None:
        yield verdict
        end = _other(verdict, end)


def _other(verdict: Verdict, picture: str) -> str:
    return verdict.b if picture == verdict.a else verdict.a
