"""The generator behind `kith.v1.Generation`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Protocol

import grpc

from kith.v1 import generation_pb2, generation_pb2_grpc
from services.runtime.server import Service
from services.runtime.types import Answer, Limits, Turn
from services.runtime.wire import read_limits, read_turns, write_ending


class Generator(Protocol):
    """What is served."""

    name: str

    @property
    def context_tokens(self) -> int:
        """Most tokens of prompt and answer together."""

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        """The answer, in pieces of text; what is kept of it is used again for this key only."""


class GenerationServicer(generation_pb2_grpc.GenerationServicer):
    """Messages in, messages out; the generator knows of neither."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    async def Generate(  # noqa: N802, D102 - the contract names and describes it
        self, request: generation_pb2.GenerationGenerateRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[generation_pb2.GenerationGenerateResponse]:
        turns = await read_turns(request.turns, field="turns")
        limits = read_limits(request.limits)
        answer = self._generator.generate(turns, limits, request.cache_key)
        async with aclosing(answer):
            async for piece in answer:
                yield generation_pb2.GenerationGenerateResponse(text=piece)
            if answer.ending is not None:
                reason, usage = write_ending(answer.ending)
                end = generation_pb2.GenerationEnd(finish_reason=reason, usage=usage)
                yield generation_pb2.GenerationGenerateResponse(end=end)

    async def GetGenerationModel(  # noqa: N802, D102 - the same
        self, request: generation_pb2.GetGenerationModelRequest, context: grpc.ServicerContext
    ) -> generation_pb2.GenerationModel:
        return generation_pb2.GenerationModel(
            name=self._generator.name, context_tokens=self._generator.context_tokens
        )


def service(generator: Generator) -> Service:
    """`generator`, ready to be served."""
    return Service(
        generation_pb2.DESCRIPTOR.services_by_name["Generation"],
        generation_pb2_grpc.add_GenerationServicer_to_server,
        GenerationServicer(generator),
    )
