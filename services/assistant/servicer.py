"""The assistant behind `kith.v1.Assistant`: messages in, messages out; each verb has its file."""

from kith.v1 import assistant_pb2, assistant_pb2_grpc
from services.assistant.memory_calls import MemoryCalls
from services.assistant.pipeline import Assistant
from services.assistant.question_calls import QuestionCalls
from services.assistant.transfer_calls import TransferCalls
from services.runtime.server import Service


class AssistantServicer(
    MemoryCalls, QuestionCalls, TransferCalls, assistant_pb2_grpc.AssistantServicer
):
    """All calls of the contract, by the part of it that they are about."""

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant


def service(assistant: Assistant) -> Service:
    """`assistant`, ready to be served."""
    return Service(
        assistant_pb2.DESCRIPTOR.services_by_name["Assistant"],
        assistant_pb2_grpc.add_AssistantServicer_to_server,
        AssistantServicer(assistant),
    )
