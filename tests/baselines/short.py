"""`python -m tests.baselines.short FOLDER` serves Yo'LLaVA on the pocket models, in a hurry.

The same code and the same models as `kith serve --method yollava-s`; few questions, ten epochs, so
that a training is not over before somebody who restarts the service looks.
"""

import asyncio
import sys
from pathlib import Path

from services.assistant.serve import serve_assembled
from services.baselines import looks
from services.baselines.methods import yollava
from services.baselines.settings import TrainingSettings
from services.baselines.training import Recipe
from services.baselines.wiring import assembled_for


def shortened(epochs: int = 3) -> yollava.YoLLaVA:
    """The method, cut to seconds; changes the modules for the whole process."""
    yollava.POSITIVE_QUESTIONS = 10  # type: ignore[misc]
    looks.LOOKS = looks.LOOKS[:1]  # type: ignore[misc]
    return yollava.YoLLaVA(recipe=Recipe(epochs=epochs, patience=epochs))


def main(folder: Path) -> None:
    settings = TrainingSettings(memory=folder, port=0, method="yollava-s", grace_s=1)
    method = shortened(epochs=10)

    def announce(what: str) -> None:
        print(what, flush=True)  # noqa: T201 - whoever started it reads where it listens

    asyncio.run(serve_assembled(settings, announce, lambda _: assembled_for(settings, method)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
