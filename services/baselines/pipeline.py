"""The assistant of a deployment whose method trains."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kith.v1 import resources_pb2
from memory_db import Concept, ConceptStore
from services.assistant.convert import Writer
from services.assistant.names import Names
from services.assistant.pipeline import Assistant, Caller
from services.baselines.gathering import Gathering
from services.baselines.known import Known
from services.baselines.operations import Teller
from services.baselines.trainings import Trainings
from services.runtime.identity import current_user


class Asker(NamedTuple):
    """Who asks for a training."""

    assistant: "TrainedAssistant"
    user: str
    store: ConceptStore


@dataclass(frozen=True, kw_only=True)
class TrainedAssistant(Assistant):
    """What the verbs work with. Belongs to one event loop."""

    known: Known
    trainings: Trainings
    gathering: Gathering = field(repr=False)
    base: Path | None = None
    """Folder of the base model, whose fingerprint is told."""

    def writer(self, user: str, names: Names) -> Writer:
        """What tells a user of what is theirs, and how far each concept is."""
        return Writer(names, lambda concept: self.state_of(user, concept))

    def training_asker(self, caller: Caller) -> "Asker":
        """Who asks for a training in the call being served."""
        return Asker(self, current_user(), caller.store)

    def teller(self, caller: Caller) -> Teller:
        """What tells a caller of their trainings."""
        return Teller(self.trainings, caller.store, caller.names, caller.write)

    def state_of(self, user: str, concept: Concept) -> resources_pb2.Concept.State.ValueType:
        """Where a concept stands that is not forgotten."""
        if self.trainings.is_open(user, concept.id):
            return resources_pb2.Concept.STATE_TRAINING
        if not self.known.is_learned(user, concept):
            return resources_pb2.Concept.STATE_UNTRAINED
        if self.known.is_outdated(user, concept):
            return resources_pb2.Concept.STATE_OUTDATED
        return resources_pb2.Concept.STATE_READY
