"""Calls on a running service, in a user's name."""

from pathlib import Path
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from kith.v1 import datagen_pb2, datagen_pb2_grpc
from services.runtime.calls import calling

FIRST = "users/me/datasets/first"


def order(dataset_id: str = "first", **changes: Any) -> datagen_pb2.MakeDatasetRequest:  # noqa: ANN401
    """Asks for the small dataset."""
    settings = {
        "parent": "users/me",
        "dataset_id": dataset_id,
        "engine": datagen_pb2.ENGINE_PLAYROOM,
        "split": "small",
    }
    return datagen_pb2.MakeDatasetRequest(**(settings | changes))


class Caller:
    """One user's stubs. Raises what the service raised."""

    def __init__(self, channel: grpc.aio.Channel, user: str) -> None:
        self._channel = channel
        self._datagen = datagen_pb2_grpc.DatagenStub(channel)
        self._operations = operations_pb2_grpc.OperationsStub(channel)
        self._metadata = (("authorization", f"Bearer {user}"),)

    def also(self, user: str) -> "Caller":
        """Another user on the same connection."""
        return Caller(self._channel, user)

    async def ask(self, method: str, request: Any) -> Any:  # noqa: ANN401 - of any call
        """The answer to a call."""
        owner = self._datagen if hasattr(self._datagen, method) else self._operations
        with calling("datagen"):
            return await getattr(owner, method)(request, metadata=self._metadata, timeout=60)

    async def stream(self, method: str, request: Any) -> list[Any]:  # noqa: ANN401 - of any call
        """All that a call streams."""
        with calling("datagen"):
            call = getattr(self._datagen, method)(request, metadata=self._metadata, timeout=60)
            return [message async for message in call]

    async def upload(self, content: bytes, parent: str = "users/me") -> Any:  # noqa: ANN401
        """Sends a seed set in pieces of 100 kB."""
        header = datagen_pb2.UploadSeedSetHeader(parent=parent)
        pieces = [datagen_pb2.UploadSeedSetRequest(header=header)]
        for start in range(0, len(content), 100_000):
            chunk = content[start : start + 100_000]
            pieces.append(datagen_pb2.UploadSeedSetRequest(chunk=chunk))
        return await self.ask("UploadSeedSet", iter(pieces))

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

    async def made(self, **changes: Any) -> datagen_pb2.Dataset:  # noqa: ANN401
        """The small dataset, once it is made."""
        operation = await self.ask("MakeDataset", order(**changes))
        done = await self.over(operation.name)
        dataset = datagen_pb2.Dataset()
        assert done.response.Unpack(dataset), done.error
        return dataset

    async def dataset(self, name: str = FIRST) -> datagen_pb2.Dataset:
        """A dataset as it is now."""
        found: datagen_pb2.Dataset = await self.ask(
            "GetDataset", datagen_pb2.GetDatasetRequest(name=name)
        )
        return found


def paths(root: Path, pattern: str) -> list[Path]:
    """What lies in the service's folder, by a glob pattern."""
    return sorted(root.glob(pattern))


def progress_of(operation: operations_pb2.Operation) -> datagen_pb2.DatasetProgress:
    """What an operation tells of its dataset."""
    told = datagen_pb2.DatasetProgress()
    assert operation.metadata.Unpack(told)
    return told
