"""`python -m services.runtime.tied MODULE ARGUMENT...`: a module that lives no longer than we want.

Its standard input is a pipe whose other end is held, and never written to, by whoever started it.
However that one ends, even killed, the pipe ends too, and the module is told to stop by SIGTERM.
"""

import os
import runpy
import signal
import sys
import threading


def _stop_at_the_end() -> None:
    # Not through sys.stdin, whose lock would still be held when the interpreter ends.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_at_the_end, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
