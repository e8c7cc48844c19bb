"""A Kith server with fixed answers: what the client and the command line are tested against."""

# ruff: noqa: N802  (the names are those of the contract)

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2 import Operation
from google.longrunning.operations_pb2_grpc import (
    OperationsServicer,
    add_OperationsServicer_to_server,
)
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from kith.errors import AlreadyExists, InvalidInput, KithError, NotFound, Overloaded, Refused
from kith.status import DETAILS_KEY, to_status
from kith.v1 import common_pb2, memory_pb2, query_pb2, resources_pb2, transfer_pb2
from kith.v1.assistant_pb2_grpc import AssistantServicer, add_AssistantServicer_to_server

BOX = common_pb2.Box(x1=10, y1=20, x2=110, y2=140.5)
TIME = Timestamp(seconds=1_700_000_000)
WORDS = ("Yes, ", "<bo> ", "sits there.")


class FakeAssistant(AssistantServicer):
    """Keeps concepts in a dictionary, and finds the first of them in every photo."""

    def __init__(self) -> None:
        self.concepts: dict[str, resources_pb2.Concept] = {}
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.fail_with: KithError | None = None
        self.training: FakeTraining | None = None
        """How it trains; None for a method that does not."""
        self.import_nothing = False
        self.only_named = False
        """Whether answers rest on what was named, and nobody looked for it."""
        self.degradation: query_pb2.Degradation | None = None
        self.delay_s = 0.0

    def Remember(
        self, request: memory_pb2.RememberRequest, context: grpc.ServicerContext
    ) -> Operation:
        self._note(request, context)
        wanted = request.concept
        if wanted.display_name in self.concepts:
            _abort(
                context,
                AlreadyExists(
                    "display_name: 'bo' is taken;\nchoose another",
                    reason="NAME_TAKEN",
                    field="concept.display_name",
                    metadata={"taken": "bo"},
                ),
            )
        for index, negative in enumerate(request.negatives):
            if negative.data == b"broken":
                field = f"negatives[{index}]"
                said = f"{field}: not an image; send a JPEG, PNG or WebP file"
                _abort(context, InvalidInput(said, reason="NOT_AN_IMAGE", field=field))
        number = len(self.concepts) + 1
        name = f"users/me/concepts/c{number}"
        made = resources_pb2.Concept(
            name=name,
            display_name=wanted.display_name,
            category=wanted.category or "dog",
            description=wanted.description or "a dog",
            etag="1",
            state=resources_pb2.Concept.STATE_READY,
            views=[
                resources_pb2.View(
                    name=f"{name}/views/v{index}",
                    box=view.box if view.HasField("box") else None,
                    create_time=TIME,
                )
                for index, view in enumerate(request.views)
            ],
            create_time=TIME,
            update_time=TIME,
        )
        self.concepts[wanted.display_name] = made
        if self.training is not None:
            made.state = resources_pb2.Concept.STATE_TRAINING
            return self.training.begin([made], remembers=True)
        operation = Operation(name="operations/1", done=True)
        operation.response.Pack(made)
        return operation

    def ListConcepts(
        self, request: memory_pb2.ListConceptsRequest, context: grpc.ServicerContext
    ) -> memory_pb2.ListConceptsResponse:
        self._note(request, context)
        fitting = [
            one
            for one in self.concepts.values()
            if request.display_name in ("", one.display_name)
            and request.category in ("", one.category)
            and (request.show_deleted or one.state != resources_pb2.Concept.STATE_FORGOTTEN)
        ]
        # Two a page, so that paging happens.
        start = int(request.page_token or 0)
        more = str(start + 2) if len(fitting) > start + 2 else ""
        return memory_pb2.ListConceptsResponse(
            concepts=fitting[start : start + 2], next_page_token=more
        )

    def TrainConcepts(
        self, request: memory_pb2.TrainConceptsRequest, context: grpc.ServicerContext
    ) -> Operation:
        self._note(request, context)
        if self.training is None:
            _abort(context, Refused("train: this method does not", reason="TRAINING_UNSUPPORTED"))
        concepts = [self._named(name, context) for name in request.concepts]
        return self.training.begin(concepts, remembers=False)

    def GetConcept(
        self, request: memory_pb2.GetConceptRequest, context: grpc.ServicerContext
    ) -> resources_pb2.Concept:
        self._note(request, context)
        return self._named(request.name, context)

    def GetView(
        self, request: memory_pb2.GetViewRequest, context: grpc.ServicerContext
    ) -> resources_pb2.View:
        self._note(request, context)
        return resources_pb2.View(name=request.name, photo=common_pb2.Image(data=b"stored"))

    def UpdateConcept(
        self, request: memory_pb2.UpdateConceptRequest, context: grpc.ServicerContext
    ) -> resources_pb2.Concept:
        self._note(request, context)
        concept = self._named(request.concept.name, context)
        for field in request.update_mask.paths:
            setattr(concept, field, getattr(request.concept, field))
        return concept

    def AddViews(
        self, request: memory_pb2.AddViewsRequest, context: grpc.ServicerContext
    ) -> resources_pb2.Concept:
        self._note(request, context)
        concept = self._named(request.name, context)
        concept.views.extend(
            resources_pb2.View(name=f"{concept.name}/views/n") for _ in request.views
        )
        return concept

    def RemoveViews(
        self, request: memory_pb2.RemoveViewsRequest, context: grpc.ServicerContext
    ) -> resources_pb2.Concept:
        self._note(request, context)
        concept = self._named(request.name, context)
        kept = [view for view in concept.views if view.name not in request.views]
        del concept.views[:]
        concept.views.extend(kept)
        return concept

    def RejectMatch(
        self, request: memory_pb2.RejectMatchRequest, context: grpc.ServicerContext
    ) -> resources_pb2.Concept:
        self._note(request, context)
        concept = self._named(request.name, context)
        concept.views.add(name=f"{concept.name}/views/r", negative=True)
        return concept

    def Forget(
        self, request: memory_pb2.ForgetRequest, context: grpc.ServicerContext
    ) -> resources_pb2.Concept:
        self._note(request, context)
        concept = self._named(request.name, context)
        concept.state = resources_pb2.Concept.STATE_FORGOTTEN
        concept.purge_time.CopyFrom(TIME)
        return concept

    def Unforget(
        self, request: memory_pb2.UnforgetRequest, context: grpc.ServicerContext
    ) -> resources_pb2.Concept:
        self._note(request, context)
        concept = self._named(request.name, context)
        concept.state = resources_pb2.Concept.STATE_READY
        concept.ClearField("purge_time")
        return concept

    def WatchConcepts(
        self, request: memory_pb2.WatchConceptsRequest, context: grpc.ServicerContext
    ) -> Iterator[memory_pb2.WatchConceptsResponse]:
        self._note(request, context)
        edit = memory_pb2.WatchConceptsResponse
        yield edit(edit=edit.EDIT_NONE, resume_token="0", edit_time=TIME)
        for number, concept in enumerate(self.concepts.values(), start=1):
            yield edit(
                edit=edit.EDIT_REMEMBERED,
                concept=concept,
                resume_token=str(number),
                edit_time=TIME,
            )

    def ImportMemory(
        self,
        request_iterator: Iterator[transfer_pb2.ImportMemoryRequest],
        context: grpc.ServicerContext,
    ) -> transfer_pb2.ImportMemoryResponse:
        for request in request_iterator:
            self._note(request, context)
        problem = transfer_pb2.ImportProblem(
            entry="<sunny>", reason="PHOTO_MISSING", message="sunny.png is not there"
        )
        taken = [] if self.import_nothing else [resources_pb2.Concept(display_name="bo")]
        return transfer_pb2.ImportMemoryResponse(concepts=taken, problems=[problem])

    def ExportMemory(
        self, request: transfer_pb2.ExportMemoryRequest, context: grpc.ServicerContext
    ) -> Iterator[transfer_pb2.ExportMemoryResponse]:
        self._note(request, context)
        for chunk in (b"one", b"two"):
            yield transfer_pb2.ExportMemoryResponse(chunk=chunk)

    def Retrieve(
        self, request: query_pb2.RetrieveRequest, context: grpc.ServicerContext
    ) -> query_pb2.RetrieveResponse:
        self._note(request, context)
        for number, image in enumerate(request.images):
            if image.data == b"broken":
                _abort(
                    context,
                    InvalidInput(
                        "image: not an image; send a JPEG, PNG or WebP file",
                        reason="NOT_AN_IMAGE",
                        field=f"images[{number}]",
                    ),
                )
        return query_pb2.RetrieveResponse(retrievals=[self._retrieval() for _ in request.images])

    def Recognize(
        self, request: query_pb2.RecognizeRequest, context: grpc.ServicerContext
    ) -> query_pb2.RecognizeResponse:
        self._note(request, context)
        found = []
        for name in request.concepts:
            if name not in self.concepts:
                _abort(context, _not_found(name))
            here = name == next(iter(self.concepts))
            found.append(
                query_pb2.Recognition(
                    concept=self.concepts[name].name,
                    display_name=name,
                    present=here,
                    score=0.93 if here else 0.1,
                    box=BOX if here else None,
                )
            )
        return query_pb2.RecognizeResponse(recognitions=found)

    def Generate(
        self, request: query_pb2.GenerateRequest, context: grpc.ServicerContext
    ) -> Iterator[query_pb2.GenerateResponse]:
        self._note(request, context)
        for word in WORDS:
            yield query_pb2.GenerateResponse(text=word)
        used = query_pb2.UsedConcept(
            concept="users/me/concepts/c1",
            display_name="bo",
            view="users/me/concepts/c1/views/v0",
            image_index=0,
            box=BOX,
            score=0.93,
        )
        if self.only_named:
            for unknown in ("image_index", "box", "score"):
                used.ClearField(unknown)
        end = query_pb2.GenerateEnd(concepts=[used], finish_reason=common_pb2.FINISH_REASON_STOP)
        if self.degradation is not None:
            end.degradation.CopyFrom(self.degradation)
        yield query_pb2.GenerateResponse(end=end)

    def GetCapabilities(
        self, request: query_pb2.GetCapabilitiesRequest, context: grpc.ServicerContext
    ) -> query_pb2.Capabilities:
        self._note(request, context)
        model = query_pb2.Model(stage="detection", name="fake", fingerprint="00")
        return query_pb2.Capabilities(
            method="kith",
            positives_min=1,
            positives_max=16,
            description=True,
            real_time_edit=True,
            text_only_qa=True,
            retrieval=True,
            training=self.training is not None,
            models=[model],
            version="0.1.0",
        )

    def _retrieval(self) -> query_pb2.Retrieval:
        known = next(iter(self.concepts.values()), None)
        region = query_pb2.Region(box=BOX, category="dog", score=0.9)
        found = query_pb2.Retrieval(width=256, height=256, regions=[region])
        if known:
            view = known.views[0].name
            found.regions[0].matches.add(
                concept=known.name,
                display_name=known.display_name,
                view=view,
                distance=0.4,
                accepted=True,
            )
            found.accepted.add(
                concept=known.name,
                display_name=known.display_name,
                view=view,
                image_index=0,
                box=BOX,
                score=0.9,
            )
        return found

    def _named(self, name: str, context: grpc.ServicerContext) -> resources_pb2.Concept:
        for concept in self.concepts.values():
            if concept.name == name:
                return concept
        return _abort(context, _not_found(name))

    def _note(self, request: Message, context: grpc.ServicerContext) -> None:
        time.sleep(self.delay_s)
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        if self.fail_with is not None:
            _abort(context, self.fail_with)


class Cancelled(KithError):  # noqa: N818 - no error
    """What ends an operation that somebody has cancelled."""

    status = "CANCELLED"


class FakeTraining(OperationsServicer):  # type: ignore[misc]
    """A training of two epochs, one a look at it."""

    def __init__(self) -> None:
        self.concepts: list[resources_pb2.Concept] = []
        self.remembers = False
        self.epochs = 0
        self.of = 2
        self.queue_position = 0
        self.over = False
        """Whether it is, before all its epochs."""
        self.waits: list[operations_pb2.WaitOperationRequest] = []
        self.fails_with: KithError | None = None

    def begin(self, concepts: list[resources_pb2.Concept], *, remembers: bool) -> Operation:
        self.concepts, self.remembers, self.epochs = concepts, remembers, 0
        return self._told()

    def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: grpc.ServicerContext
    ) -> Operation:
        self.waits.append(request)
        self.epochs += 1
        return self._told()

    def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: grpc.ServicerContext
    ) -> operations_pb2.ListOperationsResponse:
        return operations_pb2.ListOperationsResponse(operations=[self._told()])

    def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: grpc.ServicerContext
    ) -> Empty:
        assert request.name == "operations/7"
        self.fails_with = Cancelled("the training was cancelled", reason="CANCELLED")
        self.epochs = 2
        return Empty()

    def _told(self) -> Operation:
        operation = Operation(name="operations/7", done=self.over or self.epochs == self.of)
        progress = memory_pb2.TrainingProgress(
            epochs_done=self.epochs,
            epochs_total=self.of,
            queue_position=self.queue_position,
            loss=0.5,
            concepts=[one.name for one in self.concepts],
        )
        progress.remaining.FromSeconds(40)
        remembering = memory_pb2.RememberMetadata(training=progress)
        operation.metadata.Pack(remembering if self.remembers else progress)
        if not operation.done:
            return operation
        if self.fails_with is not None:
            operation.error.CopyFrom(to_status(self.fails_with))
            return operation
        for one in self.concepts:
            one.state = resources_pb2.Concept.STATE_READY
        response = memory_pb2.TrainConceptsResponse(concepts=self.concepts)
        operation.response.Pack(self.concepts[0] if self.remembers else response)
        return operation


def overloaded() -> Overloaded:
    return Overloaded("detection: the queue is full", reason="QUEUE_FULL", retry_after_s=2.5)


@contextlib.contextmanager
def serving(assistant: FakeAssistant) -> Iterator[str]:
    """Serve on a free port of this machine; gives its address."""
    server = grpc.server(ThreadPoolExecutor(4))
    add_AssistantServicer_to_server(assistant, server)
    if assistant.training is not None:
        add_OperationsServicer_to_server(assistant.training, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _not_found(name: str) -> NotFound:
    return NotFound(f"concept: there is no {name!r}", reason="CONCEPT_NOT_FOUND", field="concepts")


def _abort(context: grpc.ServicerContext, error: KithError) -> NoReturn:
    status = to_status(error)
    context.set_trailing_metadata(((DETAILS_KEY, status.SerializeToString()),))
    context.abort(grpc.StatusCode[error.status], status.message)
    raise AssertionError("abort raises")
