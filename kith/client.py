"""The client for programs that wait for each answer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import grpc

from kith.connection import Target, stubs
from kith.local import LocalOptions, reach
from kith.verbs import concepts, questions, training, transfer
from kith.verbs.calls import Call, Stream, Verb, as_method

P = ParamSpec("P")
T = TypeVar("T")


def _verb(verb: Callable[P, Verb[T]]) -> "Callable[Concatenate[Client, P], T]":
    def method(self: "Client", *args: P.args, **kwargs: P.kwargs) -> T:
        steps = verb(*args, **kwargs)
        try:
            step = next(steps)
            while True:
                step = steps.send(self._reply(step))
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    return as_method(method, verb)


def _stream(verb: Callable[P, Stream[T]]) -> "Callable[Concatenate[Client, P], Iterator[T]]":
    def method(self: "Client", *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._read(verb(*args, **kwargs))

    return as_method(method, verb)


class Client:
    """A user's memory, and answers that draw on it.

    Use it in a `with` block, or `close()` it. Safe to share between threads.

    Args:
        server: `HOST:PORT` of a Kith server; left out, everything runs in this process, which
            needs `pip install "kith[server]"`.
        user: Whose memory, on a server without tokens.
        token: The bearer token that names the user, on a server with tokens.
        memory: In process: the folder of the memory; left out, the user's own data folder.
        method: In process: "kith", "rap", "none", or one that trains: "yollava-s", "yollava-m",
            "mc-llava", "myvlm".
        profile: In process: "pocket" or "full".
        weights: In process: the folder with the models of the profile.
        timeout_s: How long one call may take before it fails.
        tls_ca: PEM file of the authorities that vouch for a server that speaks TLS.
        tls_cert: PEM file of the certificate shown to a server that asks for one (mTLS).
        tls_key: PEM file of its private key.

    Raises:
        InvalidInput: A server is named, and something that only its operator can choose.
        Refused: No server is named, and the packages to run one in this process are missing.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        user: str | None = None,
        token: str | None = None,
        memory: str | Path | None = None,
        method: str | None = None,
        profile: str | None = None,
        weights: str | Path | None = None,
        timeout_s: float = 120.0,
        tls_ca: str | Path | None = None,
        tls_cert: str | Path | None = None,
        tls_key: str | Path | None = None,
    ) -> None:
        options = LocalOptions(memory, method, profile, weights)
        with ExitStack() as stack:
            address = stack.enter_context(reach(server, user, options))
            self._target = Target(address, user, token, timeout_s, tls_ca, tls_cert, tls_key)
            credentials = self._target.credentials
            channel = (
                grpc.secure_channel(address, credentials, self._target.options)
                if credentials
                else grpc.insecure_channel(address, self._target.options)
            )
            stack.enter_context(channel)
            self._stubs = stubs(channel)
            self._resources = stack.pop_all()

    remember = _verb(concepts.remember)
    add_views = _verb(concepts.add_views)
    remove_views = _verb(concepts.remove_views)
    get = _verb(concepts.get)
    get_view = _verb(concepts.get_view)
    list_concepts = _verb(concepts.list_concepts)
    edit = _verb(concepts.edit)
    reject = _verb(concepts.reject)
    forget = _verb(concepts.forget)
    unforget = _verb(concepts.unforget)
    train = _verb(training.train)
    trainings = _verb(training.trainings)
    cancel_training = _verb(training.cancel_training)
    watch = _stream(concepts.watch)
    retrieve = _verb(questions.retrieve)
    recognize = _verb(questions.recognize)
    ask = _verb(questions.ask)
    ask_stream = _stream(questions.ask_stream)
    capabilities = _verb(questions.capabilities)
    import_memory = _verb(transfer.import_memory)
    export_memory = _stream(transfer.export_memory)

    def close(self) -> None:
        """Hang up; in process, stop what runs here."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _reply(self, step: Call | Stream[Any]) -> object:
        if isinstance(step, Stream):
            return list(self._read(step))
        try:
            return self._start(step)
        except grpc.RpcError as failed:
            raise self._target.error(failed) from failed

    def _read(self, stream: Stream[T]) -> Iterator[T]:
        messages = self._start(stream.call)
        try:
            for message in messages:
                yield stream.read(message)
        except grpc.RpcError as failed:
            raise self._target.error(failed) from failed
        finally:
            messages.cancel()

    def _start(self, call: Call) -> Any:  # noqa: ANN401 - a message or a stream of them
        return getattr(self._stubs[call.service], call.method)(
            call.request, timeout=self._target.deadline_s(call), metadata=self._target.metadata
        )
