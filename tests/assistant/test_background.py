"""A loop in a thread, entered and left from outside."""

import subprocess
import sys

INTERRUPTED = """
import asyncio, signal, threading
from contextlib import asynccontextmanager
from services.assistant.background import in_background

@asynccontextmanager
async def slow():
    interrupted = (threading.main_thread().ident, signal.SIGINT)
    threading.Timer(0.1, signal.pthread_kill, interrupted).start()
    await asyncio.sleep(2)
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
        timeout=60,
    )
    assert done.stdout.split() == ["left", "interrupted"]
