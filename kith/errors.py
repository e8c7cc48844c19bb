"""The one error family of Kith: raised where a problem is known, translated once at each boundary.

`kith.status` turns an error into a gRPC status and back into the same class; the command line turns
the class into an exit code. This module imports nothing of ours, so that every room may use it.

A message names the field, the value and the next step: "image: 31 MiB, at most 20 MiB are
accepted; send a smaller photo".
"""

# ruff: noqa: N818  (each class is named for what happened; `KithError` says that it is an error)

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

DOMAIN = "kith"
"""The `ErrorInfo.domain` of every error that leaves a Kith server."""


class KithError(Exception):
    """Something went wrong that Kith can name.

    Args:
        message: One line for the person who can fix it.
        reason: A stable UPPER_SNAKE word for programs, `ErrorInfo.reason` on the wire.
        field: The request field at fault, as the `.proto` spells it; None when there is none.
        metadata: Further facts for programs; never user content.
    """

    status: ClassVar[str] = "INTERNAL"
    """Name of the gRPC status code that carries this error."""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        field: str | None = None,
        metadata: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field
        self.metadata = dict(metadata)


class InvalidInput(KithError):
    """The caller sent something that can never work as it is."""

    status = "INVALID_ARGUMENT"


class NotFound(KithError):
    """There is no such thing for this user, whether or not another user has one."""

    status = "NOT_FOUND"


class AlreadyExists(KithError):
    """The name is taken."""

    status = "ALREADY_EXISTS"


class Stale(KithError):
    """The thing changed since the caller read it; read it again and retry."""

    status = "ABORTED"


class Refused(KithError):
    """The request is well formed, but the state of the system does not allow it."""

    status = "FAILED_PRECONDITION"


class Overloaded(KithError):
    """A queue is full; the same request may work after `retry_after_s` seconds."""

    status = "RESOURCE_EXHAUSTED"

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        field: str | None = None,
        metadata: Mapping[str, str] = MappingProxyType({}),
        retry_after_s: float = 1.0,
    ) -> None:
        super().__init__(message, reason=reason, field=field, metadata=metadata)
        self.retry_after_s = retry_after_s


class Unavailable(KithError):
    """A service this request needs can't be reached, or did not answer in time."""

    status = "UNAVAILABLE"


class Unauthenticated(KithError):
    """The credential is missing or unknown."""

    status = "UNAUTHENTICATED"


_BY_STATUS: Mapping[str, type[KithError]] = MappingProxyType(
    {
        cls.status: cls
        for cls in (
            InvalidInput,
            NotFound,
            AlreadyExists,
            Stale,
            Refused,
            Overloaded,
            Unavailable,
            Unauthenticated,
        )
    }
    # A client that waited too long is told the same as one that found nobody home. What somebody
    # has cancelled is no failure of ours: it can be asked for again.
    | {"DEADLINE_EXCEEDED": Unavailable, "CANCELLED": Refused}
)


def from_status(status_name: str) -> type[KithError]:
    """The class for a gRPC status name; `KithError` itself for a status we never send."""
    return _BY_STATUS.get(status_name, KithError)
