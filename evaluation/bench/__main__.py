"""``python -m evaluation.bench FOLDER``."""

import argparse
import sys
from pathlib import Path

from evaluation import bench
from kith.errors import KithError


def main(words: list[str] | None = None) -> int:
    """Read the command line, make the bench, print its datasets. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.bench", description=bench.__doc__)
    parser.add_argument("folder", type=Path, help="made if it is not there")
    parser.add_argument("--quick", action="store_true", help="a small one, in seconds")
    parser.add_argument("--identities", choices=("test", "validation"), default="test")
    parser.add_argument("--seed", type=int, default=0, help="another draws others of these")
    chosen = parser.parse_args(words)
    try:
        datasets = bench.build(
            chosen.folder,
            quick=chosen.quick,
            progress=_show,
            identities=chosen.identities,
            seed=chosen.seed,
        )
    except KithError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    sys.stdout.writelines(f"{path}\n" for path in datasets)
    return 0


def _show(part: str, done: int, of: int) -> None:
    if sys.stderr.isatty() or done == of:
        end = "\n" if done == of else "\r"
        sys.stderr.write(f"{part}: {done} of {of}{end}")


if __name__ == "__main__":
    sys.exit(main())
