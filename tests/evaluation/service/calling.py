"""Calls on a running service, in a user's name."""

from typing import Any

from google.longrunning import operations_pb2

from evaluation.extent import Extent
from evaluation.tasks.asking import Limits
from kith.v1 import evaluation_pb2, evaluation_pb2_grpc
from tests.runtime import jobs

QUICK = Extent(Limits(), Limits(photos=1), Limits(photos=1), few=5)
"""What is asked in these tests, in place of the small part that ships."""
FIRST = "users/me/reports/first"
QUESTIONS = 42
"""What `order` comes to: captions of 10 photos of one concept and 3 of several, under the control
of 5 and 3, all by two prompts."""


def order(report_id: str = "first", **changes: Any) -> evaluation_pb2.RunEvaluationRequest:  # noqa: ANN401
    """Asks for the captions of one method, and for one control."""
    settings = {
        "parent": "users/me",
        "report_id": report_id,
        "methods": ["kith"],
        "datasets": ["world"],
        "tasks": [evaluation_pb2.TASK_CAPTIONING],
        "controls": [evaluation_pb2.CONTROL_TRUE_REFERENCES],
        "quick": True,
    }
    return evaluation_pb2.RunEvaluationRequest(**(settings | changes))


class Caller(jobs.Caller):
    """One user of the service."""

    stub = evaluation_pb2_grpc.EvaluationStub

    async def measured(self, **changes: Any) -> evaluation_pb2.Report:  # noqa: ANN401
        """The report, once it is written."""
        return await self.result("RunEvaluation", order(**changes), evaluation_pb2.Report)

    async def report(self, name: str = FIRST) -> evaluation_pb2.Report:
        """A report as it is now."""
        found: evaluation_pb2.Report = await self.ask(
            "GetReport", evaluation_pb2.GetReportRequest(name=name)
        )
        return found


def progress_of(operation: operations_pb2.Operation) -> evaluation_pb2.EvaluationProgress:
    """What an operation tells of its report."""
    return jobs.told(operation, evaluation_pb2.EvaluationProgress)
