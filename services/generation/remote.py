"""A generator that runs in another process, of the same shape as the one that runs in this."""

from collections.abc import AsyncGenerator, Sequence
from typing import Self

import grpc

from kith.v1 import generation_pb2, generation_pb2_grpc
from services.runtime.calls import calling
from services.runtime.types import Answer, Ending, Limits, Turn
from services.runtime.wire import read_ending, write_limits, write_turns


class RemoteGenerator:
    """Calls `kith.v1.Generation`; made by `connect`.

    Reading an answer raises what the generator itself would, and `Unavailable` when nobody answers.
    """

    def __init__(
        self, channel: grpc.aio.Channel, model: generation_pb2.GenerationModel, timeout_s: float
    ) -> None:
        self._stub = generation_pb2_grpc.GenerationStub(channel)
        self._timeout_s = timeout_s
        self.name = model.name
        self.context_tokens = model.context_tokens

    @classmethod
    async def connect(cls, channel: grpc.aio.Channel, timeout_s: float = 120) -> Self:
        """Asks the service which model it runs. An answer that takes `timeout_s` is given up."""
        stub = generation_pb2_grpc.GenerationStub(channel)
        request = generation_pb2.GetGenerationModelRequest()
        with calling("generation"):
            model = await stub.GetGenerationModel(request, timeout=timeout_s)
            return cls(channel, model, timeout_s)

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        """The answer to `turns`, in pieces of text. Closing it early stops the model."""
        return Answer(self._events(turns, limits, cache_key))

    async def _events(
        self, turns: Sequence[Turn], limits: Limits, cache_key: bytes
    ) -> AsyncGenerator[str | Ending, None]:
        request = generation_pb2.GenerationGenerateRequest(
            turns=await write_turns(turns), limits=write_limits(limits), cache_key=cache_key
        )
        call = self._stub.Generate(request, timeout=self._timeout_s)
        try:
            with calling("generation"):
                async for response in call:
                    if response.HasField("end"):
                        yield read_ending(response.end.finish_reason, response.end.usage)
                    else:
                        yield response.text
        finally:
            call.cancel()
