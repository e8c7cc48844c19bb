"""A loop in a thread, entered and left from outside."""

import subprocess
import sys

INTERRUPTED = """
import _thread, asyncio, threading
from contextlib import asynccontextmanager
from services.assistant.background import in_background

@asynccontextmanager
async def slow():
    threading.Timer(0.1, _thread.interrupt_main).start()
    await asyncio.sleep(0.5)
    yield
    print("left")

try:
    with in_background(slow):
        print("entered")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_while_it_is_entered_leaves_it_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stdout.split() == ["left", "interrupted"]
