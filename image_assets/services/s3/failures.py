"""What a service's refusals and botocore's exceptions mean in our errors."""

import datetime as dt
import errno
from collections.abc import Mapping
from dataclasses import dataclass

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NoSpaceError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.services import answers
from image_assets.services.answers import REFUSED_UNTRIED, Redactor
from image_assets.services.s3.door import Names

LIBRARY_ERRORS = (BotoCoreError, ClientError, ResponseParserError)
"""Everything that a call of botocore raises and that is not a bug."""

NO_SUCH_KEY = "NoSuchKey"
NO_SUCH_UPLOAD = "NoSuchUpload"

_NO_CONNECTION = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)
_NO_CREDENTIALS = (
    boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError,
    boto.TokenRetrievalError, boto.NoAuthTokenError, boto.SSOError, boto.LoginError,
)  # fmt: skip
_NOT_CARRIED_OUT = frozenset({
    "SlowDown", "RequestTimeout", "ConditionalRequestConflict", "OperationAborted",
    "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody",
})  # fmt: skip
_CLOCKS = "set this machine's clock (NTP): it and the service's are too far apart"
_MEANING: Mapping[str, tuple[type[ImageAssetsError], str]] = {
    NO_SUCH_KEY: (NotFoundError, ""),
    "NoSuchBucket": (PermanentError, "check {bucket}"),
    "InvalidBucketName": (PermanentError, "check {bucket}"),
    "RequestTimeTooSkewed": (AuthenticationError, _CLOCKS),
    "RequestExpired": (AuthenticationError, _CLOCKS),
    "ExpiredToken": (AuthenticationError, "the session is over: check {credential}"),
    "InvalidAccessKeyId": (AuthenticationError, "nobody has that key: check {credential}"),
    "SignatureDoesNotMatch": (AuthenticationError, "the secret is another: check {credential}"),
    "AccessDenied": (AuthenticationError, "check {credential} and the rights they have on {bucket}"),
    "PermanentRedirect": (PermanentError, "the bucket is elsewhere: check {region}"),
    "AuthorizationHeaderMalformed": (PermanentError, "check {region}"),
    "IllegalLocationConstraintException": (PermanentError, "check {region}"),
    "NotImplemented": (PermanentError, "see S3_CHECKSUMS and S3_CREATES"),
    "InvalidRequest": (PermanentError, "see S3_CHECKSUMS"),
    "InvalidArgument": (PermanentError, "see S3_CHECKSUMS"),
    "QuotaExceeded": (NoSpaceError, "free space there, then run again"),
    "XMinioStorageFull": (NoSpaceError, "free space there, then run again"),
    **dict.fromkeys(_NOT_CARRIED_OUT, (TransientError, "")),
}  # fmt: skip


def status_of(error: ClientError) -> int:
    """The HTTP status of a refusal; 0 when there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: ClientError) -> str:
    """The service's own name for a refusal; the status where there was no body to name it."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_taken(error: ClientError) -> bool:
    """Whether a conditional write was refused because something is there; older MinIO says 304."""
    return status_of(error) in (412, 304)


def carried_out(error: Exception) -> bool | None:
    """False when the request was certainly not carried out; None when nobody knows."""
    if isinstance(error, (*_NO_CONNECTION, *_NO_CREDENTIALS, boto.SSLError)):
        return False
    if isinstance(error, ClientError):
        untried = status_of(error) in REFUSED_UNTRIED or code_of(error) in _NOT_CARRIED_OUT
        return False if untried else None
    return None


@dataclass(frozen=True, slots=True)
class Failures:
    """Speaks the failures of one bucket's calls; `names` are the settings that messages name."""

    names: Names
    redactor: Redactor

    def error_of(self, error: Exception, what: str) -> ImageAssetsError:
        """The error that one of `LIBRARY_ERRORS` stands for; `what` was asked."""
        if isinstance(error, ClientError):
            return self._refusal(error, what)
        said = self.redactor.clean(str(error))
        if isinstance(error, _NO_CONNECTION):
            return TransientError(f"{what}: no connection: {said}")
        if isinstance(error, boto.SSLError):
            return PermanentError(f"{what}: {said}; check {self.names.endpoint}")
        if isinstance(error, _NO_CREDENTIALS):
            return AuthenticationError(f"{what}: {said}; check {self.names.credential}")
        if isinstance(error, boto.HTTPClientError) and _is_full(error):
            return NoSpaceError(f"{what}: {said}")
        if isinstance(error, (boto.HTTPClientError, boto.IncompleteReadError)):
            return TransientError(f"{what}: {said}")
        if isinstance(error, ResponseParserError):
            return TransientError(f"{what}: an answer that is none of S3's: {said[:200]}")
        return PermanentError(f"{what}: {said}; check {self.names.bucket}, {self.names.endpoint}")

    def _refusal(self, error: ClientError, what: str) -> ImageAssetsError:
        status, code = status_of(error), code_of(error)
        kind, remedy = _MEANING.get(code) or self._by_status(status)
        spoken = answers.phrase(status) if code in ("", str(status)) else f"{status} {code}"
        said = self.redactor.excerpt(
            str(error.response.get("Error", {}).get("Message", "")).encode()
        )
        parts = [f"{what}: answered {spoken}"]
        if said and said.lower() not in spoken.lower():
            parts.append(f": {said}")
        if remedy:
            parts.append(f"; {remedy.format_map(_texts(self.names))}")
        message = "".join(parts)
        if issubclass(kind, TransientError):
            return kind(message, retry_after=_retry_after(error))
        return kind(message)

    @staticmethod
    def _by_status(status: int) -> tuple[type[ImageAssetsError], str]:
        if status in (401, 403):
            return AuthenticationError, "check {credential}, and the rights they have on {bucket}"
        if status in (301, 307):
            return (
                PermanentError,
                "not followed, the bucket is elsewhere: check {region} and {endpoint}",
            )
        if status in (402, 404, 405, 407, 410, 501):
            return PermanentError, "check {endpoint} and {bucket}"
        if status in (408, 425, 429) or status >= 500 or status < 300:
            return TransientError, ""
        return RejectedError, ""


def _texts(names: Names) -> dict[str, str]:
    return {name: getattr(names, name) for name in ("bucket", "endpoint", "region", "credential")}


def _retry_after(error: ClientError) -> float | None:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return answers.retry_after(headers.get("retry-after"), dt.datetime.now(dt.UTC))


def _is_full(error: Exception) -> bool:
    """Whether a disk of ours was the reason, below whatever was wrapped around it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
