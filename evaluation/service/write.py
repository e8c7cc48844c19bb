"""What the service knows, as messages of the contract."""

from collections.abc import Iterable
from typing import Final

from google.longrunning import operations_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from evaluation.samples import Control, Figure, Task
from kith.v1 import evaluation_pb2
from services.runtime import job_book
from services.runtime.jobs import Job

TASKS: Final = {
    number: Task(name.removeprefix("TASK_").lower().replace("_", "-"))
    for name, number in evaluation_pb2.Task.items()
    if number
}
CONTROLS: Final = {
    number: Control(name.removeprefix("CONTROL_").lower().replace("_", "-"))
    if number
    else Control.NOTHING
    for name, number in evaluation_pb2.Control.items()
}
_TASK_NUMBERS: Final = {task: number for number, task in TASKS.items()}
_CONTROL_NUMBERS: Final = {control: number for number, control in CONTROLS.items()}


def figures(found: Iterable[Figure]) -> list[evaluation_pb2.Figure]:
    """Measured numbers; what only plots need is left out."""
    return [
        evaluation_pb2.Figure(
            method=one.method,
            dataset=one.dataset,
            task=_TASK_NUMBERS[one.task],
            control=_CONTROL_NUMBERS[one.control],
            memory_size=one.memory_size,
            setting=one.setting,
            metric=one.metric,
            value=one.value,
            low=one.low,
            high=one.high,
            samples=one.samples,
            unparsed=one.unparsed,
        )
        for one in found
    ]


def time_of(seconds: float) -> Timestamp:
    """A moment, from seconds since the epoch."""
    return Timestamp(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def operation(
    job: Job, report: evaluation_pb2.Report, how_far: evaluation_pb2.EvaluationProgress
) -> operations_pb2.Operation:
    """A job as the standard service of operations tells of it."""
    return job_book.operation(job, "RunEvaluation", report, how_far)
