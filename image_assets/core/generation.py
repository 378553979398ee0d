"""Pictures on request: what may be asked for, and how far a request and each of its variations is."""

from enum import StrEnum

MOST_WORDS = 8000
"""Characters of a script; settings may ask for fewer."""


class AspectRatio(StrEnum):
    """The shapes that may be asked for, width to height; `core/presets.py` has their sizes."""

    SQUARE = "1:1"
    PORTRAIT_2_3 = "2:3"
    LANDSCAPE_3_2 = "3:2"
    PORTRAIT_3_4 = "3:4"
    LANDSCAPE_4_3 = "4:3"
    PORTRAIT_4_5 = "4:5"
    PORTRAIT_9_16 = "9:16"
    LANDSCAPE_16_9 = "16:9"
    CINEMA = "21:9"


class RequestState(StrEnum):
    """How far a request is."""

    WAITING = "waiting"  # nothing is under way: its run has not begun, or what failed may pass
    GENERATING = "generating"
    HELD = "held"  # somebody must change something first, or a daily quota is spent
    EXPORTING = "exporting"  # every variation is settled; exports are being made
    DONE = "done"
    FAILED = "failed"  # nothing came of it, and nothing will

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (RequestState.DONE, RequestState.FAILED)


class VariationState(StrEnum):
    """What became of one picture that was asked for."""

    WAITING = "waiting"
    SENDING = "sending"  # the generator is being asked, by whoever has the lease
    RECEIVED = "received"  # the bytes are here
    BLOCKED = "blocked"  # a content policy refuses it
    REFUSED = "refused"  # it is refused for another reason, or what came is no picture
    IN_DOUBT = "in_doubt"  # asked and perhaps paid for, and no answer came: never asked again

    @property
    def is_settled(self) -> bool:
        """Whether it will not be asked for again."""
        return self not in (VariationState.WAITING, VariationState.SENDING)


def is_script(text: str, longest: int = MOST_WORDS) -> bool:
    """Whether a text can be a prompt: something to read, of that length, and no control characters.

    Line breaks and tabs are allowed; what no database and no page keeps (NUL, escapes, halves of
    surrogates) is not.
    """
    return bool(text.strip()) and len(text) <= longest and not any(map(_is_control, text))


def _is_control(character: str) -> bool:
    code = ord(character)
    control = code < 0x20 or 0x7F <= code < 0xA0
    return (control and character not in "\n\r\t") or 0xD800 <= code < 0xE000
