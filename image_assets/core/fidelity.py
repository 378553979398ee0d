"""How a host treats the pictures it is sent, by their format: learned from what it was seen to show.

A treatment that was never seen of a format, once its usual ones are known, is a change of the host's
behaviour; one that harms is a change the first time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from image_assets.core.model import Content, ImageFormat, Level

ESTABLISHED = 3
"""Pictures of a format after which the host's treatment of it counts as known."""


class Treatment(StrEnum):
    """What became of a picture between our file and what the host shows."""

    SAME_BYTES = "same_bytes"
    SAME_PIXELS = "same_pixels"
    ENCODED_ANEW = "encoded_anew"
    CONVERTED = "converted"
    STRIPPED = "stripped"
    RESIZED = "resized"
    REPLACED = "replaced"
    BROKEN = "broken"
    LOST = "lost"

    @property
    def harms(self) -> bool:
        """Whether the picture that was sent is not there any more for whoever looks."""
        return self in _HARM

    @property
    def words(self) -> str:
        """As a sentence about the host goes on."""
        return _WORDS[self]


_HARM = frozenset({Treatment.RESIZED, Treatment.REPLACED, Treatment.BROKEN, Treatment.LOST})

_WORDS = {
    Treatment.SAME_BYTES: "keeps the bytes",
    Treatment.SAME_PIXELS: "packs the same pixels in other bytes",
    Treatment.ENCODED_ANEW: "encodes the picture anew",
    Treatment.CONVERTED: "shows it in another format",
    Treatment.STRIPPED: "takes the metadata out",
    Treatment.RESIZED: "changes its size",
    Treatment.REPLACED: "shows something else",
    Treatment.BROKEN: "shows what cannot be decoded",
    Treatment.LOST: "has lost it",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a host was seen to show of something that was sent as `format`.

    `size` are the bytes it shows, None where only the host's word of them was compared.
    """

    level: Level
    format: ImageFormat
    treatments: frozenset[Treatment]
    size: int | None = None

    @classmethod
    def proven(cls, content: Content, level: Level) -> "Shown":
        """What a level alone says: equal bytes are equal bytes, of anything less nothing is known."""
        same = level in (Level.L3, Level.L4)
        treated = frozenset({Treatment.SAME_BYTES}) if same else frozenset[Treatment]()
        return cls(level, content.format, treated, content.size if same else None)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A treatment seen `count` times of pictures sent in one format, the last one at `example`."""

    format: ImageFormat
    treatment: Treatment
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Habit:
    """A line of a host's profile: how often it was seen to treat a format so.

    `instead_of` says what was usual before, where this was a change; `accepted` is true once a person
    took note of it.
    """

    format: ImageFormat
    treatment: Treatment
    count: int
    example: str
    instead_of: str | None = None
    accepted: bool = False

    @property
    def alarms(self) -> bool:
        """Whether it is a change that nobody took note of."""
        return self.instead_of is not None and not self.accepted

    @property
    def said(self) -> str:
        """The change as a sentence goes on after the host's name."""
        return (
            f"{self.treatment.words} (sent as {self.format.upper()}), where it was: "
            f"{self.instead_of}; for instance {self.example}"
        )


def change(habits: Sequence[Habit], sighting: Sighting) -> str | None:
    """What was usual until this sighting, when it is a change of what the host does; else None."""
    known = [habit for habit in habits if habit.format is sighting.format]
    if any(habit.treatment is sighting.treatment for habit in known):
        return None
    seen = sum(habit.count for habit in known)
    if sighting.treatment.harms or seen >= ESTABLISHED:
        return usual(known)
    return None


def usual(habits: Iterable[Habit]) -> str:
    """What a host does with one format, the most frequent first."""
    ranked = sorted(habits, key=lambda habit: (-habit.count, habit.treatment))
    return ", ".join(f"{h.treatment.words} ({h.count:,})" for h in ranked) or "nothing known"


def profile(habits: Iterable[Habit]) -> dict[str, str]:
    """A host's profile in words, by the format that is sent."""
    by_format: dict[ImageFormat, list[Habit]] = {}
    for habit in habits:
        by_format.setdefault(habit.format, []).append(habit)
    return {format.value: usual(found) for format, found in sorted(by_format.items())}
