"""A training as the standard tells of it: `google.longrunning.Operation`."""

import asyncio

from google.longrunning import operations_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, status_pb2

from kith.errors import NotFound, from_status
from kith.status import to_status
from kith.v1 import memory_pb2, resources_pb2
from memory_db import ConceptStore
from services.assistant.convert import Writer
from services.assistant.names import Names
from services.baselines.jobs import Job, State
from services.baselines.trainings import Trainings


class Teller:
    """Trainings as operations, with the names that one user sees.

    Args:
        trainings: Know how far each is.
        store: Of the user.
        names: The user's.
        write: Tells of concepts.
    """

    def __init__(
        self, trainings: Trainings, store: ConceptStore, names: Names, write: Writer
    ) -> None:
        self._trainings = trainings
        self._store = store
        self._names = names
        self._write = write

    async def operation(self, job: Job) -> operations_pb2.Operation:
        """How a training is, or what came of it."""
        told = operations_pb2.Operation(name=f"operations/{job.id}")
        told.metadata.Pack(self._remembering(job) if job.remembers else self._progress(job))
        match job.state:
            case State.OPEN:
                return told
            case State.DONE:
                concepts = [await self._concept(one) for one in job.concepts]
                told.response.Pack(
                    concepts[0]
                    if job.remembers
                    else memory_pb2.TrainConceptsResponse(concepts=concepts)
                )
            case State.CANCELLED:
                said = "the training was cancelled; begin anew: kith train, or TrainConcepts"
                told.error.CopyFrom(status_pb2.Status(code=code_pb2.CANCELLED, message=said))
            case State.FAILED:
                assert job.failure is not None  # that is how it was written down
                status, reason, message = job.failure
                told.error.CopyFrom(to_status(from_status(status)(message, reason=reason)))
        told.done = True
        return told

    def _remembering(self, job: Job) -> memory_pb2.RememberMetadata:
        alike = [
            memory_pb2.SimilarConcept(
                concept=self._names.concept(one.concept_id),
                display_name=one.name,
                distance=one.distance,
            )
            for one in job.alike
        ]
        return memory_pb2.RememberMetadata(similar_concepts=alike, training=self._progress(job))

    def _progress(self, job: Job) -> memory_pb2.TrainingProgress:
        progress = memory_pb2.TrainingProgress(
            queue_position=self._trainings.position(job),
            epochs_done=job.stand.epochs,
            epochs_total=job.stand.of,
            loss=job.stand.loss,
            concepts=map(self._names.concept, job.concepts),
        )
        if job.state is State.OPEN and (left := self._trainings.remaining_s(job)) is not None:
            remaining = Duration()
            remaining.FromMilliseconds(int(left * 1000))
            progress.remaining.CopyFrom(remaining)
        return progress

    async def _concept(self, concept_id: str) -> resources_pb2.Concept:
        """A concept as it is now; of one that is gone for good, its name."""
        try:
            concept = await asyncio.to_thread(self._store.get, concept_id, forgotten_too=True)
        except NotFound:
            return resources_pb2.Concept(name=self._names.concept(concept_id))
        return self._write.concept(concept)
