"""A socket that keeps nobody waiting beyond a deadline."""

import functools
import select
import socket
import ssl
from collections.abc import Callable

from image_assets.services.politeness import Deadline

_TLS: dict[type[OSError], int] = {
    ssl.SSLWantReadError: select.POLLIN,
    ssl.SSLWantWriteError: select.POLLOUT,
}
_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BrokenError(Exception):
    """The connection, or what came over it, is of no use; says how, in words."""


class Stream:
    """Bytes both ways. httpx bounds each read and each write; a peer that sends a byte a minute
    never meets such a bound, so here every call asks what is left of the whole.
    """

    def __init__(self, connection: socket.socket) -> None:
        # Asked first, waited for only if need be: with a time-out of its own, the socket would
        # wait before every call, and setting one is a system call too.
        connection.setblocking(False)
        self._socket = connection

    def read_into(self, buffer: memoryview, deadline: Deadline) -> int:
        """How many bytes were put into `buffer`; 0 at the end.

        Raises:
            BrokenError: the connection broke, or the time was up before a byte came.
        """
        try:
            receive = functools.partial(self._socket.recv_into, buffer)
            return self._patiently(receive, select.POLLIN, deadline.left)
        except TimeoutError:
            raise BrokenError("the answer took too long") from None
        except OSError as error:
            raise broken(error) from error

    def write(self, content: bytes, deadline: Deadline) -> None:
        """Send all of `content`.

        Raises:
            BrokenError: the time was up before.
            OSError: the peer takes no more; it may have said why.
        """
        left = memoryview(content)
        while left:
            send = functools.partial(self._socket.send, left)
            try:
                count = self._patiently(send, select.POLLOUT, deadline.left)
            except TimeoutError:
                raise BrokenError("sending took too long") from None
            left = left[count:]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits to be read, neither bytes nor the end."""
        return not _poll(self._socket, select.POLLIN, 0)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _patiently(
        self, call: Callable[[], int], events: int, seconds_left: Callable[[], float]
    ) -> int:
        while (left := seconds_left()) > 0:
            try:
                return call()
            except _NOT_YET as wanting:
                # TLS may have to read before it can write, and the other way round.
                if not _poll(self._socket, _TLS.get(type(wanting), events), left):
                    break
        raise TimeoutError


def broken(error: OSError) -> BrokenError:
    """The system's error in words."""
    return BrokenError(f"the connection broke ({error.strerror or error})")


def _poll(connection: socket.socket, events: int, seconds: float) -> bool:
    ready = select.poll()
    ready.register(connection, events)
    return bool(ready.poll(seconds * 1000))
