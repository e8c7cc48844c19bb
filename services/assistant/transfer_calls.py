"""Calls that carry a memory in and out, and let it be watched (`transfer.proto`)."""
# ruff: noqa: N802, D102  (the contract names the calls and describes them)

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from kith.errors import InvalidInput
from kith.v1 import memory_pb2, transfer_pb2
from services.assistant.pipeline import Assistant
from services.assistant.transfer import Format, export_memory, import_memory
from services.assistant.watch import watch

Context = grpc.aio.ServicerContext[Any, Any]

_FORMATS = {
    transfer_pb2.MEMORY_FORMAT_KITH_ARCHIVE: Format.ARCHIVE,
    transfer_pb2.MEMORY_FORMAT_RAP_FOLDER: Format.RAP,
}


class TransferCalls:
    """See `kith.v1.Assistant`."""

    assistant: Assistant

    async def ImportMemory(
        self, requests: AsyncIterator[transfer_pb2.ImportMemoryRequest], context: Context
    ) -> transfer_pb2.ImportMemoryResponse:
        first = await anext(requests, transfer_pb2.ImportMemoryRequest())
        if not first.HasField("header"):
            raise InvalidInput(
                "header: the first message of an import carries the header, then come the chunks",
                reason="HEADER_MISSING",
                field="header",
            )
        caller = await self.assistant.caller(first.header.parent)
        imported = await import_memory(
            self.assistant.stages, caller.store, _chunks(requests), _FORMATS[first.header.format]
        )
        return caller.write.imported(imported)

    async def ExportMemory(
        self, request: transfer_pb2.ExportMemoryRequest, context: Context
    ) -> AsyncIterator[transfer_pb2.ExportMemoryResponse]:
        caller = await self.assistant.caller(request.parent)
        async with aclosing(export_memory(caller.store, _FORMATS[request.format])) as chunks:
            async for chunk in chunks:
                yield transfer_pb2.ExportMemoryResponse(chunk=chunk)

    async def WatchConcepts(
        self, request: memory_pb2.WatchConceptsRequest, context: Context
    ) -> AsyncIterator[memory_pb2.WatchConceptsResponse]:
        caller = await self.assistant.caller(request.parent)
        async with aclosing(watch(caller.store, request.resume_token)) as edits:
            async for seen in edits:
                yield caller.write.edit(seen)


async def _chunks(
    requests: AsyncIterator[transfer_pb2.ImportMemoryRequest],
) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.HasField("header"):
            raise InvalidInput(
                "header: it stands in the first message only",
                reason="HEADER_REPEATED",
                field="header",
            )
        yield request.chunk
