"""Calls on seed sets and datasets (`datagen.proto`)."""
# ruff: noqa: N802, D102  (the contract names the calls and describes them)

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf.empty_pb2 import Empty

from datagen.service import seed_sets, write
from datagen.service.books import Books
from datagen.service.orders import study
from datagen.service.place import Place
from datagen.service.tally import Standing
from datagen.service.wishes import Wish
from kith.errors import InvalidInput, Refused
from kith.v1 import datagen_pb2
from services.runtime.jobs import Job, State, writing
from services.runtime.orders import Part
from services.runtime.pages import page, still_there
from services.runtime.watching import watched
from services.runtime.worker import ModelWorker
from services.runtime.zipped import zipped

Context = grpc.aio.ServicerContext[Any, Any]


class DatasetCalls:
    """See `kith.v1.Datagen`."""

    books: Books
    unpacking: ModelWorker
    """One seed set is unpacked at a time, and few may wait."""

    async def UploadSeedSet(
        self, requests: AsyncIterator[datagen_pb2.UploadSeedSetRequest], context: Context
    ) -> datagen_pb2.SeedSet:
        first = await anext(requests, datagen_pb2.UploadSeedSetRequest())
        if not first.HasField("header"):
            raise _header("HEADER_MISSING", "the first message carries it, then come the chunks")
        place = self.books.place()
        place.require_own(first.header.parent)
        with _unnamed(self.books.root) as file:
            seed_set_id = await seed_sets.receive(_chunks(requests), file)
            kept = await self.unpacking.run(seed_sets.keep, place, seed_set_id, file)
        return write.seed_set(place, kept)

    async def ListSeedSets(
        self, request: datagen_pb2.ListSeedSetsRequest, context: Context
    ) -> datagen_pb2.ListSeedSetsResponse:
        place = self.books.place()
        place.require_own(request.parent)
        return await asyncio.to_thread(_list_seed_sets, place, request)

    async def DeleteSeedSet(
        self, request: datagen_pb2.DeleteSeedSetRequest, context: Context
    ) -> Empty:
        await asyncio.to_thread(seed_sets.delete, self.books.place(), request.name)
        return Empty()

    async def MakeDataset(
        self, request: datagen_pb2.MakeDatasetRequest, context: Context
    ) -> operations_pb2.Operation:
        place = self.books.place()
        place.require_own(request.parent)
        return await asyncio.to_thread(self._make, place, request)

    async def WatchDataset(
        self, request: datagen_pb2.WatchDatasetRequest, context: Context
    ) -> AsyncIterator[datagen_pb2.DatasetProgress]:
        place, dataset_id = self._named(request.name)

        def look() -> tuple[bool, datagen_pb2.DatasetProgress]:
            return bool(place.open_jobs(dataset_id)), self.books.progress(place, dataset_id)

        async for now in watched(look, lambda now: (now.images_done, now.images_rejected)):
            yield now

    async def GetDataset(
        self, request: datagen_pb2.GetDatasetRequest, context: Context
    ) -> datagen_pb2.Dataset:
        return await asyncio.to_thread(self.books.dataset, *self._named(request.name))

    async def ListDatasets(
        self, request: datagen_pb2.ListDatasetsRequest, context: Context
    ) -> datagen_pb2.ListDatasetsResponse:
        place = self.books.place()
        place.require_own(request.parent)
        return await asyncio.to_thread(self._list, place, request)

    async def DownloadDataset(
        self, request: datagen_pb2.DownloadDatasetRequest, context: Context
    ) -> AsyncIterator[datagen_pb2.DownloadDatasetResponse]:
        place, dataset_id = self._named(request.name)
        found = await asyncio.to_thread(self.books.dataset, place, dataset_id)
        if not found.complete:
            raise Refused(
                "name: the dataset is not complete; let MakeDataset make what is missing",
                reason="DATASET_INCOMPLETE",
                field="name",
            )
        pieces = zipped(place.data(dataset_id))
        while piece := await asyncio.to_thread(next, pieces, None):
            yield datagen_pb2.DownloadDatasetResponse(chunk=piece)

    async def DeleteDataset(
        self, request: datagen_pb2.DeleteDatasetRequest, context: Context
    ) -> Empty:
        place, dataset_id = self._named(request.name)
        await asyncio.to_thread(place.datasets.delete, dataset_id)
        return Empty()

    def _named(self, name: str) -> tuple[Place, str]:
        place = self.books.place()
        place.require_own(name)
        return place, name.split("/")[3]

    def _make(
        self, place: Place, request: datagen_pb2.MakeDatasetRequest
    ) -> operations_pb2.Operation:
        seed_set = place.seed_set(request.seed_set).name if request.seed_set else ""
        engine = write.ENGINES[request.engine]
        wish = Wish(engine, request.split, seed_set, request.random_seed, request.limit or None)
        if known := place.datasets.known_request(request.request_id):
            return self.books.operation(place, known)
        ordered = study(place, wish, self.books.drawing.models)
        part = Part(request.shard.index, request.shard.count or 1)
        dataset_id = request.dataset_id
        if not request.validate_only:
            job = place.datasets.start(
                self.books.workshop, dataset_id, ordered, part, request.request_id
            )
            return self.books.operation(place, job)
        nothing = Standing({}, {}, complete=False)
        name = place.datasets.name(dataset_id)
        return write.operation(
            Job(str(uuid.uuid4()), place.user, dataset_id, part.index, part.of, State.DONE),
            write.dataset(place, dataset_id, ordered, nothing),
            write.progress(name, ordered.planned, nothing, None),
        )

    def _list(
        self, place: Place, request: datagen_pb2.ListDatasetsRequest
    ) -> datagen_pb2.ListDatasetsResponse:
        found = page(place.datasets.ids(), request.page_size, request.page_token)
        return datagen_pb2.ListDatasetsResponse(
            datasets=still_there(partial(self.books.dataset, place), found.keys),
            next_page_token=found.next_page_token,
        )


def _list_seed_sets(
    place: Place, request: datagen_pb2.ListSeedSetsRequest
) -> datagen_pb2.ListSeedSetsResponse:
    found = page(place.seed_set_ids(), request.page_size, request.page_token)
    kept = still_there(partial(seed_sets.read, place), found.keys)
    return datagen_pb2.ListSeedSetsResponse(
        seed_sets=(write.seed_set(place, one) for one in kept),
        next_page_token=found.next_page_token,
    )


def _unnamed(folder: Path) -> IO[bytes]:
    """A file without a name: whoever is cancelled or killed leaves no photo behind."""
    with writing("the seed set"):
        # Without a buffer: what could not be written would be tried once more as it is closed.
        return tempfile.TemporaryFile(dir=folder, buffering=0)


async def _chunks(
    requests: AsyncIterator[datagen_pb2.UploadSeedSetRequest],
) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.HasField("header"):
            raise _header("HEADER_REPEATED", "it stands in the first message only")
        yield request.chunk


def _header(reason: str, what: str) -> InvalidInput:
    return InvalidInput(f"header: {what}", reason=reason, field="header")
