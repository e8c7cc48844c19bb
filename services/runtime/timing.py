"""What a model's queue tells whoever measures it: time waited and time computed, apart."""

from typing import Protocol


class Observer(Protocol):
    """Told of the work of models, on their threads: it must be quick, and never raise.

    `model` is a name from the profile, so that there are few; nothing a user sent is ever told.
    """

    def waited(self, model: str, seconds: float) -> None:
        """A call's work has begun; it had waited this long for the model."""

    def computed(self, model: str, seconds: float, items: int) -> None:
        """The model has worked this long on a batch of so many pictures or texts."""

    def refused(self, model: str) -> None:
        """A call found the queue full."""
