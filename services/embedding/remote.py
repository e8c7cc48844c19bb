"""An embedder that runs in another process, of the same shape as the one that runs in this."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Self

import grpc
import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from kith.v1 import embedding_pb2, embedding_pb2_grpc
from services.runtime.calls import calling
from services.runtime.wire import in_requests, write_image

_MAX_TEXTS: Final = 1024


class RemoteEmbedder:
    """Calls `kith.v1.Embedding`; made by `connect`.

    Every method raises what the embedder itself would, and `Unavailable` when nobody answers.
    """

    def __init__(
        self, channel: grpc.aio.Channel, model: embedding_pb2.EmbeddingModel, timeout_s: float
    ) -> None:
        self._stub = embedding_pb2_grpc.EmbeddingStub(channel)
        self._timeout_s = timeout_s
        self.name = model.name
        self.dim = model.dimensions

    @classmethod
    async def connect(cls, channel: grpc.aio.Channel, timeout_s: float = 60) -> Self:
        """Asks the service which model it runs. A call that takes `timeout_s` is given up."""
        stub = embedding_pb2_grpc.EmbeddingStub(channel)
        request = embedding_pb2.GetEmbeddingModelRequest()
        with calling("embedding"):
            return cls(channel, await stub.GetEmbeddingModel(request, timeout=timeout_s), timeout_s)

    async def embed_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """A unit vector an RGB image: float32 [images, dim]."""
        messages = await asyncio.gather(*(write_image(image) for image in images))
        rows: list[embedding_pb2.Vector] = []
        for part in in_requests(images, messages):
            request = embedding_pb2.EmbedImagesRequest(images=part)
            with calling("embedding"):
                response = await self._stub.EmbedImages(request, timeout=self._timeout_s)
            rows += response.vectors
        return self._matrix(rows)

    async def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A unit vector a text: float32 [texts, dim]."""
        rows: list[embedding_pb2.Vector] = []
        for start in range(0, len(texts), _MAX_TEXTS):
            request = embedding_pb2.EmbedTextsRequest(texts=texts[start : start + _MAX_TEXTS])
            with calling("embedding"):
                response = await self._stub.EmbedTexts(request, timeout=self._timeout_s)
            rows += response.vectors
        return self._matrix(rows)

    def _matrix(self, rows: Iterable[embedding_pb2.Vector]) -> NDArray[np.float32]:
        return np.array([row.values for row in rows], np.float32).reshape(-1, self.dim)
