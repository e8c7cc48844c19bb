"""A process that opens foreign pictures and tells what became of them. Not a test itself.

    python -m tests.reliability.opening nasty largest|small
    python -m tests.reliability.opening mutants FIRST COUNT

It prints a line of JSON, an `Opened`.
"""

import json
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kith.errors import InvalidInput
from services.runtime import images
from tests.reliability.mutants import mutant
from tests.reliability.nasty import PICTURE, nasty


@dataclass
class Opened:
    """What became of pictures."""

    outcomes: dict[str, int] = field(default_factory=dict)
    """How many were taken, and how many refused by each reason."""
    wrong: list[str] = field(default_factory=list)
    """Those that broke the decoder, kept something, or came out otherwise than they should."""
    slowest_s: float = 0.0
    slowest: str = ""
    crashes: int = 0
    """Of the process: nothing else is told then."""
    peak_mib: float = 0.0
    """Most memory the process had, pictures in the making included."""


def opened_elsewhere(*which: str) -> Opened:
    """The same by a process of its own."""
    command = [sys.executable, "-m", "tests.reliability.opening", *which]
    root = Path(__file__).parents[2]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.stderr.write(f"{which} killed the decoder: {run.returncode}\n{run.stderr[-2000:]}")
        return Opened(crashes=1)
    return Opened(**json.loads(run.stdout))


def _opened(pictures: Iterable[tuple[str, bytes, str | None]]) -> Opened:
    outcomes: Counter[str] = Counter()
    result = Opened()
    for name, data, wanted in pictures:
        began = time.monotonic()
        outcome = _outcome(data)
        took = time.monotonic() - began
        outcomes[outcome.partition(":")[0]] += 1
        if outcome.startswith("bug") or wanted not in (None, outcome):
            result.wrong.append(f"{name}: {outcome}, not {wanted or 'that'}")
        if took > result.slowest_s:
            result.slowest_s, result.slowest = took, name
    result.outcomes = dict(outcomes.most_common())
    result.peak_mib = _peak_kib() / 1024
    return result


def _outcome(data: bytes) -> str:
    try:
        picture = images.decode(data, field="photo")
    except InvalidInput as refusal:
        return refusal.reason
    except Exception as error:  # noqa: BLE001 - it is what is looked for
        return f"bug: {type(error).__name__} {error}"
    if picture.mode != "RGB" or picture.info:
        return f"bug: {picture.mode} {picture.info}"
    return PICTURE


def _mutants(first: str, count: str) -> Iterator[tuple[str, bytes, None]]:
    for number in range(int(first), int(first) + int(count)):
        yield f"mutant {number}", mutant(number), None


def _peak_kib() -> int:
    """Of this program alone: `getrusage` tells also of the process that it was forked from."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # Pillow tells of every oddity
    kind, *rest = sys.argv[1:]
    opened = _opened(nasty(largest="largest" in rest) if kind == "nasty" else _mutants(*rest))
    sys.stdout.write(json.dumps(asdict(opened)))
