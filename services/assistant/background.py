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
    entered: Future[tuple[T, Callable[[], object]]] = Future()

    async def hold() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        async with make() as value:
            entered.set_result((value, lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()

    def run() -> None:
        try:
            asyncio.run(hold())
        except BaseException as error:
            if not entered.done():
                entered.set_exception(error)
            raise

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kith-loop") as thread:
        ended = thread.submit(run)
        value, leave = entered.result()
        try:
            yield value
        finally:
            leave()
            ended.result()
