"""Forms, read whole: the fields by name, the files with what was said about them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; `filename` is None for a plain field."""

    content: bytes = field(repr=False)
    filename: str | None = None
    content_type: str | None = None

    @property
    def text(self) -> str:
        """The content as text; bytes that are no UTF-8 are replaced."""
        return self.content.decode("utf-8", "replace")


class NotAFormError(ValueError):
    """The body is not the multipart form its header announces."""


def read_form(content_type: str, body: bytes) -> dict[str, Part]:
    """The parts by name; of two with one name the last.

    Raises:
        NotAFormError: another content type, no boundary, or a body that breaks off.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise NotAFormError("a multipart/form-data body with a boundary is needed")
    reading = _Reading()
    parser = MultipartParser(boundary, reading.callbacks())
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise NotAFormError(str(error)) from error
    if not reading.ended:
        raise NotAFormError("the form breaks off before its last boundary")
    return reading.parts


def read_any_form(content_type: str, body: bytes) -> dict[str, Part]:
    """The same for services that take fields without files in a plain form as well.

    Raises:
        NotAFormError: it is neither.
    """
    if parse_options_header(content_type)[0] != b"application/x-www-form-urlencoded":
        return read_form(content_type, body)
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: Part(value.encode()) for name, value in fields}


class _Reading:
    """Collects what the parser calls out."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self.ended = False
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._content = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._headers, self._content = {}, bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _end_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        filename, kind = options.get(b"filename"), self._headers.get(b"content-type")
        self.parts[options.get(b"name", b"").decode("utf-8", "replace")] = Part(
            bytes(self._content),
            None if filename is None else filename.decode("utf-8", "replace"),
            None if kind is None else kind.decode("latin-1"),
        )

    def _end(self) -> None:
        self.ended = True
