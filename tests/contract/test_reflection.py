"""A client that knows nothing but the address can use the contract."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from kith.v1 import (
    assistant_pb2_grpc,
    datagen_pb2,
    detection_pb2,
    embedding_pb2,
    evaluation_pb2,
    generation_pb2,
    query_pb2,
)

SERVICES = ["Assistant", "Detection", "Embedding", "Generation", "Datagen", "Evaluation"]
IMPORTED = [datagen_pb2, detection_pb2, embedding_pb2, evaluation_pb2, generation_pb2]


class Capable(assistant_pb2_grpc.AssistantServicer):
    def GetCapabilities(  # noqa: N802
        self, request: query_pb2.GetCapabilitiesRequest, context: grpc.ServicerContext
    ) -> query_pb2.Capabilities:
        return query_pb2.Capabilities(method="rap", real_time_edit=True)


@pytest.fixture
def channel() -> Iterator[grpc.Channel]:
    server = grpc.server(ThreadPoolExecutor(2))
    assistant_pb2_grpc.add_AssistantServicer_to_server(Capable(), server)
    names = [file.DESCRIPTOR.services_by_name for file in IMPORTED]
    others = [service.full_name for services in names for service in services.values()]
    reflection.enable_server_reflection(("kith.v1.Assistant", *others), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    with grpc.insecure_channel(f"localhost:{port}") as channel:
        yield channel
    server.stop(None).wait()


def test_reflection_describes_every_service_and_message(channel: grpc.Channel) -> None:
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))

    for name in SERVICES:
        service = pool.FindServiceByName(f"kith.v1.{name}")
        for rpc in service.methods:
            assert GetMessageClass(rpc.input_type)() is not None
            assert GetMessageClass(rpc.output_type)() is not None


def test_a_generic_client_calls_by_reflection_alone(channel: grpc.Channel) -> None:
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    rpc = pool.FindServiceByName("kith.v1.Assistant").FindMethodByName("GetCapabilities")
    call = channel.unary_unary(
        f"/kith.v1.Assistant/{rpc.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(rpc.output_type).FromString,
    )

    answer = call(ParseDict({}, GetMessageClass(rpc.input_type)()))

    assert (answer.method, answer.real_time_edit) == ("rap", True)
