"""Whether a picture is another one encoded anew: what hosts do with what they are sent.

Not whether two pictures are one design (`nearest`): neither size nor cut nor tone may differ, so much
less is let pass. Encoders keep light and blur colour, so light is compared in each of 32x32
places and colour in 8x8.
"""

from dataclasses import dataclass

import numpy as np

from image_assets.core.fingerprint import CELLS, SMALL, Fingerprint

MOST_LIGHT = 14.0
MOST_COLOUR = 14.0
"""Levels of 255. Frames, photographs, designs and blocks of full colour, 160 pixels wide and more, moved by
10.3 and 9.1 at most as JPEGs of quality 50 to 92; frames of one camera, hours to weeks apart,
differed by 26 of light at least. Frames in which hardly anything moved may pass for one another."""

_LIGHT = np.array([0.299, 0.587, 0.114])  # of red, green and blue (ITU-R BT.601)


@dataclass(frozen=True, slots=True)
class Moved:
    """By how many levels two pictures differ at most, on white: light of 32x32, colour of 8x8 places."""

    light: float
    colour: float

    @property
    def by_encoding(self) -> bool:
        """Whether an encoder may have done that."""
        return self.light <= MOST_LIGHT and self.colour <= MOST_COLOUR


def moved(a: Fingerprint, b: Fingerprint) -> Moved:
    """How far two pictures of one size are apart; the same whichever comes first."""
    apart = _small(a) - _small(b)
    cell = SMALL // CELLS
    colour = apart.reshape(CELLS, cell, CELLS, cell, 3).mean(axis=(1, 3))
    return Moved(float(np.abs(apart @ _LIGHT).max()), float(np.abs(colour).max()))


def _small(look: Fingerprint) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.frombuffer(look.small, np.uint8).reshape(SMALL, SMALL, 3).astype(np.float64)
