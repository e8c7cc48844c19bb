"""The embedder, on a small open_clip model of random weights in the published layout."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP
from PIL import Image
from safetensors.torch import save_file

from kith.errors import Refused
from services.embedding.clip import ClipEmbedder
from services.runtime.profile import EncoderSpec

MODEL = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "layers": 2, "width": 64, "head_width": 32},
    "text_cfg": {
        "context_length": 24, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> EncoderSpec:
    folder = tmp_path_factory.mktemp("clip")
    config = {"model_cfg": MODEL, "preprocess_cfg": {"resize_mode": "squash"}}
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    model = CLIP(**MODEL)
    rng = torch.Generator().manual_seed(11)
    weights = {
        name: (torch.randn(value.shape, generator=rng) * 0.1).half()
        for name, value in model.state_dict().items()
    }
    save_file(weights, folder / "open_clip_model.safetensors")
    return EncoderSpec(
        "tiny", folder / "open_clip_config.json", folder / "open_clip_model.safetensors", "", 32
    )


@pytest.fixture(scope="module")
def embedder(spec: EncoderSpec) -> Iterator[ClipEmbedder]:
    embedder = ClipEmbedder(spec)
    yield embedder
    embedder.close()


@pytest.fixture
def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(7)
    sizes = [(20 + 3 * n, 60 - n) for n in range(40)]
    return [Image.fromarray(rng.integers(0, 255, (h, w, 3), np.uint8)) for w, h in sizes]


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
