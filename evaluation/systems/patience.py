"""Waiting for a server that is busy, or away for a moment; not for one that takes too long."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from kith.errors import Overloaded, Unavailable

T = TypeVar("T")

_BUSY: Final = 60
"""Times that a busy server is asked again."""
_AWAY_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""How long to wait for one that is away, time after time."""


def patiently(call: Callable[[], T]) -> T:
    """What `call` gives, once the server has room for it and can be reached.

    Raises:
        Overloaded, Unavailable: It stays so for longer.
    """
    busy, away = _BUSY, list(_AWAY_S)
    while True:
        try:
            return call()
        except Overloaded as error:
            if not busy:
                raise
            busy -= 1
            time.sleep(error.retry_after_s)
        except Unavailable as error:
            if not away or error.reason == "RPC_DEADLINE_EXCEEDED":
                raise
            time.sleep(away.pop(0))
