"""The hour and the weather: how bright it is, of which colour, and whether it rains."""

import datetime as dt
import math
import random
from dataclasses import dataclass

from image_assets.rehearsal.perspective import Colour, mix

SOLAR_OFFSET = dt.timedelta(hours=-8)  # the terminal stands in California; its camera says UTC

_ZENITH: Colour = (88, 140, 200)
_HAZE: Colour = (206, 222, 234)
_GLOW: Colour = (246, 158, 92)
_DUSK: Colour = (84, 84, 138)
_CLOUD_HIGH: Colour = (148, 156, 164)
_CLOUD_LOW: Colour = (196, 201, 205)


@dataclass(frozen=True, slots=True)
class Light:
    """`day` is 0 at night and 1 at full light, `warmth` 1 at dawn and dusk, `cloud` 1 when overcast."""

    day: float
    warmth: float
    cloud: float
    rain: bool

    @property
    def night(self) -> float:
        """How much the lamps matter, 0..1."""
        return 1 - self.day

    def sky(self) -> tuple[Colour, Colour]:
        """The colours overhead and above the horizon, before the light is dimmed."""
        warmth = self.warmth * (1 - 0.7 * self.cloud)
        high = mix(mix(_ZENITH, _CLOUD_HIGH, self.cloud), _DUSK, warmth)
        low = mix(mix(_HAZE, _CLOUD_LOW, self.cloud), _GLOW, warmth)
        return high, low

    def gains(self) -> tuple[float, float, float]:
        """What is left of red, green and blue where no lamp shines."""
        sunny = 1.0 - 0.18 * self.cloud - (0.10 if self.rain else 0.0)
        warm = (1.0, 1.0 - 0.12 * self.warmth, 1.0 - 0.28 * self.warmth)
        dark = (0.13, 0.16, 0.25)
        red, green, blue = (d + (sunny * w - d) * self.day for d, w in zip(dark, warm, strict=True))
        return red, green, blue


def light_at(moment: dt.datetime, seed: str) -> Light:
    """The light at a moment; the weather changes every three hours."""
    local = moment.astimezone(dt.UTC) + SOLAR_OFFSET
    hour = local.hour + local.minute / 60 + local.second / 3600
    height = math.cos((hour - 12.7) / 12 * math.pi)
    weather = random.Random(f"{seed}/weather/{local.date()}/{local.hour // 3}")
    rain = weather.random() < 0.14
    return Light(
        day=max(0.0, min(1.0, (height + 0.22) / 0.5)),
        warmth=math.exp(-(((height - 0.02) / 0.17) ** 2)),
        cloud=1.0 if rain else weather.random() ** 2,
        rain=rain,
    )
