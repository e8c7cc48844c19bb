"""Times side by side in one run, and the tables of docs/performance.md made of them."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

import numpy as np
import torch
from pytest_benchmark.fixture import BenchmarkFixture

# Read at once: tests run without the user's settings.
EFFORT: Final = os.environ.get("KITH_BENCH", "usual")
"""`smoke`: does it run at all. `long`: also the largest sizes."""

ROUNDS: Final = 3 if EFFORT == "smoke" else 100
"""Of whatever takes well below a second: enough for a 99th percentile."""

FEW: Final = 1 if EFFORT == "smoke" else 5
"""Rounds of what takes seconds."""

_SETTINGS: Final = {
    name: os.environ.get(name) for name in ("KITH_BENCH", "KITH_BENCH_WEIGHTS", "KITH_TEST_VLLM")
}


def sizes(*usual: int, long: int) -> tuple[int, ...]:
    """The sizes to measure; `long` is one that takes minutes."""
    return usual[:2] if EFFORT == "smoke" else (*usual, long) if EFFORT == "long" else usual


def tell(benchmark: BenchmarkFixture, what: str, must_be: str = "", *, holds: bool = True) -> None:
    """Adds a figure to the row of this benchmark, with what it must be if it must be anything."""
    bound = f" (must be {must_be}{'' if holds else ': **fails**'})" if must_be else ""
    benchmark.extra_info.setdefault("told", []).append(what + bound)


def side_by_side(
    benchmark: BenchmarkFixture,
    ours: Callable[[], object],
    others: Mapping[str, Callable[[], object]],
    *,
    rounds: int = ROUNDS,
    at_most: float = 0.0,
    before: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Times `ours` and `others` in turns, so that what else the machine does falls on all alike.

    Args:
        benchmark: Gets the times of `ours`, and tells of each ratio.
        ours: What is measured.
        others: What it is compared with, by the names they are told under.
        rounds: How often each runs, once more before it counts.
        at_most: What every ratio must be; 0 leaves it open.
        before: Made ready before each `ours`, and not timed.

    Returns:
        How many times as long `ours` takes as each of `others`, by the medians.
    """
    taken: dict[str, list[float]] = {name: [] for name in others}

    def setup() -> None:
        for name, other in others.items():
            began = time.perf_counter()
            other()
            taken[name].append(time.perf_counter() - began)
        before()

    setup()
    ours()
    taken = {name: [] for name in others}
    benchmark.pedantic(ours, setup=setup, rounds=rounds)
    middle = benchmark.stats.stats.median
    ratios = {name: middle / float(np.median(times)) for name, times in taken.items()}
    for name, ratio in ratios.items():
        must_be = f"≤ {at_most:.2f}" if at_most else ""
        told = f"{_short(ratio)} x {name} ({_ms(np.median(taken[name]))} ms)"
        tell(benchmark, told, must_be, holds=ratio <= at_most)
    return ratios


def tables(rows: Iterable[Any]) -> str:
    """Markdown: a table for each file of benchmarks, under the command that gives it.

    Args:
        rows: The benchmarks of pytest-benchmark's session.
    """
    sound = [row for row in rows if not row.has_error]
    by_file = groupby(sound, key=lambda row: row.fullname.partition("::")[0])
    return "\n".join(_table(file, list(found)) for file, found in by_file)


def _table(file: str, rows: list[Any]) -> str:
    given = "".join(f"{name}={value} " for name, value in _SETTINGS.items() if value)
    cores = f"{len(os.sched_getaffinity(0))} cores"
    if torch.cuda.is_available():
        cores += f", {torch.cuda.get_device_name()}"
    lines = [
        f"`{given}make bench PYTEST={file}`, {datetime.now(UTC).date()}, {cores}",
        "",
        "| what | median, ms | p99, ms | beside it, in the same run |",
        "|---|---|---|---|",
        *map(_row, rows),
        "",
    ]
    return "\n".join(lines)


def _row(row: Any) -> str:  # noqa: ANN401 - pytest-benchmark has no types
    times = row.stats.data
    # Of fewer rounds the percentile would be the slowest one.
    last = _ms(np.percentile(times, 99)) if len(times) >= 100 else ""
    words = row.name.removeprefix("test_").replace("_", " ")
    told = "; ".join(row.extra_info.get("told", ()))
    return f"| {words} | {_ms(row.stats.median)} | {last} | {told} |"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.1f}" if seconds < 1 else f"{1000 * seconds:,.0f}"


def _short(ratio: float) -> str:
    """A ratio with two places that count."""
    return f"{ratio:.2g}" if ratio < 0.1 else f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"
