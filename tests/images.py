"""The images of the Dockerfile, read closely: there is nothing here to build them with."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

Step = tuple[str, str]
"""An instruction, and what it is given."""


def steps(target: str) -> list[Step]:
    """What makes an image: the steps of the stages that it begins with, and its own."""
    own = _stages()[target]
    start = own[0][1].split()[0]
    return (steps(start) if start in _stages() else []) + own


def given(made: list[Step], instruction: str) -> list[str]:
    """What an instruction is given, each time that it comes."""
    return [rest for name, rest in made if name == instruction]


def last(made: list[Step], instruction: str) -> str:
    """The same, of the time that counts."""
    return given(made, instruction)[-1]


def variables(target: str) -> dict[str, str]:
    """What an image sets."""
    pairs = (pair for rest in given(steps(target), "ENV") for pair in rest.split())
    return dict(pair.split("=", 1) for pair in pairs)


@cache
def _stages() -> dict[str, list[Step]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages: dict[str, list[Step]] = {}
    for line in re.sub(r"^#.*\n|\\\n", "", text, flags=re.MULTILINE).splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            name = rest.rpartition(" AS ")[2]
            stages[name] = []
        if instruction:
            stages[name].append((instruction, rest))
    return stages
