"""Calls on a running service, in a user's name."""

from typing import Any

from google.longrunning import operations_pb2

from kith.v1 import datagen_pb2, datagen_pb2_grpc
from tests.runtime import jobs

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


class Caller(jobs.Caller):
    """One user of the service."""

    stub = datagen_pb2_grpc.DatagenStub

    async def upload(self, content: bytes, parent: str = "users/me") -> Any:  # noqa: ANN401
        """Sends a seed set in pieces of 100 kB."""
        header = datagen_pb2.UploadSeedSetHeader(parent=parent)
        pieces = [datagen_pb2.UploadSeedSetRequest(header=header)]
        for start in range(0, len(content), 100_000):
            chunk = content[start : start + 100_000]
            pieces.append(datagen_pb2.UploadSeedSetRequest(chunk=chunk))
        return await self.ask("UploadSeedSet", iter(pieces))

    async def made(self, **changes: Any) -> datagen_pb2.Dataset:  # noqa: ANN401
        """The small dataset, once it is made."""
        return await self.result("MakeDataset", order(**changes), datagen_pb2.Dataset)

    async def dataset(self, name: str = FIRST) -> datagen_pb2.Dataset:
        """A dataset as it is now."""
        found: datagen_pb2.Dataset = await self.ask(
            "GetDataset", datagen_pb2.GetDatasetRequest(name=name)
        )
        return found


def progress_of(operation: operations_pb2.Operation) -> datagen_pb2.DatasetProgress:
    """What an operation tells of its dataset."""
    return jobs.told(operation, datagen_pb2.DatasetProgress)
