"""Runs the world of stripes slowly, to be killed: `python killed.py WORLD OUT`."""

import sys
import time
from pathlib import Path

from evaluation.plan import Settings
from evaluation.run import run
from evaluation.samples import Control, Task
from kith.errors import KithError
from tests.evaluation.conftest import ALL
from tests.evaluation.stripes import StripeSystem


def slowly(question: str) -> KithError | None:
    """Takes its time, and does not fail."""
    time.sleep(0.004)
    return None


def main(world: Path, out: Path) -> None:
    """Ask everything that is left."""
    settings = Settings(
        methods=("stripes",),
        datasets=(world,),
        outside=world.parent / "outside",
        outside_multi=world.parent / "outside-multi",
        tasks=(Task.RECOGNITION, Task.CAPTIONING),
        controls=(Control.SHUFFLED_REFERENCES,),
        extent=ALL,
    )
    system = StripeSystem(fails=slowly)
    run(settings, out, {"stripes": system.opened}, lambda progress: None)
    sys.stdout.write(f"{len(system.asked)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
