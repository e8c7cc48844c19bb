"""The assistant of a method that trains, behind `kith.v1.Assistant`, and its operations."""

from kith.v1 import assistant_pb2, assistant_pb2_grpc
from services.baselines.job_book import TrainingJobs
from services.baselines.pipeline import TrainedAssistant
from services.baselines.training_calls import TrainingServicer
from services.runtime.operations import operations_of
from services.runtime.server import Service


def services(assistant: TrainedAssistant) -> list[Service]:
    """Both, ready to be served."""
    return [
        Service(
            assistant_pb2.DESCRIPTOR.services_by_name["Assistant"],
            assistant_pb2_grpc.add_AssistantServicer_to_server,
            TrainingServicer(assistant),
        ),
        operations_of(TrainingJobs(assistant)),
    ]
