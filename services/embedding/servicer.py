"""The embedder behind `kith.v1.Embedding`."""

from collections.abc import Sequence
from typing import Protocol

import grpc
import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from kith.v1 import embedding_pb2, embedding_pb2_grpc
from services.runtime.server import Service
from services.runtime.wire import read_images


class Embedder(Protocol):
    """What is served."""

    name: str
    dim: int

    async def embed_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """A unit vector a picture."""

    async def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A unit vector a text."""


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServicer):
    """Messages in, messages out; the embedder knows of neither."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def EmbedImages(  # noqa: N802, D102 - the contract names and describes it
        self, request: embedding_pb2.EmbedImagesRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedImagesResponse:
        pictures = await read_images(
            {f"images[{n}]": image for n, image in enumerate(request.images)}
        )
        vectors = await self._embedder.embed_images(pictures)
        return embedding_pb2.EmbedImagesResponse(vectors=_messages(vectors))

    async def EmbedTexts(  # noqa: N802, D102 - the same
        self, request: embedding_pb2.EmbedTextsRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedTextsResponse:
        vectors = await self._embedder.embed_texts(request.texts)
        return embedding_pb2.EmbedTextsResponse(vectors=_messages(vectors))

    async def GetEmbeddingModel(  # noqa: N802, D102 - the same
        self, request: embedding_pb2.GetEmbeddingModelRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbeddingModel:
        return embedding_pb2.EmbeddingModel(name=self._embedder.name, dimensions=self._embedder.dim)


def service(embedder: Embedder) -> Service:
    """`embedder`, ready to be served."""
    return Service(
        embedding_pb2.DESCRIPTOR.services_by_name["Embedding"],
        embedding_pb2_grpc.add_EmbeddingServicer_to_server,
        EmbeddingServicer(embedder),
    )


def _messages(vectors: NDArray[np.float32]) -> list[embedding_pb2.Vector]:
    return [embedding_pb2.Vector(values=row.tolist()) for row in vectors]
