"""Which bytes of a file a Range header asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

_MOST_LETTERS = 1000
_MOST_SPANS = 16  # after joining: a header must not make an answer many times the file
_SPAN = re.compile(r"[ \t]*(?P<first>\d{0,18})-(?P<last>\d{0,18})[ \t]*", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes of a file, from `start` up to and without `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many there are."""
        return self.end - self.start

    def of(self, size: int) -> str:
        """As a Content-Range header tells it."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


def spans(header: str, size: int) -> tuple[Span, ...] | None:
    """The spans asked for of a file of `size` bytes, in order and joined where they touch.

    Empty when none of them is in the file; None when the header is to be ignored, as one is that
    cannot be read or asks for too many.
    """
    unit, _, listed = header.partition("=")
    if unit.strip().lower() != "bytes" or len(header) > _MOST_LETTERS:
        return None
    wanted: list[Span] = []
    for spec in listed.split(","):
        match = _SPAN.fullmatch(spec)
        if match is None or not _is_span(match["first"], match["last"]):
            return None
        span = _span(match["first"], match["last"], size)
        if span.size > 0:
            wanted.append(span)
    joined = _joined(wanted)
    return joined if len(joined) <= _MOST_SPANS else None


def _is_span(first: str, last: str) -> bool:
    if first and last:
        return int(first) <= int(last)
    return bool(first or last)


def _span(first: str, last: str, size: int) -> Span:
    if not first:
        return Span(max(0, size - int(last)), size)
    return Span(int(first), min(int(last) + 1, size) if last else size)


def _joined(wanted: list[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in sorted(wanted):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)
