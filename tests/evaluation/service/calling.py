"""Calls on a running service, in a user's name."""

from pathlib import Path
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from evaluation.extent import Extent
from evaluation.tasks.asking import Limits
from kith.v1 import evaluation_pb2, evaluation_pb2_grpc
from services.runtime.calls import calling

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


class Caller:
    """One user's stubs. Raises what the service raised."""

    def __init__(self, channel: grpc.aio.Channel, user: str) -> None:
        self._channel = channel
        self._evaluation = evaluation_pb2_grpc.EvaluationStub(channel)
        self._operations = operations_pb2_grpc.OperationsStub(channel)
        self._metadata = (("authorization", f"Bearer {user}"),)

    def also(self, user: str) -> "Caller":
        """Another user on the same connection."""
        return Caller(self._channel, user)

    async def ask(self, method: str, request: Any) -> Any:  # noqa: ANN401 - of any call
        """The answer to a call."""
        owner = self._evaluation if hasattr(self._evaluation, method) else self._operations
        with calling("evaluation"):
            return await getattr(owner, method)(request, metadata=self._metadata, timeout=60)

    async def stream(self, method: str, request: Any) -> list[Any]:  # noqa: ANN401 - of any call
        """All that a call streams."""
        with calling("evaluation"):
            call = getattr(self._evaluation, method)(request, metadata=self._metadata, timeout=60)
            return [message async for message in call]

    async def operation(self, name: str) -> operations_pb2.Operation:
        """An operation as it is now."""
        found: operations_pb2.Operation = await self.ask(
            "GetOperation", operations_pb2.GetOperationRequest(name=name)
        )
        return found

    async def over(self, name: str) -> operations_pb2.Operation:
        """An operation once it is over."""
        request = operations_pb2.WaitOperationRequest(name=name)
        request.timeout.FromSeconds(50)
        found: operations_pb2.Operation = await self.ask("WaitOperation", request)
        assert found.done
        return found

    async def cancel(self, name: str) -> None:
        """Cancels an operation."""
        await self.ask("CancelOperation", operations_pb2.CancelOperationRequest(name=name))

    async def measured(self, **changes: Any) -> evaluation_pb2.Report:  # noqa: ANN401
        """The report, once it is written."""
        operation = await self.ask("RunEvaluation", order(**changes))
        done = await self.over(operation.name)
        report = evaluation_pb2.Report()
        assert done.response.Unpack(report), done.error
        return report

    async def report(self, name: str = FIRST) -> evaluation_pb2.Report:
        """A report as it is now."""
        found: evaluation_pb2.Report = await self.ask(
            "GetReport", evaluation_pb2.GetReportRequest(name=name)
        )
        return found


def paths(root: Path, pattern: str) -> list[Path]:
    """What lies in the service's folder, by a glob pattern."""
    return sorted(root.glob(pattern))


def progress_of(operation: operations_pb2.Operation) -> evaluation_pb2.EvaluationProgress:
    """What an operation tells of its report."""
    told = evaluation_pb2.EvaluationProgress()
    assert operation.metadata.Unpack(told)
    return told
