"""Where work on pictures is done."""

import threading

import pytest
from PIL import Image

from services.runtime.aside import aside


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
