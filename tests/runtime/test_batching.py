"""Callers share a model's batches and nothing else; nobody waits for ever, or for nothing."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from kith.errors import Overloaded, Unavailable
from services.runtime.batching import Batcher

WINDOW_S = 0.05
LONG_S = 60.0


class Model:
    """Doubles numbers; says what it was given, and waits where it is told to."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.threads: set[str] = set()
        self.entered, self.opened = threading.Event(), threading.Event()
        self.opened.set()

    def __call__(self, key: str, items: Sequence[int]) -> list[int]:
        self.batches.append((key, list(items)))
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        assert self.opened.wait(30)
        if -1 in items:
            raise ValueError("-1")
        return [2 * item for item in items]

    async def blocked(self, batcher: "Batcher[str, int, int]") -> "asyncio.Task[list[int]]":
        """A call that is in the model until `opened` is set."""
        self.opened.clear()
        self.entered.clear()
        call = asyncio.create_task(batcher.run("block", [0]))
        await asyncio.to_thread(self.entered.wait, 30)
        self.batches.clear()
        return call


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.works: list[int] = []
        self.refusals = 0

    def waited(self, model: str, seconds: float) -> None:
        assert model == "test"
        self.waits.append(seconds)

    def computed(self, model: str, seconds: float, items: int) -> None:
        assert seconds >= 0
        self.works.append(items)

    def refused(self, model: str) -> None:
        self.refusals += 1


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def notes() -> Notes:
    return Notes()


Make = Callable[..., "Batcher[str, int, int]"]


@pytest.fixture
def make(model: Model, notes: Notes) -> Iterator[Make]:
    made: list[Batcher[str, int, int]] = []

    def batcher(
        max_batch: int = 4, max_waiting: int = 8, window_s: float = WINDOW_S
    ) -> Batcher[str, int, int]:
        made.append(
            Batcher(
                "test",
                model,
                max_batch=max_batch,
                max_waiting=max_waiting,
                window_s=window_s,
                observer=notes,
            )
        )
        return made[-1]

    yield batcher
    model.opened.set()
    for one in made:
        one.close()


async def test_callers_at_one_time_share_a_batch_and_each_gets_its_own(
    make: Make, model: Model
) -> None:
    batcher = make()
    blocking = await model.blocked(batcher)
    calls = [asyncio.create_task(batcher.run("a", items)) for items in ([1], [2, 3], [4])]
    await asyncio.sleep(0)
    model.opened.set()
    assert await asyncio.gather(blocking, *calls) == [[0], [2], [4, 6], [8]]
    ((key, items),) = model.batches
    assert (key, sorted(items)) == ("a", [1, 2, 3, 4])
    assert model.threads == {"model-test"}


async def test_callers_with_different_keys_never_share_a_batch(make: Make, model: Model) -> None:
    batcher = make()
    blocking = await model.blocked(batcher)
    keys = ["a", "b", "a", "c", "b"]
    calls = [asyncio.create_task(batcher.run(key, [n])) for n, key in enumerate(keys)]
    await asyncio.sleep(0)
    model.opened.set()
    await blocking
    assert await asyncio.gather(*calls) == [[2 * n] for n in range(5)]
    assert sorted(model.batches) == [("a", [0, 2]), ("b", [1, 4]), ("c", [3])]


async def test_a_lone_caller_does_not_wait_for_others(make: Make, notes: Notes) -> None:
    batcher = make(max_batch=2, window_s=LONG_S)
    assert await batcher.run("a", [1]) == [2]
    assert await batcher.run("a", [1, 2, 3]) == [2, 4, 6]  # its own are no company
    assert await batcher.run("a", [1]) == [2]
    assert max(notes.waits) < LONG_S


async def test_after_company_the_first_waits_for_others(make: Make, model: Model) -> None:
    batcher = make(max_batch=2, window_s=LONG_S)
    await together(batcher, model)
    calls = [asyncio.create_task(batcher.run("a", [1]))]
    await asyncio.sleep(WINDOW_S)
    calls.append(asyncio.create_task(batcher.run("a", [2])))
    assert await asyncio.gather(*calls) == [[2], [4]]
    assert model.batches[-1] == ("a", [1, 2])


async def test_who_waits_for_others_in_vain_waits_for_the_window(
    make: Make, model: Model, notes: Notes
) -> None:
    batcher = make()
    await together(batcher, model)
    assert await batcher.run("a", [1]) == [2]
    assert notes.waits[-1] >= WINDOW_S * 0.9


async def together(batcher: "Batcher[str, int, int]", model: Model) -> None:
    """Two callers who share a batch."""
    blocking = await model.blocked(batcher)
    calls = [asyncio.create_task(batcher.run("a", [n])) for n in range(2)]
    await asyncio.sleep(0)
    model.opened.set()
    await asyncio.gather(blocking, *calls)
    assert model.batches == [("a", [0, 1])]


async def test_more_than_a_batch_is_done_in_several_and_comes_in_order(
    make: Make, model: Model, notes: Notes
) -> None:
    assert await make().run("a", list(range(10, 13)) * 3) == [20, 22, 24] * 3
    assert notes.works == [4, 4, 1]
    assert len(notes.waits) == 1
    assert await make().run("a", []) == []


async def test_a_caller_with_little_does_not_wait_for_one_with_much(
    make: Make, model: Model
) -> None:
    batcher = make(max_waiting=99)
    blocking = await model.blocked(batcher)
    much = asyncio.create_task(batcher.run("a", list(range(20, 40))))
    little = asyncio.create_task(batcher.run("a", [1]))
    other = asyncio.create_task(batcher.run("b", [2]))
    await asyncio.sleep(0)
    model.opened.set()
    await asyncio.gather(blocking, much, little, other)
    assert model.batches[0] == ("a", [20, 1, 21, 22])
    assert model.batches[1] == ("b", [2])


async def test_a_full_queue_refuses_says_when_to_come_back_and_recovers(
    make: Make, model: Model, notes: Notes
) -> None:
    batcher = make(max_waiting=3)
    blocking = await model.blocked(batcher)
    queued = asyncio.create_task(batcher.run("a", [1, 2]))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refusal:
        await batcher.run("a", [3])
    assert refusal.value.reason == "MODEL_QUEUE_FULL"
    assert refusal.value.retry_after_s > 0
    assert notes.refusals == 1
    model.opened.set()
    await asyncio.gather(blocking, queued)
    assert await batcher.run("a", [3]) == [6]


async def test_a_call_larger_than_the_queue_is_let_in_when_nothing_waits(make: Make) -> None:
    assert await make(max_waiting=2).run("a", [1, 2, 3]) == [2, 4, 6]


async def test_a_cancelled_call_is_taken_out_of_the_queue(make: Make, model: Model) -> None:
    batcher = make(max_waiting=3)
    blocking = await model.blocked(batcher)
    gone = asyncio.create_task(batcher.run("a", [1, 2]))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    stays = asyncio.create_task(batcher.run("a", [3, 4]))  # its place in the queue is free again
    await asyncio.sleep(0)
    model.opened.set()
    await blocking
    assert await stays == [6, 8]
    assert model.batches == [("a", [3, 4])]


async def test_a_call_cancelled_while_in_the_model_harms_nobody(make: Make, model: Model) -> None:
    batcher = make()
    gone = await model.blocked(batcher)
    gone.cancel()
    await asyncio.sleep(0)
    model.opened.set()
    assert await batcher.run("a", [1]) == [2]


async def test_what_the_model_raises_goes_to_the_callers_of_that_batch(make: Make) -> None:
    batcher = make(max_waiting=99)
    calls = [batcher.run("a", [1] * 4 + [-1] * 4), batcher.run("b", [2])]
    failed, fine = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(failed, ValueError)
    assert fine == [4]
    assert await batcher.run("a", [3]) == [6]


async def test_closing_refuses_what_waits_and_what_comes(make: Make, model: Model) -> None:
    batcher = make()
    blocking = await model.blocked(batcher)
    queued = asyncio.create_task(batcher.run("a", [1]))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(batcher.close))
    with pytest.raises(Unavailable):
        await queued
    model.opened.set()
    await closing
    assert await blocking == [0]
    with pytest.raises(Unavailable) as refused:
        await batcher.run("a", [1])
    assert refused.value.reason == "MODEL_STOPPED"


async def test_many_loops_and_cancellations_leave_nothing_behind(make: Make) -> None:
    batcher = make(max_waiting=10_000)

    async def caller(seed: int) -> None:
        for turn in range(20):
            call = asyncio.create_task(batcher.run(f"k{seed % 3}", [seed, turn]))
            if (seed + turn) % 4 == 0:
                await asyncio.sleep(0)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            else:
                assert await call == [2 * seed, 2 * turn]

    async def callers(start: int) -> None:
        await asyncio.gather(*(caller(start + n) for n in range(5)))

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, callers(10 * n)) for n in range(3)))
    assert await batcher.run("a", [1]) == [2]
