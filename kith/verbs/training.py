"""The verbs on trainings, for methods that train: begin one, follow it, end it."""

import uuid
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from google.longrunning import operations_pb2
from google.longrunning.operations_pb2 import Operation
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from kith import replies
from kith.errors import KithError, NotFound, Refused
from kith.messages import Concept, Training
from kith.status import from_operation
from kith.v1 import memory_pb2, query_pb2
from kith.verbs import requests
from kith.verbs.calls import PARENT, Call, Verb

M = TypeVar("M", bound=Message)

Progress = Callable[[Training], None]
"""Told how far a training is."""

_LOOK: Final = Duration(seconds=1)
"""How long a server is asked to wait before it tells how far a training is."""


def silent(training: Training) -> None:
    """Tells nobody."""


def train(
    concepts: str | Sequence[str], *, wait: bool = True, progress: Progress = silent
) -> Verb[list[Concept]]:
    """Train concepts by the views they have now: anew after a change, or several together.

    A training that was left unfinished is gone on with.

    Args:
        concepts: Display names or resource names. Some methods learn to tell those apart that are
            trained together; the others train one after the other.
        wait: Return when they are trained; else as soon as the training is in the queue.
        progress: Told how far it is, again and again.

    Raises:
        NotFound: There is no such concept.
        Refused: The method does not train, or can't with what there is; or it was cancelled.
        Overloaded: Too many trainings wait.
    """
    names = []
    for concept in [concepts] if isinstance(concepts, str) else concepts:
        names.append((yield from requests.resource_name(concept)))
    request = memory_pb2.TrainConceptsRequest(
        parent=PARENT, concepts=names, request_id=str(uuid.uuid4())
    )
    operation = yield Call("TrainConcepts", request)
    if wait:
        operation = yield from followed(operation, progress)
        if operation.HasField("error"):
            raise from_operation(operation.error)
    elif training := replies.training(operation):
        progress(training)
    # Asked for: what is gone on with may have been begun by `remember`, and answers as that does.
    found = []
    for name in names:
        get = memory_pb2.GetConceptRequest(name=name)
        found.append(replies.concept((yield Call("GetConcept", get))))
    return found


def trainings() -> Verb[list[Training]]:
    """Return the trainings that wait or run, and the last ones that are over, the oldest first.

    Raises:
        Refused: The method does not train.
    """
    require_training((yield Call("GetCapabilities", query_pb2.GetCapabilitiesRequest())))
    found, token = [], ""
    while True:
        request = operations_pb2.ListOperationsRequest(name="operations", page_token=token)
        page = yield Call("ListOperations", request, service="Operations")
        found += [training for one in page.operations if (training := replies.training(one))]
        token = page.next_page_token
        if not token:
            return found


def cancel_training(concept: str) -> Verb[None]:
    """End the training of a concept, by its display name or resource name.

    The concept stays, and is known again once it is trained.

    Raises:
        NotFound: There is no such concept, or it is not being trained.
        Refused: The method does not train.
    """
    name = yield from requests.resource_name(concept)
    wanted = name.rpartition("/")[2]
    for training in (yield from trainings()):
        ids = [one.rpartition("/")[2] for one in training.concepts]
        if wanted in ids and not training.done:
            request = operations_pb2.CancelOperationRequest(name=training.operation)
            yield Call("CancelOperation", request, service="Operations")
            return
    raise NotFound(
        f"concept: {concept!r} is not being trained; list the trainings to see which are: "
        "kith train --list, or Client.trainings()",
        reason="TRAINING_NOT_FOUND",
        field="concept",
    )


def require_training(can: query_pb2.Capabilities) -> None:
    """Refuses to ask after trainings where there are none: such a server need not follow anything.

    Raises:
        Refused: The method does not train.
    """
    if not can.training:
        raise Refused(
            f"method: {can.method!r} does not train; its concepts are ready as soon as they are "
            "remembered",
            reason="METHOD_DOES_NOT_TRAIN",
        )


def followed(operation: Operation, progress: Progress) -> Verb[Operation]:
    """The operation when it is over."""
    while not operation.done:
        if training := replies.training(operation):
            progress(training)
        request = operations_pb2.WaitOperationRequest(name=operation.name, timeout=_LOOK)
        operation = yield Call("WaitOperation", request, service="Operations")
    return operation


def result(operation: Operation, message: type[M]) -> M:
    """What came of an operation that is over.

    Raises:
        KithError: It failed, as its status says.
    """
    if operation.HasField("error"):
        raise from_operation(operation.error)
    made = message()
    if not operation.response.Unpack(made):
        raise KithError("the server sent something else", reason="RESPONSE_INVALID")
    return made
