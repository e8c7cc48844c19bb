import subprocess
import sys

PROGRAM = """
import gc
from services.runtime.settled import settle

class Loop:
    def __init__(self):
        self.own = self

loaded, gone = [Loop() for _ in range(1000)], Loop()
del gone
seen = []
gc.callbacks.append(lambda phase, info: seen.append(info["collected"]))
settle()
print(gc.get_freeze_count() > 1000, seen[-1] >= 1)
del loaded
print(gc.collect())
late = Loop()
del late
print(gc.collect())
"""


def test_what_is_loaded_is_looked_through_no_more_and_what_comes_later_is() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout.splitlines() == ["True True", "0", "1"]
    assert ended.stderr == ""


def test_at_its_exit_a_process_gives_back_what_it_had_settled() -> None:
    program = (
        "from services.runtime.settled import settle\n"
        "class Told:\n"
        "    def __init__(self): self.own = self\n"
        "    def __del__(self): print('given back')\n"
        "told = Told()\n"
        "settle()\n"
        "del told\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "given back\n"
