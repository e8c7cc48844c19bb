"""The embedder that the service asks for vectors: another process, called from any thread."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import grpc
import numpy as np
from PIL.Image import Image

from datagen.pool import Embedder, Vectors
from datagen.service.settings import DatagenSettings
from kith.channel import channel_options
from kith.errors import Unavailable
from kith.status import from_rpc_error
from kith.v1 import common_pb2, embedding_pb2, embedding_pb2_grpc
from services.runtime import hop, images
from services.runtime.tls import channel_credentials
from services.runtime.wire import in_requests

_TIMEOUT_S: Final = 60.0
_OPTIONS: Final = (*channel_options(hop.KEEPALIVE_MS, 5000), ("grpc.enable_http_proxy", 0))


@contextmanager
def embedder_at(settings: DatagenSettings) -> Iterator[Embedder]:
    """The embedder of `kith.v1.Embedding`, for as long as the block.

    It raises what the service does, and `Unavailable` when nobody answers.
    """
    credentials = channel_credentials(settings)
    channel = (
        grpc.secure_channel(settings.embedding, credentials, _OPTIONS)
        if credentials
        else grpc.insecure_channel(settings.embedding, _OPTIONS)
    )
    token = settings.service_token
    shown = (("authorization", f"Bearer {token.get_secret_value()}"),) if token else ()
    with channel:
        stub = embedding_pb2_grpc.EmbeddingStub(channel)

        def embed(pictures: Sequence[Image]) -> Vectors:
            rows: list[embedding_pb2.Vector] = []
            sent = [common_pb2.Image(data=images.encode(picture)) for picture in pictures]
            for part in in_requests(pictures, sent):
                request = embedding_pb2.EmbedImagesRequest(images=part)
                rows += _asked(stub.EmbedImages, request, shown).vectors
            return np.array([row.values for row in rows], np.float32)

        model = _asked(stub.GetEmbeddingModel, embedding_pb2.GetEmbeddingModelRequest(), shown)
        yield Embedder(model.name, embed)


def _asked(call: Any, request: object, shown: object) -> Any:  # noqa: ANN401 - any call of the stub
    try:
        return call(request, metadata=shown, timeout=_TIMEOUT_S)
    except grpc.RpcError as failed:
        error = from_rpc_error(failed)
        if error.reason in ("RPC_UNAVAILABLE", "RPC_DEADLINE_EXCEEDED"):
            raise Unavailable(
                "embedding: the service does not answer; try again when it does",
                reason="SERVICE_UNREACHABLE",
            ) from failed
        raise error from failed
