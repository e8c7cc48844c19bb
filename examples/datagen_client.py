"""A dataset from a running `kith serve datagen`: ordered, watched and fetched as a zip file.

    python examples/datagen_client.py HOST:PORT first.zip --split msbench --limit 24
    python examples/datagen_client.py HOST:PORT mine.zip --split yollava --seeds SEEDS

With a folder of seeds, which is uploaded, MS-Diffusion draws your concepts; without, Playroom draws
its own. Run again, it goes on where it was. Where the server wants a token, set KITH_TOKEN to it.
"""

import argparse
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import grpc
from google.longrunning.operations_pb2 import GetOperationRequest, Operation
from google.longrunning.operations_pb2_grpc import OperationsStub

from kith.v1 import datagen_pb2 as pb
from kith.v1.datagen_pb2_grpc import DatagenStub

Metadata = tuple[tuple[str, str | bytes], ...]

ME = "users/me"
CHUNK = 1024 * 1024


class Orders:
    """A user's orders.

    Args:
        channel: To the server.
        token: That is shown to it; None for a server that wants none.

    Every method raises `grpc.RpcError` where the call fails.
    """

    def __init__(self, channel: grpc.Channel, token: str | None = None) -> None:
        self._datagen, self._operations = DatagenStub(channel), OperationsStub(channel)
        self._me: Metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def upload(self, seeds: Path) -> str:
        """Sends a folder of seeds; the name of the seed set that it becomes."""
        with tempfile.TemporaryFile() as file:
            pack(seeds, file)
            kept: pb.SeedSet = self._datagen.UploadSeedSet(pieces(file), metadata=self._me)
        return kept.name

    def make(self, request: pb.MakeDatasetRequest) -> Operation:
        """Starts a dataset, or what is missing of it."""
        started: Operation = self._datagen.MakeDataset(request, metadata=self._me)
        return started

    def watch(self, name: str) -> Iterator[pb.DatasetProgress]:
        """How far a dataset is, until nobody is at work on it."""
        watched = self._datagen.WatchDataset(pb.WatchDatasetRequest(name=name), metadata=self._me)
        yield from watched

    def complaint(self, operation: Operation) -> str:
        """What went wrong with a job; empty if nothing did."""
        request = GetOperationRequest(name=operation.name)
        now: Operation = self._operations.GetOperation(request, metadata=self._me)
        return str(now.error.message)

    def download(self, name: str, out: Path) -> None:
        """Writes a dataset as a zip file; a file that is cut short does not get its name."""
        part = out.with_name(f".{out.name}.part")
        request = pb.DownloadDatasetRequest(name=name)
        with part.open("wb") as file:
            for piece in self._datagen.DownloadDataset(request, metadata=self._me):
                file.write(piece.chunk)
        part.replace(out)


def pack(seeds: Path, file: IO[bytes]) -> None:
    """Zips what belongs to a folder of seeds, uncompressed: photos get no smaller."""
    files = [seeds / "concepts.yaml", *seeds.glob("*/train/*"), *seeds.glob("*/test/*")]
    with zipfile.ZipFile(file, "w") as archive:
        for path in files:
            archive.write(path, path.relative_to(seeds))
    file.seek(0)


def pieces(file: IO[bytes]) -> Iterator[pb.UploadSeedSetRequest]:
    """The messages of an upload: whose it is, then the file."""
    yield pb.UploadSeedSetRequest(header=pb.UploadSeedSetHeader(parent=ME))
    while chunk := file.read(CHUNK):
        yield pb.UploadSeedSetRequest(chunk=chunk)


def fetch(orders: Orders, out: Path, split: str, seeds: Path | None, limit: int) -> str:
    """Has a dataset made and writes it to `out`; what went wrong, or nothing."""
    request = pb.MakeDatasetRequest(
        parent=ME, dataset_id=out.stem, engine=pb.ENGINE_PLAYROOM, split=split, limit=limit
    )
    if seeds is not None:
        request.engine, request.seed_set = pb.ENGINE_MSDIFFUSION, orders.upload(seeds)
        print(f"Uploaded {request.seed_set}")
    operation = orders.make(request)
    name = f"{ME}/datasets/{request.dataset_id}"
    for told in orders.watch(name):
        print(f"{told.images_done} of {told.images_planned} pictures")
    if complaint := orders.complaint(operation):
        return complaint
    orders.download(name, out)
    print(f"Wrote {out}")
    return ""


def main() -> int:
    """Reads the arguments, fetches, prints. Gives the exit code."""
    parser = argparse.ArgumentParser(description="Fetch a dataset from `kith serve datagen`.")
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("out", type=Path, help="the zip file; its name is the dataset's")
    parser.add_argument("--split", required=True, help="a layout that the server has")
    parser.add_argument("--seeds", type=Path, help="your concepts, for MS-Diffusion to draw")
    parser.add_argument("--limit", type=int, default=0, help="pictures at most; 0 for all")
    chosen = parser.parse_args()
    with grpc.insecure_channel(chosen.address) as channel:
        orders = Orders(channel, os.environ.get("KITH_TOKEN"))
        try:
            wrong = fetch(orders, chosen.out, chosen.split, chosen.seeds, chosen.limit)
        except grpc.RpcError as error:
            wrong = str(error.details())
    if wrong:
        print(wrong, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
