"""An event loop in a thread, for callers that have none."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_background(make: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """Enters what `make` gives in a loop of its own, and leaves it there at the end of the block.

    Raises what entering or leaving it raises.
    """
    entered: Future[T] = Future()
    over: Future[None] = Future()

    async def hold() -> None:
        async with make() as value:
            entered.set_result(value)
            await asyncio.wrap_future(over)

    def run() -> None:
        try:
            asyncio.run(hold())
        except BaseException as error:
            if not entered.done():
                entered.set_exception(error)
            raise

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kith-loop") as thread:
        ended = thread.submit(run)
        try:
            yield entered.result()
        finally:  # also when Ctrl-C comes while it is being entered
            over.set_result(None)
            ended.result()
