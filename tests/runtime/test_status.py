"""An error is the same at both ends of a call."""

from collections.abc import Sequence

import grpc
import pytest

from kith import errors
from kith.errors import InvalidInput, KithError, Overloaded, Unavailable, from_status
from kith.status import DETAILS_KEY, from_rpc_error, to_status

ALL = [
    InvalidInput,
    errors.NotFound,
    errors.AlreadyExists,
    errors.Stale,
    errors.Refused,
    Overloaded,
    Unavailable,
    errors.Unauthenticated,
    KithError,
]


class Failed:
    """A failed call, as gRPC gives it."""

    def __init__(
        self, code: grpc.StatusCode, details: str | None, trailer: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        self._code, self._details, self._trailer = code, details, trailer

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str | None:
        return self._details

    def trailing_metadata(self) -> Sequence[tuple[str, bytes]] | None:
        return self._trailer or None


def over_the_wire(error: KithError) -> KithError:
    status = to_status(error)
    trailer = [("other", b"x"), (DETAILS_KEY, status.SerializeToString())]
    return from_rpc_error(Failed(grpc.StatusCode[error.status], status.message, trailer))


@pytest.mark.parametrize("cls", ALL)
def test_class_reason_field_and_metadata_survive(cls: type[KithError]) -> None:
    sent = cls(
        "name: 'bo' is taken", reason="NAME_TAKEN", field="concept.name", metadata={"a": "1"}
    )
    received = over_the_wire(sent)
    assert type(received) is cls
    assert vars(received) == vars(sent)
    assert str(received) == str(sent)


def test_an_overloaded_service_says_when_to_come_back() -> None:
    received = over_the_wire(Overloaded("full", reason="FULL", retry_after_s=2.5))
    assert isinstance(received, Overloaded)
    assert received.retry_after_s == 2.5


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (grpc.StatusCode.UNAVAILABLE, Unavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Unavailable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Overloaded),
        (grpc.StatusCode.UNIMPLEMENTED, KithError),
    ],
)
def test_a_failure_below_kith_has_the_class_of_its_code(
    code: grpc.StatusCode, cls: type[KithError]
) -> None:
    received = from_rpc_error(Failed(code, None))
    assert type(received) is cls
    assert received.reason == f"RPC_{code.name}"
    assert received.field is None


def test_every_class_belongs_to_one_status() -> None:
    assert len({cls.status for cls in ALL}) == len(ALL)
    assert [from_status(cls.status) for cls in ALL] == ALL
