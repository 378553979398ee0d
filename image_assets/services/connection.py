"""One HTTP/1.1 connection, one exchange at a time (RFC 9112).

h11 speaks and understands the protocol. Only the bytes of a body whose length is known pass it by, from
the socket into one buffer: that is nearly all that a downloader receives, and h11 copies it twice.
"""

from collections.abc import Callable, Iterable, Iterator

import h11
import httpx

from image_assets.services.politeness import Deadline
from image_assets.services.stream import BrokenError, Stream, broken

_MOST_HEAD = 100 * 1024
_HEAD_SIP = 4096  # what comes with the head is copied
_PORTION = 64 * 1024  # bytes of a body that are sent at a time, at least
_BODILESS = frozenset({204, 304})

Body = Iterator[memoryview]
"""Each piece is good until the next is asked for."""


class Connection:
    """A connection that is open.

    Args:
        stream: its bytes.
        sip: how many of them are taken at a time.
    """

    def __init__(self, stream: Stream, sip: int) -> None:
        self._stream = stream
        self._buffer = memoryview(bytearray(sip))
        self._http = h11.Connection(h11.CLIENT)
        self._sent = False
        self.reusable = False

    @property
    def is_quiet(self) -> bool:
        """Whether the peer has neither hung up nor said what nobody asked for."""
        return self._stream.is_quiet

    def close(self) -> None:
        """End the connection."""
        self._stream.close()

    def ask(
        self, request: httpx.Request, deadline: Deadline, sent: Callable[[], None]
    ) -> h11.Response:
        """Send a request and give the head of its answer; `body` gives the rest.

        Args:
            request: what to send.
            deadline: the moment by which the whole exchange has ended.
            sent: called when all of it was sent.

        Raises:
            BrokenError: there was no answer, or none that can be understood.
        """
        self.reusable = self._sent = False
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        try:
            self._send(request, deadline)
            self._sent = True
            sent()
        except OSError as error:  # who refuses to read on may say why
            if self._stream.is_quiet:
                raise broken(error) from error
        while not isinstance(event := self._next(deadline), h11.Response):
            if not isinstance(event, h11.InformationalResponse):
                raise BrokenError("an answer without a head")
        return event

    def body(self, request: httpx.Request, head: h11.Response, deadline: Deadline) -> Body:
        """The body of the answer; at its end the connection may be `reusable`.

        Raises:
            BrokenError: it was cut.
        """
        headers = dict(head.headers)  # by lower-case name; h11 saw to it that lengths agree
        length = headers.get(b"content-length")
        none = request.method == "HEAD" or head.status_code in _BODILESS
        if length is None or none or b"transfer-encoding" in headers:
            yield from self._framed(deadline)
            return
        yield from self._sized(int(length), deadline)
        stays = b"close" not in headers.get(b"connection", b"").lower()
        no_more = len(self._http.trailing_data[0]) <= int(length)  # else: what nobody asked for
        self.reusable = self._sent and stays and no_more and head.http_version == b"1.1"

    def _send(self, request: httpx.Request, deadline: Deadline) -> None:
        head = h11.Request(
            method=request.method, target=request.url.raw_path, headers=request.headers.raw
        )
        self._say(head, deadline)
        assert isinstance(request.stream, httpx.SyncByteStream)
        for chunk in _gathered(request.stream):
            self._say(h11.Data(data=chunk), deadline)
        self._say(h11.EndOfMessage(), deadline)

    def _say(self, event: h11.Event, deadline: Deadline) -> None:
        if content := self._http.send(event):
            self._stream.write(content, deadline)

    def _next(self, deadline: Deadline) -> object:
        """The next of h11's events."""
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise BrokenError(f"broken or cut answer ({error})") from error
            if event is not h11.NEED_DATA:
                return event
            no_head = self._http.their_state is h11.SEND_RESPONSE
            buffer = self._buffer[:_HEAD_SIP] if no_head else self._buffer
            count = self._stream.read_into(buffer, deadline)
            if no_head and not count:
                raise BrokenError("broken or cut answer (it ended before it began)")
            self._http.receive_data(bytes(buffer[:count]))

    def _framed(self, deadline: Deadline) -> Body:
        """A body in chunks, one until the peer hangs up, or none."""
        while isinstance(event := self._next(deadline), h11.Data):
            yield memoryview(event.data)
        ends = (self._http.our_state, self._http.their_state)
        self.reusable = ends == (h11.DONE, h11.DONE) and not self._http.trailing_data[0]

    def _sized(self, length: int, deadline: Deadline) -> Body:
        """A body of so many bytes, in pieces as large as the buffer: each costs its receiver more
        than the bytes do.
        """
        begun = self._http.trailing_data[0][:length]
        self._buffer[: len(begun)] = begun
        filled, come = len(begun), 0
        while come < length:
            try:
                filled = self._fill(filled, length - come, deadline)
            except _CutError as cut:
                if cut.filled:
                    yield self._buffer[: cut.filled]
                said = f"{come + cut.filled} bytes of {length} came"
                raise BrokenError(f"{cut.cause} ({said})") from cut
            yield self._buffer[:filled]
            filled, come = 0, come + filled

    def _fill(self, filled: int, most: int, deadline: Deadline) -> int:
        """How much of the buffer holds the next of `most` bytes: all of it, or all of them."""
        whole = min(most, len(self._buffer))
        while filled < whole:
            try:
                count = self._stream.read_into(self._buffer[filled:whole], deadline)
            except BrokenError as error:
                raise _CutError(filled, str(error)) from error
            if not count:
                raise _CutError(filled, "broken or cut answer")
            filled += count
        return filled


class _CutError(Exception):
    """A body ended early; so many bytes of the buffer hold what came of it at last."""

    def __init__(self, filled: int, cause: str) -> None:
        super().__init__(cause)
        self.filled, self.cause = filled, cause


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What is sent, in portions: a form comes in twenty pieces, and each would be a call of the system."""
    waiting: list[bytes] = []
    size = 0
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= _PORTION:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
