"""One call of S3: tried again within bounds where that is safe, and speaking our errors."""

from collections.abc import Callable
from typing import TypeVar

from image_assets.core.errors import (
    ImageAssetsError,
    InDoubtError,
    PermanentError,
    TransientError,
)
from image_assets.services.persistence import persist
from image_assets.services.politeness import Clock, Deadline, Retry
from image_assets.services.s3.failures import LIBRARY_ERRORS, Failures, carried_out

T = TypeVar("T")


class Calls:
    """How often a bucket is asked, and how its failures are told."""

    def __init__(self, place: str, failures: Failures, retry: Retry, clock: Clock) -> None:
        self._place = place
        self._failures = failures
        self.retry = retry
        self.clock = clock

    def __call__(
        self,
        operation: str,
        key: str,
        send: Callable[[int, Deadline], T],
        *,
        repeatable: bool = True,
    ) -> T:
        """The answer to `send`, which is given the number of the attempt and the end of them all.

        Args:
            operation: what is asked, for messages.
            key: of what.
            send: asks once.
            repeatable: sending it twice is as good as once; else it is sent again only after a
                refusal that says it was not carried out.

        Raises:
            InDoubtError: not repeatable, sent, and nobody knows what became of it.
        """
        what = f"{self._place}: {operation} {key}".rstrip()
        return persist(
            lambda attempt, budget: self._once(what, lambda: send(attempt, budget), repeatable),
            self.retry,
            self.clock,
        )

    def _once(self, what: str, send: Callable[[], T], repeatable: bool) -> T:
        try:
            return send()
        except StrangeAnswerError as error:
            found: ImageAssetsError = TransientError(f"{what}: {error}")
            unknown = True
        except RecursionError:
            # botocore asks for the bucket's region where it is redirected, and that is redirected as well.
            found = PermanentError(
                f"{what}: redirected in circles; check the address of the service"
            )
            unknown = False
        except LIBRARY_ERRORS as error:
            found = self._failures.error_of(error, what)
            unknown = carried_out(error) is None
        # Raised out here, without a cause: what a service says may hold a key, and only the message
        # was cleaned.
        if isinstance(found, TransientError) and unknown and not repeatable:
            raise InDoubtError(f"{found}; sent, and nobody knows whether it arrived")
        raise found


class StrangeAnswerError(Exception):
    """An answer that succeeded and is none of S3's: of a proxy, or cut."""
