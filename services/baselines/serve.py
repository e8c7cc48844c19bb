"""`kith serve` with a method that trains; see `services.assistant.serve`."""

from collections.abc import Callable

from services.assistant.serve import serve_assembled
from services.baselines.settings import TrainingSettings
from services.baselines.wiring import assembled


async def serve(settings: TrainingSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM. Trainings that an earlier process left are gone on with.

    Args:
        settings: What to serve, and where.
        announce: Told "listening on HOST:PORT", then "ready".

    Raises:
        InvalidInput, Refused: As `wiring.assembled`; a model can't be loaded; the port is taken;
            another process trains in the same folder.
    """
    await serve_assembled(settings, announce, assembled)
