"""Vectors for the words of an open vocabulary, from an embedding service."""

from collections.abc import Sequence
from typing import Final, Self

import grpc
import numpy as np
from numpy.typing import NDArray

from kith.errors import Refused
from kith.v1 import embedding_pb2, embedding_pb2_grpc
from services.runtime.calls import calling
from services.runtime.profile import EncoderSpec

_MAX_TEXTS: Final = 1024
_TIMEOUT_S: Final = 30.0


class RemoteWords:
    """Calls `kith.v1.Embedding` for words alone; made by `connect`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = embedding_pb2_grpc.EmbeddingStub(channel)

    @classmethod
    async def connect(cls, channel: grpc.aio.Channel, spec: EncoderSpec) -> Self:
        """Asks the service whether it runs the encoder that the detector was trained with.

        Raises:
            Refused: It runs another.
            Unavailable: Nobody answers.
        """
        stub = embedding_pb2_grpc.EmbeddingStub(channel)
        request = embedding_pb2.GetEmbeddingModelRequest()
        with calling("embedding"):
            model = await stub.GetEmbeddingModel(request, timeout=_TIMEOUT_S)
        if (model.name, model.dimensions) != (spec.name, spec.dim):
            raise Refused(
                f"embedding: it runs {model.name} ({model.dimensions}), the detector reads words "
                f"of {spec.name} ({spec.dim}); start it with KITH_ENCODER=words",
                reason="EMBEDDER_MISMATCH",
                field="embedding",
            )
        return cls(channel)

    async def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """A unit vector a word: float32 [words, dim]; at least one word.

        Raises:
            KithError: As the service; Unavailable when nobody answers.
        """
        rows: list[embedding_pb2.Vector] = []
        for start in range(0, len(words), _MAX_TEXTS):
            request = embedding_pb2.EmbedTextsRequest(texts=words[start : start + _MAX_TEXTS])
            with calling("embedding"):
                response = await self._stub.EmbedTexts(request, timeout=_TIMEOUT_S)
            rows += response.vectors
        return np.array([row.values for row in rows], np.float32)
