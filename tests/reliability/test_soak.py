"""Load for an hour: nothing that a process holds grows with the calls it has served."""

import base64
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import numpy as np
import pytest

from kith import Client
from kith.errors import KithError
from tests.end_to_end.test_up import PICTURE
from tests.reliability.table import Effort, Table
from tests.reliability.whole import Use, Whole, started

MINUTES: Final = float(os.environ.get("KITH_SOAK_MINUTES", "60"))
RATE: Final = float(os.environ.get("KITH_SOAK_RATE", "inf"))
"""Most calls a second of all callers together, where other work goes on beside them. Both are read
at once: tests run without the user's settings."""

CALLERS: Final = 3

DEADLINE_S: Final = 300.0
"""What takes longer hangs: no wait for a core that is taken does. How long calls take is told."""

LATE_S: Final = 10.0

BOUNDS: Final = {"memory_mib": 2.0, "files": 0.2, "threads": 0.2}
"""Most growth in a thousand calls: the slope of the line that fits best what was seen, less twice
its standard error, since connections come and go between two looks."""

pytestmark = pytest.mark.timeout(3 * 3600)


class Sample(NamedTuple):
    """What a service held when so many calls had been served."""

    calls: int
    use: Use


class Load:
    """Callers who do everything that there is to do, over and over."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self.outcomes: Counter[str] = Counter()
        self.late: Counter[str] = Counter()
        """Calls that took more than `LATE_S`, by what they did."""
        self.slowest = (0.0, "")
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(n,)) for n in range(CALLERS)]

    @property
    def calls(self) -> int:
        return self.outcomes.total()

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, user: int) -> None:
        for number in count():
            # Whoever comes anew also makes a new connection.
            with (
                Client(
                    self._whole.assistant.address, user=f"user{user}", timeout_s=DEADLINE_S
                ) as kith,
                httpx.Client(
                    base_url=self._whole.url,
                    headers={"Kith-User": f"user{user}"},
                    timeout=DEADLINE_S,
                ) as http,
            ):
                for name, act in _acts(kith, http, f"n{user}-{number}").items():
                    if self._over.wait(CALLERS / RATE):
                        return
                    self._do(name, act)

    def _do(self, name: str, act: Callable[[], object]) -> None:
        began = time.monotonic()
        try:
            act()
        except (KithError, httpx.HTTPError) as error:
            self.outcomes[f"{name}: {error!r}"[:80]] += 1
        else:
            self.outcomes["OK"] += 1
        took_s = time.monotonic() - began
        self.slowest = max(self.slowest, (took_s, name))
        if took_s > LATE_S:
            self.late[name] += 1


def _acts(kith: Client, http: httpx.Client, name: str) -> dict[str, Callable[[], object]]:
    photo = base64.b64encode(PICTURE.read_bytes()).decode()
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{photo}"}}
    parts = [picture, {"type": "text", "text": "Who is this?"}]
    chat = {"model": "kith", "messages": [{"role": "user", "content": parts}], "max_tokens": 4}

    def watch() -> None:
        with http.stream("GET", "/v1/watch") as answer:
            answer.raise_for_status()  # and leaves at once

    def post(path: str, body: object) -> None:
        http.post(path, json=body).raise_for_status()

    return {
        "remember": lambda: kith.remember(name, PICTURE, category="dog", description="It is."),
        "retrieve": lambda: kith.retrieve(PICTURE),
        "edit": lambda: kith.edit(name, description="It was."),
        "HTTP retrieve": lambda: post("/v1/retrieve", {"images": [{"data": photo}]}),
        "recognize": lambda: kith.recognize(PICTURE, [name]),
        "HTTP list": lambda: http.get("/v1/concepts").raise_for_status(),
        "HTTP watch": watch,
        "ask": lambda: kith.ask("Who is this?", PICTURE),
        "HTTP chat": lambda: post("/v1/chat/completions", chat | {"stream": True}),
        "forget": lambda: kith.forget(name),
    }


def test_nothing_grows_with_the_calls_that_were_served(effort: Effort, tmp_path: Path) -> None:
    seconds = 60 * MINUTES if effort == "long" else 10
    samples: dict[str, list[Sample]] = {"assistant": [], "gateway": []}
    with Table("Soak", "the kernel, and a line through what it says", effort) as table:
        with started(tmp_path, KITH_TIMEOUT_S=str(DEADLINE_S)) as whole, Load(whole) as load:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(min(5, seconds / 20))
                for name, service in whole.services.items():
                    samples[name].append(Sample(load.calls, service.use()))
        table.traffic("calls", load.calls, at_least=500 if effort == "long" else 10)
        table.tell("load", seconds / 60, "minutes")
        table.tell("slowest call", f"{load.slowest[0]:.2f} s ({load.slowest[1]})")
        table.tell(f"calls that took more than {LATE_S:g} s", str(dict(load.late) or "none"))
        failed = load.calls - load.outcomes.pop("OK")
        table.exactly("calls that failed", str(dict(load.outcomes)) if failed else "none", "none")
        for name, seen in samples.items():
            _judge(table, effort, name, seen)


def _judge(table: Table, effort: Effort, name: str, seen: list[Sample]) -> None:
    """The slopes; in the short form, where everything is still warming up, they are only told."""
    warm = seen[len(seen) // 4 :]
    calls = [sample.calls / 1000 for sample in warm]
    for what, unit in (("memory_mib", "MiB"), ("files", ""), ("threads", "")):
        values = [getattr(sample.use, what) for sample in warm]
        (slope, _), doubt = np.polyfit(calls, values, 1, cov=True)
        error = float(np.sqrt(doubt[0, 0]))
        measure = f"{name}, {what.removesuffix('_mib')}"
        table.tell(f"{measure}, at the end", values[-1], unit)
        table.tell(f"{measure} in 1,000 calls", f"{slope:+.2g} ± {error:.1g}", unit)
        if effort == "long":
            sure = float(slope) - 2 * error
            table.at_most(f"{measure}, growth beyond doubt", max(0.0, sure), BOUNDS[what], unit)
