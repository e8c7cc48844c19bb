"""What a verb asks its client to do: a call, or a call that is answered by a stream."""

import functools
import inspect
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, get_args

from google.protobuf.message import Message

T = TypeVar("T")

Service = Literal["Assistant", "Operations"]
"""Kith's own, or the standard one that follows what takes long."""

PARENT = "users/me"
"""The memory of whoever the credential names."""


@dataclass(frozen=True)
class Call:
    """One call to make."""

    method: str
    """Of the service."""
    request: Message | Iterable[Message]
    """An iterable for a method that takes a stream."""
    patient: bool = False
    """True for a call whose length nobody can tell, so that it gets no deadline."""
    service: Service = "Assistant"


@dataclass(frozen=True)
class Stream(Generic[T]):
    """A call that is answered by a stream, and how to read each message of it."""

    call: Call
    read: Callable[[Any], T]


Verb = Generator[Call | Stream[Any], Any, T]
"""Yields what to call, is sent the reply (of a stream, the list of what was read), returns."""


def as_method(function: Callable[..., T], verb: Callable[..., object]) -> Callable[..., T]:
    """`function`, so that `help()` and editors show it with the verb's own signature and words."""
    signature = inspect.signature(verb)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    result = get_args(signature.return_annotation)[-1]
    functools.update_wrapper(function, verb)
    function.__dict__["__signature__"] = signature.replace(
        parameters=[own, *signature.parameters.values()], return_annotation=result
    )
    return function
