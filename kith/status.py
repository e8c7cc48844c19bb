"""`KithError` to a gRPC status and back: the same class, reason and field at both ends.

The status carries `ErrorInfo` (reason, domain "kith") and, where they apply, `BadRequest` (the
field) and `RetryInfo`, as google.rpc defines them.
"""

import re
from collections.abc import Iterable
from typing import Final, Protocol

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, status_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo

from kith.errors import DOMAIN, KithError, Overloaded, from_status

DETAILS_KEY = "grpc-status-details-bin"
"""The trailing metadata key under which gRPC carries the full status."""

# What gRPC says of a call that was cancelled at this end: it itself, or its channel closed.
_CANCELLED_HERE: Final = re.compile("Locally cancelled|Channel closed")


class FailedCall(Protocol):
    """What sync and asyncio RPC errors of gRPC have in common."""

    def code(self) -> grpc.StatusCode: ...  # noqa: D102
    def details(self) -> str | None: ...  # noqa: D102
    def trailing_metadata(self) -> object: ...  # noqa: D102


def to_status(error: KithError) -> status_pb2.Status:
    """The status that carries `error`."""
    details = [ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)]
    status = status_pb2.Status(code=code_pb2.Code.Value(error.status), message=str(error))
    extra: list[BadRequest | RetryInfo] = []
    if error.field is not None:
        violation = BadRequest.FieldViolation(field=error.field, description=str(error))
        extra.append(BadRequest(field_violations=[violation]))
    if isinstance(error, Overloaded):
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        extra.append(RetryInfo(retry_delay=delay))
    for detail in [*details, *extra]:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def from_rpc_error(error: FailedCall) -> KithError:
    """The error a server raised, from what the failed call carries.

    A failure below Kith (no connection, a deadline) has no details and becomes the class of its
    code with the reason `RPC_<CODE>`. A call that nobody has cancelled at this end, and that comes
    back as cancelled, has met a server that stops: the code is then UNAVAILABLE, as for one that
    has stopped.
    """
    code, said = error.code().name, error.details() or ""
    if code == "CANCELLED" and not _CANCELLED_HERE.search(said):
        code = "UNAVAILABLE"
    return _error(code, said or code, _details(error), f"RPC_{code}")


def from_operation(status: status_pb2.Status) -> KithError:
    """The error that ended an operation."""
    code = code_pb2.Code.Name(status.code)
    return _error(code, status.message or code, status.details, f"OPERATION_{code}")


def _error(code: str, message: str, details: Iterable[Any], reason: str) -> KithError:
    cls = from_status(code)
    info, field, retry_after_s = ErrorInfo(reason=reason), None, None
    for detail in details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(BadRequest.DESCRIPTOR):
            request = BadRequest.FromString(detail.value)
            field = request.field_violations[0].field if request.field_violations else None
        elif detail.Is(RetryInfo.DESCRIPTOR):
            retry_after_s = RetryInfo.FromString(detail.value).retry_delay.ToNanoseconds() / 1e9
    translated = cls(message, reason=info.reason, field=field, metadata=dict(info.metadata))
    if isinstance(translated, Overloaded) and retry_after_s is not None:
        translated.retry_after_s = retry_after_s
    return translated


def _details(error: FailedCall) -> list[Any]:
    metadata = error.trailing_metadata() or ()
    for key, value in metadata:  # type: ignore[attr-defined]
        if key == DETAILS_KEY:
            return list(status_pb2.Status.FromString(value).details)
    return []
