"""What an image host takes as it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from image_assets.core.errors import PermanentError
from image_assets.core.model import Content, ImageFormat


@dataclass(frozen=True, slots=True)
class Takes:
    """The formats a host leaves as they are, and the bytes a file of each may have (None: any)."""

    limits: Mapping[ImageFormat, int | None]

    @classmethod
    def alike(cls, formats: Iterable[ImageFormat], max_bytes: int | None) -> "Takes":
        """The same limit for every format."""
        return cls(dict.fromkeys(formats, max_bytes))

    def within(self, formats: Iterable[ImageFormat] | None, max_bytes: int | None) -> "Takes":
        """The same, narrowed: to these formats in their order, to so many bytes; None narrows nothing."""
        wanted = self.limits if formats is None else [f for f in formats if f in self.limits]
        return Takes({format: _less(self.limits[format], max_bytes) for format in wanted})

    def lacks(self, content: Content) -> str | None:
        """Why content is not taken; None when it is."""
        if content.format not in self.limits:
            formats = ", ".join(self.limits).upper() or "nothing"
            return f"takes no {content.format.upper()}, only {formats}"
        most = self.limits[content.format]
        if most is not None and content.size > most:
            taken = f"takes {most:,} bytes of {content.format.upper()}"
            return f"{taken}, and this has {content.size:,}"
        return None

    def admit(self, content: Content, host: str) -> None:
        """Let content pass that the host takes.

        Raises:
            PermanentError: it does not. A setting can change that, so it is not refused for ever.
        """
        if (reason := self.lacks(content)) is not None:
            raise PermanentError(
                f"{content.name}: {host} {reason}; nothing was sent. OPTIMISE_UPLOADS=true"
                " publishes a rendering that it takes"
            )


def _less(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else min(one, other)
