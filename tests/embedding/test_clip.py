"""The embedder agrees with open_clip and with itself, and refuses what does not fit."""

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from kith.errors import Refused
from services.embedding.clip import ClipEmbedder
from services.runtime.profile import EncoderSpec

from .conftest import MODEL


async def test_vectors_have_unit_length_and_the_models_dimensions(
    embedder: ClipEmbedder, pictures: list[Image.Image]
) -> None:
    for vectors in (
        await embedder.embed_images(pictures),
        await embedder.embed_texts(["a dog", "<bo>", ""]),
    ):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == embedder.dim == 32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_a_picture_has_the_same_vector_alone_and_in_any_batch(
    embedder: ClipEmbedder, pictures: list[Image.Image]
) -> None:
    together = await embedder.embed_images(pictures)
    alone = np.concatenate([await embedder.embed_images([picture]) for picture in pictures])
    assert (together * alone).sum(axis=1).min() >= 0.9999


async def test_callers_at_one_time_share_batches_and_get_the_vectors_they_get_alone(
    embedder: ClipEmbedder, pictures: list[Image.Image]
) -> None:
    texts = [f"a {word} cup" for word in ("red", "blue", "green", "tall")]
    alone = [await embedder.embed_images([picture]) for picture in pictures]
    words = [await embedder.embed_texts([text]) for text in texts]
    found = await asyncio.gather(
        *(embedder.embed_images([picture]) for picture in pictures),
        *(embedder.embed_texts([text]) for text in texts),
    )
    for together, expected in zip(found, [*alone, *words], strict=True):
        assert (together * expected).sum() >= 0.9999


async def test_different_pictures_and_texts_have_different_vectors(
    embedder: ClipEmbedder, pictures: list[Image.Image]
) -> None:
    vectors = await embedder.embed_images(pictures[:2])
    assert vectors[0] @ vectors[1] < 0.9999
    words = await embedder.embed_texts(["a red cup", "a blue lantern"])
    assert words[0] @ words[1] < 0.9999


async def test_nothing_in_gives_nothing_out(embedder: ClipEmbedder) -> None:
    assert (await embedder.embed_images([])).shape == (0, 32)
    assert (await embedder.embed_texts([])).shape == (0, 32)


async def test_a_text_beyond_the_context_is_cut(embedder: ClipEmbedder) -> None:
    vectors = await embedder.embed_texts(["dog " * 500, "dog " * 400])
    assert np.allclose(vectors[0], vectors[1])


async def test_it_agrees_with_open_clips_own_loader(
    spec: EncoderSpec, embedder: ClipEmbedder, pictures: list[Image.Image]
) -> None:
    source = f"local-dir:{spec.config.parent}"
    model, _, transform = open_clip.create_model_and_transforms(source)
    tokenize = open_clip.get_tokenizer(source)
    with torch.inference_mode():
        image = model.eval().encode_image(transform(pictures[0])[None], normalize=True).numpy()
        text = model.encode_text(tokenize(["a red cup"]), normalize=True).numpy()
    assert (image * await embedder.embed_images(pictures[:1])).sum() > 0.9999
    assert (text * await embedder.embed_texts(["a red cup"])).sum() > 0.9999


def test_a_model_of_other_dimensions_than_the_profile_says_is_refused(spec: EncoderSpec) -> None:
    with pytest.raises(Refused, match="32 dimensions, the profile says 64"):
        ClipEmbedder(replace(spec, dim=64))


def test_a_missing_file_is_named(spec: EncoderSpec) -> None:
    with pytest.raises(Refused, match=r"nowhere\.safetensors"):
        ClipEmbedder(replace(spec, weights=Path("nowhere.safetensors")))
    with pytest.raises(Refused, match=r"nowhere\.json"):
        ClipEmbedder(replace(spec, config=Path("nowhere.json")))


def test_weights_that_are_not_the_pinned_ones_are_refused(spec: EncoderSpec) -> None:
    with pytest.raises(Refused, match="sha256"):
        ClipEmbedder(replace(spec, sha256=hashlib.sha256(b"another file").hexdigest()))


def test_a_model_with_a_tokenizer_of_its_own_is_refused(spec: EncoderSpec, tmp_path: Path) -> None:
    config = {"model_cfg": {**MODEL, "text_cfg": {"hf_tokenizer_name": "bert"}}}
    path = tmp_path / "open_clip_config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(Refused, match="tokenizer"):
        ClipEmbedder(replace(spec, config=path))
