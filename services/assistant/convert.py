"""What the assistant finds, as messages of the contract."""

from collections.abc import Callable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from kith.v1 import common_pb2, memory_pb2, query_pb2, resources_pb2, transfer_pb2
from memory_db import Concept, EditKind, View
from services.assistant.findings import Match, Recognition, Region, Retrieval, Used
from services.assistant.generate import End
from services.assistant.names import Names
from services.assistant.recall import Loss
from services.assistant.remember import Similar
from services.assistant.transfer import Imported
from services.assistant.watch import Seen
from services.runtime.types import Box
from services.runtime.wire import write_box, write_ending

_Edit = memory_pb2.WatchConceptsResponse
_EDITS = {
    None: _Edit.EDIT_NONE,
    EditKind.REMEMBERED: _Edit.EDIT_REMEMBERED,
    EditKind.RESTORED: _Edit.EDIT_REMEMBERED,
    EditKind.UPDATED: _Edit.EDIT_UPDATED,
    EditKind.VIEWS_ADDED: _Edit.EDIT_UPDATED,
    EditKind.VIEWS_REMOVED: _Edit.EDIT_UPDATED,
    EditKind.REJECTED: _Edit.EDIT_UPDATED,
    EditKind.FORGOTTEN: _Edit.EDIT_FORGOTTEN,
    EditKind.PURGED: _Edit.EDIT_PURGED,
}
_LOSSES = {
    Loss.MEMORY: query_pb2.Degradation.LOSS_MEMORY,
    Loss.PHOTOS: query_pb2.Degradation.LOSS_PHOTOS,
    Loss.WORDS: query_pb2.Degradation.LOSS_WORDS,
    Loss.TRAINING: query_pb2.Degradation.LOSS_TRAINING,
}


StateOf = Callable[[Concept], resources_pb2.Concept.State.ValueType]


class Writer:
    """Values to messages, with the names that one user sees.

    Args:
        names: Those names.
        state_of: Where a concept that is not forgotten stands.
    """

    def __init__(
        self, names: Names, state_of: StateOf = lambda _: resources_pb2.Concept.STATE_READY
    ) -> None:
        self._names = names
        self._state_of = state_of

    def concept(self, concept: Concept) -> resources_pb2.Concept:
        """A concept with its views."""
        forgotten = resources_pb2.Concept.STATE_FORGOTTEN
        state = forgotten if concept.forgotten else self._state_of(concept)
        return resources_pb2.Concept(
            name=self._names.concept(concept.id),
            display_name=concept.name,
            category=concept.category,
            description=concept.description,
            etag=concept.etag,
            state=state,
            views=[self.view(concept.id, view) for view in concept.views],
            create_time=_time(concept.created),
            update_time=_time(concept.updated),
            delete_time=_time(concept.forgotten),
            purge_time=_time(concept.undo_until),
        )

    def view(self, concept_id: str, view: View, photo: bytes = b"") -> resources_pb2.View:
        """A view, with its photo when there is one."""
        return resources_pb2.View(
            name=self._names.view(concept_id, view.id),
            photo=common_pb2.Image(data=photo) if photo else None,
            box=_box(view.box),
            negative=view.negative,
            create_time=_time(view.created),
        )

    def similar(self, similar: Similar) -> memory_pb2.SimilarConcept:
        """A concept that photos look like."""
        return memory_pb2.SimilarConcept(
            concept=self._names.concept(similar.concept.id),
            display_name=similar.concept.name,
            distance=similar.distance,
        )

    def edit(self, seen: Seen) -> memory_pb2.WatchConceptsResponse:
        """An edit of the memory."""
        concept = None
        if seen.concept is not None:
            concept = self.concept(seen.concept)
        elif seen.concept_id:
            concept = resources_pb2.Concept(name=self._names.concept(seen.concept_id))
        return memory_pb2.WatchConceptsResponse(
            edit=_EDITS[seen.kind],
            concept=concept,
            resume_token=seen.resume_token,
            edit_time=_time(seen.time),
        )

    def imported(self, imported: Imported) -> transfer_pb2.ImportMemoryResponse:
        """What came of an import; concepts without their views."""
        concepts = [self.concept(concept) for concept in imported.concepts]
        for concept in concepts:
            concept.ClearField("views")
        problems = [
            transfer_pb2.ImportProblem(entry=entry, reason=reason, message=message)
            for entry, reason, message in imported.problems
        ]
        return transfer_pb2.ImportMemoryResponse(concepts=concepts, problems=problems)

    def retrieval(self, found: Retrieval) -> query_pb2.Retrieval:
        """What was found in a photo."""
        return query_pb2.Retrieval(
            width=found.width,
            height=found.height,
            regions=[self._region(region) for region in found.regions],
            accepted=[self.used(used) for used in found.accepted],
        )

    def used(self, used: Used) -> query_pb2.UsedConcept:
        """A concept that an answer rests on."""
        return query_pb2.UsedConcept(
            concept=self._names.concept(used.concept.id),
            display_name=used.concept.name,
            view=self._names.view(used.concept.id, used.view_id),
            image_index=used.image_index,
            box=_box(used.box),
            score=used.score,
        )

    def recognition(self, found: Recognition) -> query_pb2.Recognition:
        """Whether a photo shows a concept."""
        return query_pb2.Recognition(
            concept=self._names.concept(found.concept.id),
            display_name=found.concept.name,
            present=found.present,
            score=found.score,
            box=_box(found.box),
            view=self._names.view(found.concept.id, found.view_id),
        )

    def end(self, end: End) -> query_pb2.GenerateEnd:
        """The end of an answer."""
        message = query_pb2.GenerateEnd(concepts=[self.used(used) for used in end.concepts])
        if end.ending is not None:
            message.finish_reason, usage = write_ending(end.ending)
            message.usage.CopyFrom(usage)
        if end.degradation is not None:
            loss, error = end.degradation
            lost = query_pb2.Degradation(
                loss=_LOSSES[loss], reason=error.reason, message=str(error)
            )
            message.degradation.CopyFrom(lost)
        return message

    def _region(self, region: Region) -> query_pb2.Region:
        return query_pb2.Region(
            box=write_box(region.box),
            category=region.category,
            score=region.score,
            matches=[self._match(match) for match in region.matches],
        )

    def _match(self, match: Match) -> query_pb2.Match:
        return query_pb2.Match(
            concept=self._names.concept(match.concept.id),
            display_name=match.concept.name,
            view=self._names.view(match.concept.id, match.view_id),
            distance=match.distance,
            accepted=match.accepted,
        )


def _box(box: Box | None) -> common_pb2.Box | None:
    return None if box is None else write_box(box)


def _time(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
