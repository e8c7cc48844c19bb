"""Where work on pictures is done."""

import threading

import pytest
from PIL import Image

from services.runtime.aside import aside, each_aside


@pytest.mark.parametrize(
    ("sizes", "in_a_thread"),
    [
        ([], False),
        ([(256, 256)], False),
        ([(200, 200), (200, 200)], False),
        ([(640, 480)], True),
        ([(256, 256), (256, 256)], True),
    ],
)
async def test_large_pictures_are_worked_on_off_the_event_loop(
    sizes: list[tuple[int, int]], in_a_thread: bool
) -> None:
    pictures = [Image.new("RGB", size) for size in sizes]
    worked_on = await aside(threading.current_thread, *pictures)
    assert (worked_on is not threading.current_thread()) == in_a_thread


@pytest.mark.parametrize(
    ("side", "made", "in_threads"), [(20, 100, False), (400, 100, True), (20, 90_000, True)]
)
async def test_what_is_made_of_each_comes_in_their_order(
    side: int, made: int, in_threads: bool
) -> None:
    threads: set[threading.Thread] = set()

    def width(picture: Image.Image) -> int:
        threads.add(threading.current_thread())
        return picture.width

    pictures = [Image.new("RGB", (side + number, side)) for number in range(17)]
    assert await each_aside(width, pictures, made) == [picture.width for picture in pictures]
    assert (threading.current_thread() not in threads) == in_threads
    assert await each_aside(width, [], made) == []


async def test_several_threads_work_on_large_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    both = threading.Barrier(2, timeout=30)

    def width(picture: Image.Image) -> int:
        both.wait()
        return picture.width

    pictures = [Image.new("RGB", (side, 400)) for side in range(300, 304)]
    assert await each_aside(width, pictures, 100) == [300, 301, 302, 303]
