"""Where a text file names pictures of this machine, and the text with their URLs instead.

Nothing but the names changes: quotes, line ends and all else stay, byte for byte.
"""

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from image_assets.core.file_filter import EXTENSIONS

_PICTURE = rf"(?:{'|'.join(re.escape(extension) for extension in EXTENSIONS)})"
_FLAGS = re.IGNORECASE | re.MULTILINE


class Form(StrEnum):
    """How a file is written: what surrounds a name in it, and what has to be spelled how."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    CSV = "csv"

    @classmethod
    def of(cls, name: str) -> "Form":
        """The form that a file's name tells; text where it tells none."""
        return _FORMS.get(name.lower().rpartition(".")[2], cls.TEXT)


_FORMS = {
    "md": Form.MARKDOWN,
    "markdown": Form.MARKDOWN,
    "html": Form.HTML,
    "htm": Form.HTML,
    "xhtml": Form.HTML,
    "css": Form.HTML,
    "json": Form.JSON,
    "jsonl": Form.JSON,
    "ndjson": Form.JSON,
    "csv": Form.CSV,
    "tsv": Form.CSV,
}

Spell = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Mention:
    """Characters `start` to `end` of a text, which name `path`; `spell` writes a URL in their place."""

    start: int
    end: int
    path: str
    spell: Spell


def mentions(text: str, form: Form, is_ours: Callable[[str], bool]) -> Sequence[Mention]:
    """Where the text names a path that is one of ours, in the order of the text; none overlaps another."""
    taken: list[Mention] = []
    for found in _CANDIDATES[form](text):
        free = all(found.end <= other.start or other.end <= found.start for other in taken)
        if free and found.path.lower().endswith(EXTENSIONS) and is_ours(found.path):
            taken.append(found)
    return sorted(taken, key=lambda mention: mention.start)


def rewritten(text: str, found: Sequence[Mention], urls: Mapping[str, str]) -> str:
    """The text with the URLs of the paths that have one."""
    parts, at = [], 0
    for mention in found:
        if (url := urls.get(mention.path)) is not None:
            parts += [text[at : mention.start], mention.spell(url)]
            at = mention.end
    return "".join([*parts, text[at:]])


def _as_it_is(url: str) -> str:
    return url


def _in_html(url: str) -> str:
    return html.escape(url)


def _in_markdown(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29")


def _in_json(url: str) -> str:
    return json.dumps(url)[1:-1]


def _plain(text: str) -> Iterator[Mention]:
    """In quotes, alone on a line, or a word."""
    patterns = (
        rf'"([^"\r\n]+?{_PICTURE})"',
        rf"'([^'\r\n]+?{_PICTURE})'",
        rf"^[ \t]*(\S[^\r\n]*?{_PICTURE})[ \t]*\r?$",
        rf"([^\s\"'<>()\[\]{{}},;|=]+{_PICTURE})(?![\w.])",
    )
    for pattern in patterns:
        for match in re.finditer(pattern, text, _FLAGS):
            yield Mention(*match.span(1), match[1], _as_it_is)


def _markdown(text: str) -> Iterator[Mention]:
    """Links and images, inline and by reference, and HTML between them."""
    patterns = (
        r"\]\(\s*<([^<>\r\n]+)>",
        rf"\]\(\s*([^<>\r\n]+?{_PICTURE})(?=\s*\)|\s+[\"'(])",
        r"^ {0,3}\[[^\]\r\n]+\]:[ \t]*<([^<>\r\n]+)>",
        r"^ {0,3}\[[^\]\r\n]+\]:[ \t]*([^\s<]\S*)",
    )
    for pattern in patterns:
        for match in re.finditer(pattern, text, _FLAGS):
            yield from _spelled(*match.span(1), match[1], _in_markdown)
    yield from _html(text)


_ATTRIBUTE = re.compile(
    r"\b(?P<name>src|href|poster|content|data-[a-z-]+|srcset)\s*=\s*"
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'<>]+))",
    _FLAGS,
)
_STYLE = re.compile(r"\burl\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'()]+))\s*\)", _FLAGS)
_IN_SET = re.compile(r"(?:^|,)\s*([^\s,]+)", re.ASCII)


def _html(text: str) -> Iterator[Mention]:
    """Values of attributes, sets of sources with them, and addresses in styles."""
    for match in _ATTRIBUTE.finditer(text):
        group = match.lastgroup or ""
        start, value = match.start(group), match[group]
        if match["name"].lower().endswith("srcset"):
            for one in _IN_SET.finditer(value):
                yield from _spelled(start + one.start(1), start + one.end(1), one[1], _in_html)
        else:
            yield from _spelled(*match.span(group), value, _in_html)
    for match in _STYLE.finditer(text):
        group_number = match.lastindex or 1
        yield from _spelled(*match.span(group_number), match[group_number], _in_html)


def _spelled(start: int, end: int, value: str, spell: Spell) -> Iterator[Mention]:
    """As it stands there, and as such files spell what is no plain letter."""
    plain = html.unescape(value).strip()
    for path in dict.fromkeys((plain, unquote(plain))):
        yield Mention(start, end, path, spell)


def _json(text: str) -> Iterator[Mention]:
    """Texts that are values; names of members stay."""
    for match in re.finditer(r'"((?:[^"\\\x00-\x1f]|\\.)*)"(\s*:)?', text):
        if match[2] is None:
            with suppress(ValueError):
                yield Mention(*match.span(1), json.loads(match[0]), _in_json)


def _csv(text: str) -> Iterator[Mention]:
    """Whole cells."""
    first = text.partition("\n")[0]
    comma = max(",;\t|", key=first.count)
    cell = rf'(?:^|(?<=[\r\n\ufeff{comma}]))(?:"((?:[^"]|"")*)"|([^"\r\n\ufeff{comma}]+))(?=[\r\n{comma}]|$)'
    for match in re.finditer(cell, text, re.MULTILINE):
        if match[1] is not None:
            yield Mention(*match.span(1), match[1].replace('""', '"'), _as_it_is)
            continue
        path = match[2].strip()
        start = match.start(2) + match[2].index(path)

        def quoted(url: str) -> str:
            return f'"{url}"' if comma in url else url

        yield Mention(start, start + len(path), path, quoted)


_CANDIDATES: dict[Form, Callable[[str], Iterator[Mention]]] = {
    Form.TEXT: _plain,
    Form.MARKDOWN: _markdown,
    Form.HTML: _html,
    Form.JSON: _json,
    Form.CSV: _csv,
}
