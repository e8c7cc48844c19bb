"""The contract's messages to the values of `kith.messages`: the one place that reads them."""

from datetime import UTC, datetime
from typing import Any, Protocol, cast, get_args

from google.longrunning.operations_pb2 import Operation
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import code_pb2

from kith import messages as m
from kith.v1 import common_pb2, memory_pb2, query_pb2, resources_pb2, transfer_pb2


class _Used(Protocol):
    def HasField(self, field_name: Any) -> bool: ...  # noqa: ANN401, N802 - protobuf's own


def box(message: _Used, field: str = "box") -> m.Box | None:
    """The box in `field`; None when it is unset."""
    if not message.HasField(field):
        return None
    found: common_pb2.Box = getattr(message, field)
    return m.Box(found.x1, found.y1, found.x2, found.y2)


def view(message: resources_pb2.View) -> m.View:
    """A view."""
    return m.View(
        name=message.name,
        box=box(message),
        negative=message.negative,
        created=_time(message, "create_time"),
        photo=message.photo.data,
    )


def concept(message: resources_pb2.Concept) -> m.Concept:
    """A concept with its views."""
    state = resources_pb2.Concept.State.Name(message.state).removeprefix("STATE_").lower()
    return m.Concept(
        name=message.name,
        display_name=message.display_name,
        category=message.category,
        description=message.description,
        views=tuple(map(view, message.views)),
        etag=message.etag,
        state=cast(m.State, state) if state in get_args(m.State) else "ready",
        created=_time(message, "create_time"),
        updated=_time(message, "update_time"),
        purged=_time(message, "purge_time"),
    )


def edit(message: memory_pb2.WatchConceptsResponse) -> m.Edit:
    """One edit of a watched memory."""
    kind = memory_pb2.WatchConceptsResponse.Edit.Name(message.edit).removeprefix("EDIT_").lower()
    return m.Edit(
        kind=cast(m.EditKind, kind),
        concept=concept(message.concept) if message.HasField("concept") else None,
        resume_token=message.resume_token,
        edited=_time(message, "edit_time"),
    )


def training(operation: Operation) -> m.Training | None:
    """How far the training is that an operation stands for; None for one that trains nothing."""
    remembering, progress = memory_pb2.RememberMetadata(), memory_pb2.TrainingProgress()
    if operation.metadata.Unpack(remembering):
        if not remembering.HasField("training"):
            return None
        progress = remembering.training
    elif not operation.metadata.Unpack(progress):
        return None
    left = progress.remaining if progress.HasField("remaining") else None
    return m.Training(
        operation=operation.name,
        concepts=tuple(progress.concepts),
        queue_position=progress.queue_position,
        epochs_done=progress.epochs_done,
        epochs_total=progress.epochs_total,
        loss=progress.loss,
        remaining_s=left.ToMilliseconds() / 1000 if left else None,
        done=operation.done,
        state=_training_state(operation, progress.queue_position),
        error=operation.error.message,
    )


def _training_state(operation: Operation, queue_position: int) -> m.TrainingState:
    if not operation.done:
        return "queued" if queue_position else "training"
    if not operation.HasField("error"):
        return "done"
    return "cancelled" if operation.error.code == code_pb2.CANCELLED else "failed"


def used(message: query_pb2.UsedConcept) -> m.UsedConcept:
    """A concept an answer rests on."""
    return m.UsedConcept(
        concept=message.display_name,
        concept_name=message.concept,
        view=message.view,
        image_index=message.image_index if message.HasField("image_index") else None,
        box=box(message),
        score=message.score,
    )


def retrieval(message: query_pb2.Retrieval) -> m.Retrieval:
    """What was found in one photo."""
    whole = m.Box(0, 0, message.width, message.height)
    return m.Retrieval(
        width=message.width,
        height=message.height,
        regions=tuple(
            m.Region(
                box=box(region) or whole,
                category=region.category,
                score=region.score,
                matches=tuple(map(_match, region.matches)),
            )
            for region in message.regions
        ),
        accepted=tuple(map(used, message.accepted)),
    )


def recognition(message: query_pb2.Recognition) -> m.Recognition:
    """Whether a photo shows a concept."""
    return m.Recognition(
        concept=message.display_name,
        present=message.present,
        score=message.score,
        box=box(message),
        concept_name=message.concept,
        view=message.view,
    )


def answer(text: str, end: query_pb2.GenerateEnd) -> m.Answer:
    """A whole answer, from its text and the end of its stream."""
    return m.Answer(
        text=text,
        concepts=tuple(map(used, end.concepts)),
        complete=end.finish_reason != common_pb2.FINISH_REASON_LENGTH,
        degradation=_degradation(end.degradation) if end.HasField("degradation") else None,
        usage=m.Usage(
            end.usage.prompt_tokens, end.usage.completion_tokens, end.usage.cached_tokens
        ),
    )


def imported(message: transfer_pb2.ImportMemoryResponse) -> m.Imported:
    """What came of an import."""
    return m.Imported(
        concepts=tuple(map(concept, message.concepts)),
        problems=tuple(
            m.ImportProblem(problem.entry, problem.reason, problem.message)
            for problem in message.problems
        ),
    )


def capabilities(message: query_pb2.Capabilities) -> m.Capabilities:
    """What a method needs and can do."""
    plain = {name: getattr(message, name) for name in m.Capabilities.__dataclass_fields__}
    plain["models"] = tuple(
        m.Model(model.stage, model.name, model.fingerprint) for model in message.models
    )
    return m.Capabilities(**plain)


def _degradation(message: query_pb2.Degradation) -> m.Degradation:
    loss = query_pb2.Degradation.Loss.Name(message.loss).removeprefix("LOSS_").lower()
    return m.Degradation(cast(m.Loss, loss), message.reason, message.message)


def _match(message: query_pb2.Match) -> m.Match:
    return m.Match(
        concept=message.display_name,
        distance=message.distance,
        accepted=message.accepted,
        concept_name=message.concept,
        view=message.view,
    )


def _time(message: _Used, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(UTC)
