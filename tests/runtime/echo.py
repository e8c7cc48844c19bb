"""A service that does what the text it is sent says."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc

from kith.errors import NotFound, Overloaded
from kith.v1 import (
    common_pb2,
    embedding_pb2,
    embedding_pb2_grpc,
    generation_pb2,
    generation_pb2_grpc,
)
from services.runtime.calls import calling
from services.runtime.identity import current_user
from services.runtime.server import Service


class Echo(embedding_pb2_grpc.EmbeddingServicer, generation_pb2_grpc.GenerationServicer):
    """Answers with the caller's name, or fails as the text says."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.left = asyncio.Event()

    async def EmbedTexts(  # noqa: N802
        self, request: embedding_pb2.EmbedTextsRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedTextsResponse:
        await self._do(request.texts)
        return embedding_pb2.EmbedTextsResponse()

    async def GetEmbeddingModel(  # noqa: N802
        self, request: embedding_pb2.GetEmbeddingModelRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbeddingModel:
        return embedding_pb2.EmbeddingModel(name=current_user())

    async def Generate(  # noqa: N802
        self, request: generation_pb2.GenerationGenerateRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[generation_pb2.GenerationGenerateResponse]:
        yield generation_pb2.GenerationGenerateResponse(text=current_user())
        await self._do([request.turns[0].parts[0].text])
        yield generation_pb2.GenerationGenerateResponse(text="done")

    async def EmbedImages(  # noqa: N802
        self, request: embedding_pb2.EmbedImagesRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedImagesResponse:
        raise NotImplementedError

    async def GetGenerationModel(  # noqa: N802
        self, request: generation_pb2.GetGenerationModelRequest, context: grpc.ServicerContext
    ) -> generation_pb2.GenerationModel:
        raise NotImplementedError

    async def _do(self, texts: Sequence[str]) -> None:
        match texts[0]:
            case "missing":
                raise NotFound("concept: no such concept", reason="CONCEPT_UNKNOWN")
            case "busy":
                raise Overloaded("full", reason="FULL", retry_after_s=3)
            case "bug":
                raise RuntimeError("the user's secret diary")
            case "slow":
                self.entered.set()
                try:
                    await asyncio.sleep(30)
                finally:
                    self.left.set()


EMBEDDING_SERVICE = embedding_pb2.DESCRIPTOR.services_by_name["Embedding"]


def embedding_of(echo: embedding_pb2_grpc.EmbeddingServicer) -> Service:
    return Service(EMBEDDING_SERVICE, embedding_pb2_grpc.add_EmbeddingServicer_to_server, echo)


def generation_of(echo: Echo) -> Service:
    return Service(
        generation_pb2.DESCRIPTOR.services_by_name["Generation"],
        generation_pb2_grpc.add_GenerationServicer_to_server,
        echo,
    )


async def say(
    channel: grpc.aio.Channel, text: str, timeout_s: float | None = None, **metadata: str
) -> None:
    stub = embedding_pb2_grpc.EmbeddingStub(channel)
    request = embedding_pb2.EmbedTextsRequest(texts=[text])
    with calling("echo"):
        await stub.EmbedTexts(request, timeout=timeout_s, metadata=tuple(metadata.items()))


async def whoami(channel: grpc.aio.Channel, *metadata: tuple[str, str]) -> str:
    stub = embedding_pb2_grpc.EmbeddingStub(channel)
    request = embedding_pb2.GetEmbeddingModelRequest()
    with calling("echo"):
        return (await stub.GetEmbeddingModel(request, metadata=metadata)).name


def chat(text: str) -> generation_pb2.GenerationGenerateRequest:
    turn = common_pb2.Turn(role=common_pb2.ROLE_USER, parts=[common_pb2.Part(text=text)])
    return generation_pb2.GenerationGenerateRequest(turns=[turn])
