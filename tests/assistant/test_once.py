import asyncio

import pytest

from services.assistant.once import Once


class Maker:
    """Makes 1, 2, 3 ... and fails when it is told to."""

    def __init__(self, *failures: int) -> None:
        self.count = 0
        self.failures = failures

    async def __call__(self) -> int:
        self.count += 1
        number = self.count
        await asyncio.sleep(0.01)
        if number in self.failures:
            raise OSError(number)
        return number


async def test_two_first_users_share_one_making() -> None:
    maker = Maker()
    once = Once(maker)
    assert once.made is None
    assert await asyncio.gather(once.get(), once.get()) == [1, 1]
    assert (once.made, maker.count) == (1, 1)


async def test_a_failure_is_told_and_the_next_use_tries_again() -> None:
    once = Once(Maker(1))
    results = await asyncio.gather(once.get(), once.get(), return_exceptions=True)
    assert [type(result) for result in results] == [OSError, OSError]
    assert once.made is None
    assert await once.get() == 2


async def test_a_user_that_gives_up_leaves_the_making_to_the_others() -> None:
    once = Once(Maker())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(once.get(), 0.001)
    assert await once.get() == 1
