"""The client for asyncio programs: the verbs of `Client`, awaited."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import grpc

from kith.connection import Target, stubs
from kith.local import LocalOptions, reach
from kith.verbs import concepts, questions, training, transfer
from kith.verbs.calls import Call, Service, Stream, Verb, as_method

P = ParamSpec("P")
T = TypeVar("T")


def _verb(
    verb: Callable[P, Verb[T]],
) -> "Callable[Concatenate[AsyncVerbs, P], Coroutine[Any, Any, T]]":
    async def method(self: "AsyncVerbs", *args: P.args, **kwargs: P.kwargs) -> T:
        steps = verb(*args, **kwargs)
        try:
            step = next(steps)
            while True:
                step = steps.send(await _reply(self, step))
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    return as_method(method, verb)


def _stream(
    verb: Callable[P, Stream[T]],
) -> "Callable[Concatenate[AsyncVerbs, P], AsyncIterator[T]]":
    def method(self: "AsyncVerbs", *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return _read(self, verb(*args, **kwargs))

    return as_method(method, verb)


async def _reply(verbs: "AsyncVerbs", step: Call | Stream[Any]) -> object:
    if isinstance(step, Stream):
        return [item async for item in _read(verbs, step)]
    return await verbs._answer(step)


async def _read(verbs: "AsyncVerbs", stream: Stream[T]) -> AsyncIterator[T]:
    async with aclosing(verbs._answers(stream.call)) as messages:
        async for message in messages:
            yield stream.read(message)


class AsyncVerbs(ABC):
    """The verbs, over calls that a subclass knows how to make."""

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

    @abstractmethod
    async def _answer(self, call: Call) -> Any:  # noqa: ANN401 - a message
        """The answer to a call. Raises the `KithError` of one that fails."""

    @abstractmethod
    def _answers(self, call: Call) -> AsyncGenerator[Any, None]:
        """The answers to a call, as they come; closed, it ends the call. Raises as `_answer`."""


class AsyncClient(AsyncVerbs):
    """A user's memory, and answers that draw on it: `async with AsyncClient() as kith`.

    Arguments, verbs and errors are those of `kith.Client`. It belongs to the event loop in which
    it was entered. Files are read in that loop: small reads, that block it shortly.
    """

    _stubs: Mapping[Service, Any]
    _target: Target
    _resources: AsyncExitStack

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
        self._reached = reach(server, user, LocalOptions(memory, method, profile, weights))
        self._credential = (user, token)
        self._timeout_s = timeout_s
        self._tls = (tls_ca, tls_cert, tls_key)

    async def __aenter__(self) -> Self:
        """Reach the server, or start one in this process.

        Raises:
            Refused: No server is named, and the packages to run one in this process are missing.
        """
        async with AsyncExitStack() as resources:
            # A server in this process has a loop of its own, and is made before it is reached.
            entering = asyncio.ensure_future(asyncio.to_thread(self._reached.__enter__))
            resources.push_async_callback(self._leave, entering)
            address = await asyncio.shield(entering)
            self._target = Target(address, *self._credential, self._timeout_s, *self._tls)
            credentials = self._target.credentials
            channel = (
                grpc.aio.secure_channel(address, credentials, self._target.options)
                if credentials
                else grpc.aio.insecure_channel(address, self._target.options)
            )
            await resources.enter_async_context(channel)
            self._stubs = stubs(channel)
            self._resources = resources.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._resources.aclose()

    async def _leave(self, entering: asyncio.Future[str]) -> None:
        """Leaves what was entered; what is still being entered, as soon as it is."""
        await asyncio.wait([entering])
        if entering.exception() is None:
            await asyncio.to_thread(self._reached.__exit__, None, None, None)

    async def _answer(self, call: Call) -> Any:  # noqa: ANN401 - a message
        try:
            return await self._start(call)
        except grpc.RpcError as failed:
            raise self._target.error(failed) from failed

    async def _answers(self, call: Call) -> AsyncGenerator[Any, None]:
        messages = self._start(call)
        try:
            async for message in messages:
                yield message
        except grpc.RpcError as failed:
            raise self._target.error(failed) from failed
        finally:
            messages.cancel()

    def _start(self, call: Call) -> Any:  # noqa: ANN401 - a message or a stream of them
        return getattr(self._stubs[call.service], call.method)(
            call.request, timeout=self._target.deadline_s(call), metadata=self._target.metadata
        )
