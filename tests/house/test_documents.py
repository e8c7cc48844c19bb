"""What the documents show is what the program does: their blocks run, their help is its own."""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN = {"git", "cd", "pip"}
ONLY_CHECKED = {"demo", "serve", "up"}
"""Commands of `kith` that run for long and have end-to-end tests of their own."""


class Step(NamedTuple):
    """One thing a document tells its reader to run, and what it says will be printed."""

    line: int
    command: list[str]
    printed: str


def console_steps(block: str, line: int) -> list[Step]:
    """Split a console block at its `$` lines; a line may go on after a backslash."""
    steps = []
    for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        typed, _, printed = part.partition("\n")
        steps += [
            Step(line, shlex.split(command, comments=True), printed)
            for command in typed.split(" && ")
        ]
    return steps


def steps_of(text: str) -> list[Step]:
    steps = []
    for block in FENCE.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        if block[1] == "python":
            steps.append(Step(line, [sys.executable, "-c", block[2]], ""))
        else:
            steps += console_steps(block[2], line)
    return steps


def runnable(step: Step) -> list[str] | None:
    """Return what to run in the step's place, or None when there is nothing to run."""
    program, *arguments = step.command
    if program in NOT_RUN:
        return None
    if program == "make":
        return ["make", "--dry-run", "-C", str(ROOT), *arguments]
    if program == "kith" and (asked := ONLY_CHECKED & set(arguments)):
        return ["kith", *asked, "--help"]
    return step.command


def run(step: Step, folder: Path) -> str | None:
    """Run one step in the folder; return what went wrong, or None."""
    command = runnable(step)
    if command is None:
        return None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = f"{shlex.join(command)} (block at line {step.line})"
    if done.returncode:
        return f"{shown} left with {done.returncode}: {done.stderr[-2000:]}"
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if step.printed and not doctest.OutputChecker().check_output(step.printed, done.stdout, flags):
        return f"{shown} printed {done.stdout!r}, the document says {step.printed!r}"
    return None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_of_a_document_runs(document: Path, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for step in steps_of(document.read_text(encoding="utf-8")):
        wrong = run(step, tmp_path)
        assert wrong is None, wrong


def test_a_block_that_prints_something_else_is_noticed(tmp_path: Path) -> None:
    text = "```console\n$ echo one two\none ...\n$ echo three\nfour\n```\n"
    first, second = steps_of(text)
    assert run(first, tmp_path) is None
    assert "the document says 'four" in str(run(second, tmp_path))


def test_a_make_target_that_is_not_there_is_noticed(tmp_path: Path) -> None:
    (step,) = steps_of("```console\n$ make coffee\n```\n")
    assert "coffee" in str(run(step, tmp_path))


def test_python_blocks_run_in_order_with_the_console_blocks(tmp_path: Path) -> None:
    text = "```console\n$ touch made\n```\n\n```python\nopen('made').close()\n```\n"
    assert [run(step, tmp_path) for step in steps_of(text)] == [None, None]


@pytest.mark.parametrize("script", ["generate_cli.py", "generate_settings.py"])
def test_what_is_written_from_the_program_is_still_true_of_it(script: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / script, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_example_is_at_most_ten_lines() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [block[2] for block in FENCE.finditer(readme) if block[1] == "python"]
    assert blocks
    assert all(len(block.splitlines()) <= 10 for block in blocks)
