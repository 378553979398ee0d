"""Every error of the project, by what the reader can do about it.

ImageAssetsError
├── TransientError            wait: time-out, connection, 5xx, 408, 429, database busy
│   ├── NoSpaceError          the disk is full: free some, then run again
│   └── NotDoneError          the other side says itself that it did not do it
├── QuotaExhaustedError       wait for the day boundary: a daily budget is spent
├── InDoubtError              ask: the request was sent, its outcome is unknown
└── PermanentError            change something
    ├── RejectedError         what was offered is refused, and would be again
    │   ├── UnreadableImageError  the bytes are not a picture that we accept
    │   └── BlockedError      a content policy refuses it
    ├── AuthenticationError   the credential is wrong, expired or lacks a right
    ├── NotFoundError         the thing asked for is not there
    ├── MissingSettingError   a setting the work needs is not set
    └── VerificationError     what a host holds is not what was sent

A message names the thing, what happened and what to do; it never holds a credential. Anything that
is not an `ImageAssetsError` is a bug and escapes.
"""

from image_assets.core.fidelity import Treatment


class ImageAssetsError(Exception):
    """Any failure the project knows how to talk about."""


class TransientError(ImageAssetsError):
    """A failure that waiting may cure."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the other side asked us to wait, where it said so."""


class NoSpaceError(TransientError):
    """A disk of ours is full: every further item would fail as well."""


class NotDoneError(TransientError):
    """The other side says itself that it did not do it: even what must not happen twice may be sent again."""


class QuotaExhaustedError(ImageAssetsError):
    """A daily budget is spent; the work is planned again after the day boundary."""


class InDoubtError(ImageAssetsError):
    """The request left us and no answer came: it may or may not have been carried out."""


class PermanentError(ImageAssetsError):
    """A failure that only a change can cure."""


class RejectedError(PermanentError):
    """The other side refuses what was offered, and would refuse it again."""


class UnreadableImageError(RejectedError):
    """The bytes are not a picture that we accept.

    Args:
        reason: a short, stable code (`truncated`, `not_an_image`, `too_many_pixels` …).
        message: the sentence for people; the reason when not given.
    """

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message or reason)
        self.reason = reason


class BlockedError(RejectedError):
    """A content policy refuses what was asked for.

    Args:
        reason: the other side's code (`SAFETY`, `IMAGE_RECITATION` …).
        message: the sentence for people.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AuthenticationError(PermanentError):
    """The credential is wrong, expired or lacks a right."""


class NotFoundError(PermanentError):
    """The thing asked for is not there."""


class MissingSettingError(PermanentError):
    """A setting that this work needs is not set.

    Args:
        variable: the environment variable to set.
        purpose: what needs it.
    """

    def __init__(self, variable: str, purpose: str) -> None:
        super().__init__(f"{variable} is not set; {purpose} needs it (see .env.example)")
        self.variable = variable


class VerificationError(PermanentError):
    """What a host holds is not what was sent.

    Args:
        message: the sentence for people.
        treatment: what became of the picture, where that was seen.
    """

    def __init__(self, message: str, treatment: Treatment = Treatment.REPLACED) -> None:
        super().__init__(message)
        self.treatment = treatment
