"""Texts with a moment and names in them, such as addresses: spelled and read back by one template.

The fields are strftime's, free of locales: names of months and days are English.
"""

import datetime as dt
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ZONE = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>[0-5]\d)", re.ASCII)
_TOKEN = re.compile(r"%-?[A-Za-z%]|%|\{\w*\}|[{}]|[^%{}]+", re.DOTALL)
_SHORT = r"0|[1-9]\d?"
_NAME = "n"  # a token's group in the expression: a name's, or a field's
_FIELD = "f"


def _any_of(words: Iterable[str], length: int | None = None) -> str:
    return "|".join(word[:length] for word in words)


def _hour12(at: dt.datetime) -> int:
    return at.hour % 12 or 12


_FIELDS: Mapping[str, tuple[str, Callable[[dt.datetime], str]]] = {
    "Y": (r"\d{4}", lambda at: f"{at.year:04}"),
    "y": (r"\d\d", lambda at: f"{at.year % 100:02}"),
    "m": (r"\d\d", lambda at: f"{at.month:02}"),
    "-m": (_SHORT, lambda at: f"{at.month}"),
    "B": (_any_of(_MONTHS), lambda at: _MONTHS[at.month - 1]),
    "b": (_any_of(_MONTHS, 3), lambda at: _MONTHS[at.month - 1][:3]),
    "d": (r"\d\d", lambda at: f"{at.day:02}"),
    "-d": (_SHORT, lambda at: f"{at.day}"),
    "A": (_any_of(_DAYS), lambda at: _DAYS[at.weekday()]),
    "a": (_any_of(_DAYS, 3), lambda at: _DAYS[at.weekday()][:3]),
    "j": (r"\d{3}", lambda at: f"{at.timetuple().tm_yday:03}"),
    "H": (r"\d\d", lambda at: f"{at.hour:02}"),
    "-H": (_SHORT, lambda at: f"{at.hour}"),
    "I": (r"\d\d", lambda at: f"{_hour12(at):02}"),
    "-I": (_SHORT, lambda at: f"{_hour12(at)}"),
    "p": ("AM|PM", lambda at: "AM" if at.hour < 12 else "PM"),
    "M": (r"\d\d", lambda at: f"{at.minute:02}"),
    "S": (r"\d\d", lambda at: f"{at.second:02}"),
    "s": (r"\d{1,11}", lambda at: f"{int(at.timestamp())}"),
    "z": (r"Z|[+-]\d\d:?[0-5]\d", lambda at: at.strftime("%z")),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text said: its moment (naive where it named no zone), and its names."""

    at: dt.datetime
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # _NAME or _FIELD; empty for plain text
    text: str


class Pattern:
    """A template: plain text, `{name}`s, and fields of a moment such as `%Y` or `%-H`.

    `%-m %-d %-H %-I` have no leading zero, `%s` is the Unix time, `%%` a percent sign.

    Args:
        template: the text.
        names: what may stand in braces.

    Raises:
        ValueError: it holds an unknown field or name.
    """

    def __init__(self, template: str, names: Iterable[str] = ()) -> None:
        self.template = template
        known = frozenset(names)
        self._tokens = tuple(_token(part, known) for part in _TOKEN.findall(template))
        self._expression = re.compile(
            "".join(_expression(number, token) for number, token in enumerate(self._tokens)),
            re.ASCII,
        )

    def __repr__(self) -> str:
        return f"Pattern({self.template!r})"

    def holds(self, *fields: str) -> bool:
        """Whether the template has all of these fields or names."""
        return set(fields) <= {token.text for token in self._tokens if token.kind}

    @property
    def tells_the_day(self) -> bool:
        """Whether what it spells and reads is a date at least."""
        year = self._holds_any("Y", "y")
        month = self._holds_any("m", "-m", "B", "b") and self._holds_any("d", "-d")
        return self.holds("s") or (year and (month or self.holds("j")))

    @property
    def tells_the_second(self) -> bool:
        """Whether what it spells and reads is a moment, to the second."""
        hour = self._holds_any("H", "-H") or (self.holds("p") and self._holds_any("I", "-I"))
        return self.holds("s") or (self.tells_the_day and hour and self.holds("M", "S"))

    def _holds_any(self, *fields: str) -> bool:
        return any(self.holds(field) for field in fields)

    def spell(self, at: dt.datetime, names: Mapping[str, str] | None = None) -> str:
        """The text of that moment; names are escaped as an address needs it."""
        return "".join(_spelled(token, at, names or {}) for token in self._tokens)

    def read(self, text: str) -> Reading | None:
        """What `text` says; None when it is not of this template, or contradicts itself."""
        found = self._expression.fullmatch(text)
        if found is None:
            return None
        groups = found.groupdict()
        fields = [
            (token.text, groups[f"{_FIELD}{number}"])
            for number, token in enumerate(self._tokens)
            if token.kind == _FIELD
        ]
        try:
            at = _moment(dict(fields))
        except (ValueError, OverflowError):  # the digits are no date
            return None
        agrees = all(_agrees(code, text, at) for code, text in fields)
        names = self._names(groups)
        return Reading(at, names) if agrees and names is not None else None

    def _names(self, groups: Mapping[str, str]) -> dict[str, str] | None:
        """Each name's value; None when one has two."""
        names: dict[str, str] = {}
        for number, token in enumerate(self._tokens):
            if token.kind == _NAME:
                value = urllib.parse.unquote(groups[f"{_NAME}{number}"])
                if names.setdefault(token.text, value) != value:
                    return None
        return names


def _token(part: str, names: frozenset[str]) -> _Token:
    if part.startswith("%"):
        if part == "%%":
            return _Token("", "%")
        if part[1:] not in _FIELDS:
            raise ValueError(f"{part!r} is no field of a time; a percent sign is %%")
        return _Token(_FIELD, part[1:])
    if part[0] in "{}":
        if part[1:-1] not in names:
            raise ValueError(f"{part!r} is not known here; known are {', '.join(sorted(names))}")
        return _Token(_NAME, part[1:-1])
    return _Token("", part)


def _expression(number: int, token: _Token) -> str:
    if not token.kind:
        return re.escape(token.text)
    inside = f"(?i:{_FIELDS[token.text][0]})" if token.kind == _FIELD else r"[^/?#&\s]+?"
    return f"(?P<{token.kind}{number}>{inside})"


def _spelled(token: _Token, at: dt.datetime, names: Mapping[str, str]) -> str:
    if token.kind == _FIELD:
        return _FIELDS[token.text][1](at)
    return urllib.parse.quote(names[token.text], safe="") if token.kind else token.text


def _agrees(code: str, text: str, at: dt.datetime) -> bool:
    return code == "z" or _FIELDS[code][1](at).lower() == text.lower()


def _moment(fields: Mapping[str, str]) -> dt.datetime:
    if "s" in fields:
        return dt.datetime.fromtimestamp(int(fields["s"]), dt.UTC)
    year = int(fields["Y"]) if "Y" in fields else 2000 + int(fields.get("y", "0"))
    zone = _zone(fields["z"]) if "z" in fields else None
    if "j" in fields:
        first = dt.datetime(year, 1, 1, _hour(fields), tzinfo=zone)
        return _at(first + dt.timedelta(days=int(fields["j"]) - 1), fields)
    day = int(fields.get("d") or fields.get("-d") or 1)
    return _at(dt.datetime(year, _month(fields), day, _hour(fields), tzinfo=zone), fields)


def _at(hour: dt.datetime, fields: Mapping[str, str]) -> dt.datetime:
    return hour.replace(minute=int(fields.get("M", "0")), second=int(fields.get("S", "0")))


def _month(fields: Mapping[str, str]) -> int:
    word = fields.get("B") or fields.get("b")
    if word is None:
        return int(fields.get("m") or fields.get("-m") or 1)
    return [month[:3].lower() for month in _MONTHS].index(word[:3].lower()) + 1


def _hour(fields: Mapping[str, str]) -> int:
    if "p" not in fields:
        return int(fields.get("H") or fields.get("-H") or 0)
    twelve = int(fields.get("I") or fields.get("-I") or fields.get("H") or 12)
    return twelve % 12 + (12 if fields["p"].upper() == "PM" else 0)


def _zone(text: str) -> dt.tzinfo:
    offset = _ZONE.fullmatch(text)
    if offset is None:  # Z
        return dt.UTC
    ahead = dt.timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
    return dt.timezone(ahead if offset["sign"] == "+" else -ahead)
