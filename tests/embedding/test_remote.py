"""An embedder behind an address answers as the one in this process does."""

import io

import numpy as np
import pytest
from PIL import Image

from kith.errors import InvalidInput
from kith.v1 import common_pb2, embedding_pb2, embedding_pb2_grpc
from services.embedding import remote as remote_module
from services.embedding.clip import ClipEmbedder
from services.embedding.remote import RemoteEmbedder
from services.embedding.servicer import service
from services.runtime import images, wire
from services.runtime.calls import calling
from tests.runtime.serving import served


async def test_local_and_remote_give_the_same_vectors(
    embedder: ClipEmbedder, pictures: list[Image.Image]
) -> None:
    large = pictures[0].resize((1200, 900))  # sent as JPEG, which loses a little
    texts = ["a dog", "<bo>", "a red cup on a table"]
    async with served(service(embedder)) as channel:
        remote = await RemoteEmbedder.connect(channel)
        assert (remote.name, remote.dim) == (embedder.name, embedder.dim)
        near, far = await embedder.embed_images(pictures), await remote.embed_images(pictures)
        assert np.allclose(near, far, atol=1e-5)
        near, far = await embedder.embed_texts(texts), await remote.embed_texts(texts)
        assert np.allclose(near, far, atol=1e-6)
        near, far = await embedder.embed_images([large]), await remote.embed_images([large])
        assert (near * far).sum() > 0.99
        assert (await remote.embed_images([])).shape == (0, embedder.dim)
        assert (await remote.embed_texts([])).shape == (0, embedder.dim)


async def test_many_pictures_go_in_several_requests(
    embedder: ClipEmbedder, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_MAX_BYTES", 20_000)
    monkeypatch.setattr(remote_module, "_MAX_TEXTS", 3)
    texts = [f"picture {n}" for n in range(8)]
    async with served(service(embedder)) as channel:
        remote = await RemoteEmbedder.connect(channel)
        far = await remote.embed_images(pictures)
        words = await remote.embed_texts(texts)
    assert np.allclose(far, await embedder.embed_images(pictures), atol=1e-5)
    assert np.allclose(words, await embedder.embed_texts(texts), atol=1e-6)


async def test_pictures_too_large_for_one_request_go_in_several(
    embedder: ClipEmbedder, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 2 * max(picture.width * picture.height for picture in pictures)
    monkeypatch.setattr(images, "MAX_REQUEST_PIXELS", most)
    files = [common_pb2.Image(data=images.encode(picture)) for picture in pictures]
    async with served(service(embedder)) as channel:
        stub = embedding_pb2_grpc.EmbeddingStub(channel)
        with pytest.raises(InvalidInput, match="pixels"), calling("embedding"):
            await stub.EmbedImages(embedding_pb2.EmbedImagesRequest(images=files))
        far = await (await RemoteEmbedder.connect(channel)).embed_images(pictures)
    assert np.allclose(far, await embedder.embed_images(pictures), atol=1e-5)


async def test_the_bad_picture_among_good_ones_is_named(
    embedder: ClipEmbedder, pictures: list[Image.Image]
) -> None:
    buffer = io.BytesIO()
    pictures[0].save(buffer, "PNG")
    data = [buffer.getvalue(), buffer.getvalue()[:200]]
    request = embedding_pb2.EmbedImagesRequest(images=[common_pb2.Image(data=d) for d in data])
    async with served(service(embedder)) as channel:
        stub = embedding_pb2_grpc.EmbeddingStub(channel)
        with pytest.raises(InvalidInput) as refusal, calling("embedding"):
            await stub.EmbedImages(request)
    assert refusal.value.field == "images[1]"
    assert refusal.value.reason == "IMAGE_DAMAGED"
