"""Writes of several threads in one transaction: a commit waits for the disk, whatever it holds."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from image_assets.core.errors import ImageAssetsError
from image_assets.services.catalog.engine import writing

T = TypeVar("T")
Work = Callable[[Connection], T]

_FAILURES = (ImageAssetsError, SQLAlchemyError)
_MOST = 64
"""Pieces of work in one transaction: others wait for its end."""


class Together:
    """Carries out pieces of work, those that wait at the same moment in one transaction.

    Whoever comes first does the work of all who came while another commit was under way. A piece may
    be carried out twice, the first time in a transaction that came to nothing or, where the line to
    the server broke in its commit, in one that came to something: a repetition must change nothing.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: deque[_Piece] = deque()
        self._turn = threading.Lock()

    def write(self, work: Work[T]) -> T:
        """What `work` gives, once it is committed; its error when it fails, which is its alone."""
        piece = _Piece(work)
        self._waiting.append(piece)
        while not piece.over:
            with self._turn:
                if not piece.over:
                    self._carry_out(self._portion())
        if piece.error is not None:
            raise piece.error
        result: T = piece.result
        return result

    def _portion(self) -> list["_Piece"]:
        return [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]

    def _carry_out(self, pieces: list["_Piece"]) -> None:
        try:
            if len(pieces) == 1 or not self._all(pieces):
                for piece in pieces:
                    self._alone(piece)
        finally:
            for piece in pieces:
                piece.over = True

    def _all(self, pieces: list["_Piece"]) -> bool:
        """Whether all of them were committed. If not, whose fault it is shows when each is alone."""
        try:
            with writing(self._engine) as connection:
                results = [piece.work(connection) for piece in pieces]
        except _FAILURES:
            return False
        for piece, result in zip(pieces, results, strict=True):
            piece.succeed(result)
        return True

    def _alone(self, piece: "_Piece") -> None:
        try:
            with writing(self._engine) as connection:
                result = piece.work(connection)
        except _FAILURES as error:
            piece.error = error
        else:
            piece.succeed(result)


class _Piece:
    """Work that waits, and what became of it: failed, until it is known to be committed."""

    def __init__(self, work: Work[Any]) -> None:
        self.work = work
        self.over = False
        self.result: Any = None
        self.error: Exception | None = RuntimeError("a bug in another thread's write ended this")

    def succeed(self, result: Any) -> None:
        """It is committed."""
        self.result, self.error = result, None
