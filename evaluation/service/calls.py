"""The calls of `evaluation.proto`."""
# ruff: noqa: N802, D102  (the contract names the calls and describes them)

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf.empty_pb2 import Empty

from evaluation.report.page import PAGE
from evaluation.service import write
from evaluation.service.books import Books
from evaluation.service.place import Place, hidden
from evaluation.service.wishes import Ordered, Wish
from kith.errors import Refused
from kith.v1 import evaluation_pb2, evaluation_pb2_grpc
from services.runtime.jobs import Job, State
from services.runtime.orders import Part
from services.runtime.pages import page, still_there
from services.runtime.watching import watched
from services.runtime.zipped import zipped

Context = grpc.aio.ServicerContext[Any, Any]


class EvaluationServicer(evaluation_pb2_grpc.EvaluationServicer):
    """See `kith.v1.Evaluation`."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def RunEvaluation(
        self, request: evaluation_pb2.RunEvaluationRequest, context: Context
    ) -> operations_pb2.Operation:
        place = self._books.place()
        place.require_own(request.parent)
        return await asyncio.to_thread(self._run, place, request)

    async def WatchEvaluation(
        self, request: evaluation_pb2.WatchEvaluationRequest, context: Context
    ) -> AsyncIterator[evaluation_pb2.EvaluationProgress]:
        place, report_id = self._named(request.name)

        def look() -> tuple[bool, evaluation_pb2.EvaluationProgress]:
            return bool(place.open_jobs(report_id)), self._books.progress(place, report_id)

        async for now in watched(look, lambda now: (now.samples_done, now.samples_failed)):
            yield now

    async def GetReport(
        self, request: evaluation_pb2.GetReportRequest, context: Context
    ) -> evaluation_pb2.Report:
        return await asyncio.to_thread(self._books.report, *self._named(request.name))

    async def ListReports(
        self, request: evaluation_pb2.ListReportsRequest, context: Context
    ) -> evaluation_pb2.ListReportsResponse:
        place = self._books.place()
        place.require_own(request.parent)
        return await asyncio.to_thread(self._list, place, request)

    async def DownloadReport(
        self, request: evaluation_pb2.DownloadReportRequest, context: Context
    ) -> AsyncIterator[evaluation_pb2.DownloadReportResponse]:
        place, report_id = self._named(request.name)
        await asyncio.to_thread(self._books.report, place, report_id, whole=False)
        if not (place.out(report_id) / PAGE).exists():
            raise Refused(
                "name: nothing of it is measured yet; wait for its operation",
                reason="REPORT_EMPTY",
                field="name",
            )
        # Journals tell where photos lie, and that is nobody's concern.
        pieces = zipped(place.out(report_id), await asyncio.to_thread(hidden, self._books.root))
        while piece := await asyncio.to_thread(next, pieces, None):
            yield evaluation_pb2.DownloadReportResponse(chunk=piece)

    async def DeleteReport(
        self, request: evaluation_pb2.DeleteReportRequest, context: Context
    ) -> Empty:
        place, report_id = self._named(request.name)
        await asyncio.to_thread(place.reports.delete, report_id)
        return Empty()

    def _named(self, name: str) -> tuple[Place, str]:
        place = self._books.place()
        place.require_own(name)
        return place, name.split("/")[3]

    def _run(
        self, place: Place, request: evaluation_pb2.RunEvaluationRequest
    ) -> operations_pb2.Operation:
        if known := place.reports.known_request(request.request_id):
            return self._books.operation(place, known)
        ordered = self._studied(place, request)
        part = Part(request.shard.index, request.shard.count or 1)
        if not request.validate_only:
            job = place.reports.start(
                self._books.workshop, request.report_id, ordered, part, request.request_id
            )
            return self._books.operation(place, job)
        report_id = request.report_id
        job = Job(str(uuid.uuid4()), place.user, report_id, part.index, part.of, State.DONE)
        name = place.reports.name(report_id)
        return write.operation(
            job,
            evaluation_pb2.Report(name=name),
            evaluation_pb2.EvaluationProgress(report=name, samples_planned=ordered.planned),
        )

    def _studied(self, place: Place, request: evaluation_pb2.RunEvaluationRequest) -> Ordered:
        wish = Wish(
            methods=tuple(request.methods),
            datasets=tuple(request.datasets),
            tasks=tuple(write.TASKS[task] for task in request.tasks),
            controls=tuple(write.CONTROLS[control] for control in request.controls),
            memory_sizes=tuple(request.memory_sizes),
            quick=request.quick,
            seed=request.random_seed,
        )
        return Ordered(wish, self._books.measuring.planned(place, wish), time.time())

    def _list(
        self, place: Place, request: evaluation_pb2.ListReportsRequest
    ) -> evaluation_pb2.ListReportsResponse:
        found = page(place.reports.ids(), request.page_size, request.page_token)
        return evaluation_pb2.ListReportsResponse(
            reports=still_there(partial(self._books.report, place, whole=False), found.keys),
            next_page_token=found.next_page_token,
        )
