r"""Calls any method of a running server, knowing nothing of Kith but the server's own reflection.

    python examples/reflection_client.py HOST:PORT
    python examples/reflection_client.py HOST:PORT kith.v1.Assistant/ListConcepts \
        '{"parent": "users/me"}'
    python examples/reflection_client.py HOST:PORT kith.v1.Assistant/Retrieve \
        '{"parent": "users/me", "images": [{"data": "@photo.png"}]}'

Without a method it lists them. A text "@FILE" stands for the bytes of that file.
"""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)


def methods(channel: grpc.Channel) -> Iterator[str]:
    """The methods of every service the server tells of."""
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    for name in database.get_services():
        for method in pool.FindServiceByName(name).methods:
            yield f"{name}/{method.name}"


def call(channel: grpc.Channel, method: str, request: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON
    """Calls a method with a request as JSON; gives each reply as JSON.

    Raises:
        KeyError: The server has no such method.
        google.protobuf.json_format.ParseError: The request does not fit it.
        grpc.RpcError: The call failed.
    """
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    service, _, name = method.rpartition("/")
    described = pool.FindServiceByName(service).FindMethodByName(name)
    message = json_format.ParseDict(
        with_files(request), GetMessageClass(described.input_type)(), descriptor_pool=pool
    )
    kind: Any = channel.unary_stream if described.server_streaming else channel.unary_unary
    replies = kind(
        f"/{method}",
        request_serializer=lambda sent: sent.SerializeToString(),
        response_deserializer=GetMessageClass(described.output_type).FromString,
    )(message)
    for reply in replies if described.server_streaming else [replies]:
        yield json_format.MessageToDict(
            reply, preserving_proto_field_name=True, descriptor_pool=pool
        )


def with_files(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same JSON with each "@FILE" replaced by the file's bytes in base64."""
    if isinstance(value, dict):
        return {key: with_files(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_files(one) for one in value]
    if isinstance(value, str) and value.startswith("@"):
        return base64.b64encode(Path(value[1:]).read_bytes()).decode("ascii")
    return value


def main() -> None:
    """Read the arguments, call, print."""
    address, *rest = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        if not rest:
            for name in methods(channel):
                print(name)
            return
        method, request = rest
        for reply in call(channel, method, json.loads(request)):
            print(json.dumps(reply))


if __name__ == "__main__":
    main()
