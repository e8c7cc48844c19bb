"""How fast MS-Diffusion draws here: ``python -m datagen.msdiffusion.bench MODELS``.

Prints a table: pictures a minute and peak memory by batch size, plain and compiled. The first batch
of each row, in which kernels are chosen and compiled, is not counted; how long it took is.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from datagen.msdiffusion.load import load_painter
from datagen.msdiffusion.painter import Painter, Style
from datagen.msdiffusion.subjects import Prompt, Subject
from kith.errors import KithError

HALVES = ((0.0, 0.25, 0.5, 0.75), (0.5, 0.25, 1.0, 0.75))
"""Two subjects beside each other, as in most of the thesis' combinations."""


class Measured(NamedTuple):
    """One row."""

    compiled: bool
    batch: int
    first_s: float
    """The batch that is not counted."""
    a_minute: float
    """Pictures."""
    peak_gib: float
    """Of the GPU; where there is none, of the process since it began."""


def measure(models: Path, batches: list[int], rounds: int, *, compiled: bool) -> Iterator[Measured]:
    """A row a batch size, plain and then, if wanted, compiled.

    Raises:
        Refused: As `load_painter`.
    """
    for way in (False, True) if compiled else (False,):
        painter, style, _ = load_painter(models)
        if way:
            painter.compile()
        for batch in batches:
            _forget_peak()
            first = _draw(painter, style, batch)
            took = sum(_draw(painter, style, batch) for _ in range(rounds))
            yield Measured(way, batch, first, 60 * batch * rounds / took, _peak_gib())


def _draw(painter: Painter, style: Style, batch: int) -> float:
    """Seconds for a batch of pictures of two subjects."""
    colours = zip(("orange", "teal"), ("dog", "cup"), HALVES, strict=True)
    subjects = tuple(
        Subject(Image.new("RGB", (256, 256), colour), phrase, box)
        for colour, phrase, box in colours
    )
    prompts = [Prompt("a photo of a dog and a cup in a park", subjects, n) for n in range(batch)]
    started = time.perf_counter()
    painter.draw(prompts, style)
    return time.perf_counter() - started


def _forget_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak_gib() -> float:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(words: list[str] | None = None) -> int:
    """Reads the command line, measures, prints. Gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m datagen.msdiffusion.bench", description=__doc__
    )
    parser.add_argument("models", type=Path, help="sdxl, image_encoder and the adapter")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8], metavar="N")
    parser.add_argument("--rounds", type=int, default=3, help="batches that are counted")
    parser.add_argument("--compile", action="store_true", help="once more with torch.compile")
    chosen = parser.parse_args(words)
    rows = measure(chosen.models, chosen.batches, chosen.rounds, compiled=chosen.compile)
    try:
        for line in _table(rows):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    except KithError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    return 0


def _table(rows: Iterator[Measured]) -> Iterator[str]:
    """The lines of the table; none before there is a row."""
    gpu = torch.cuda.is_available()
    for number, row in enumerate(rows):
        if number == 0:
            yield f"{torch.cuda.get_device_name() if gpu else 'CPU'}, two subjects a picture\n"
            peak = "peak" if gpu else "peak so far"
            yield f"| compiled | batch | first batch, s | pictures a minute | {peak}, GiB |"
            yield "|---|---|---|---|---|"
        way = "yes" if row.compiled else "no"
        figures = f"{row.first_s:.1f} | {row.a_minute:.1f} | {row.peak_gib:.2f}"
        yield f"| {way} | {row.batch} | {figures} |"


if __name__ == "__main__":
    sys.exit(main())
