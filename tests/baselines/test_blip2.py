"""MyVLM for BLIP-2, on a tiny one of random weights, against formulas written out by hand."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    T5Config,
)

from services.baselines.base_model import state_hash
from services.baselines.blip2 import RECIPE, REGULARISER, fresh, learn, objective, told
from services.baselines.training import Recipe

QUERIES, WIDTH, HEADS = 5, 16, 4
PICTURE_TOKENS = (16 // 8) ** 2 + 1
IMAGE = 60


@pytest.fixture(scope="module")
def model() -> Blip2ForConditionalGeneration:
    vision = Blip2VisionConfig(
        hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=3,
        image_size=16, patch_size=8, attention_dropout=0.0,
    )  # fmt: skip
    qformer = Blip2QFormerConfig(
        hidden_size=WIDTH, num_hidden_layers=3, num_attention_heads=HEADS, intermediate_size=32,
        encoder_hidden_size=24, cross_attention_frequency=2, vocab_size=64,
    )  # fmt: skip
    text = T5Config(
        vocab_size=64, d_model=20, d_kv=5, d_ff=32, num_layers=1, num_heads=2,
        decoder_start_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    config = Blip2Config(
        vision_config=vision.to_dict(), qformer_config=qformer.to_dict(),
        text_config=text.to_dict(), num_query_tokens=QUERIES, image_token_index=IMAGE,
    )  # fmt: skip
    network = Blip2ForConditionalGeneration(config).double().eval().requires_grad_(False)
    rng = torch.Generator().manual_seed(5)
    for value in network.parameters():
        value.copy_(torch.randn(value.shape, generator=rng, dtype=torch.float64) * 0.3)
    return network


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    return batch([0, 1])


def batch(seeds: Sequence[int]) -> dict[str, Tensor]:
    pictures = [
        torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(s), dtype=torch.float64)
        for s in seeds
    ]
    return {
        "pixel_values": torch.stack(pictures),
        "input_ids": torch.tensor([[IMAGE] * QUERIES + [7, 9]] * len(seeds)),
        "labels": torch.tensor([[11, 12 + s, 13] for s in seeds]),
    }


def linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return x @ layer.weight.T + layer.bias


def normed(layer: nn.LayerNorm, x: Tensor) -> Tensor:
    middle = x.mean(-1, keepdim=True)
    spread = ((x - middle) ** 2).mean(-1, keepdim=True)
    return (x - middle) / (spread + layer.eps) ** 0.5 * layer.weight + layer.bias


def attended(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """[b, q, w], [b, k, w], [b, k, w] to [b, q, w] and probabilities [b, heads, q, k]."""
    size = WIDTH // HEADS
    outputs, probabilities = [], []
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        scores = torch.einsum("bqc,bkc->bqk", query[..., part], key[..., part]) / size**0.5
        shares = scores.exp() / scores.exp().sum(-1, keepdim=True)
        outputs.append(torch.einsum("bqk,bkc->bqc", shares, value[..., part]))
        probabilities.append(shares)
    return torch.cat(outputs, -1), torch.stack(probabilities, 1)


def rescaled(x: Tensor) -> Tensor:
    """The last token as long as the others are on average."""
    length = ((x[:, :-1] ** 2).sum(-1) ** 0.5).mean(1)
    last = x[:, -1] / ((x[:, -1] ** 2).sum(-1, keepdim=True) ** 0.5) * length[:, None]
    return torch.cat([x[:, :-1], last[:, None]], 1)


def by_hand(
    model: Blip2ForConditionalGeneration, e: Tensor, inputs: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """The queries' output [b, queries, width] and the regulariser without lambda."""
    vision, former = model.vision_model, model.qformer
    seen = vision.embeddings(inputs["pixel_values"])
    for layer in vision.encoder.layers:
        seen = layer(seen)
    unit = (e / (e**2).sum() ** 0.5).expand(len(seen), 1, -1)
    seen = normed(vision.post_layernorm, torch.cat([seen, unit], 1))
    assert seen.shape[1] == PICTURE_TOKENS + 1

    x = normed(former.layernorm, model.query_tokens.expand(len(seen), -1, -1))
    total = torch.zeros((), dtype=torch.float64)
    for number, layer in enumerate(former.encoder.layer):
        own = layer.attention.attention
        found, _ = attended(linear(own.query, x), linear(own.key, x), linear(own.value, x))
        x = normed(
            layer.attention.output.LayerNorm, linear(layer.attention.output.dense, found) + x
        )
        if number % 2 == 0:
            cross, out = layer.crossattention.attention, layer.crossattention.output
            key, value = rescaled(linear(cross.key, seen)), rescaled(linear(cross.value, seen))
            found, shares = attended(linear(cross.query, x), key, value)
            total = total + (shares[:, :, :, PICTURE_TOKENS:] ** 2).mean()
            x = normed(out.LayerNorm, linear(out.dense, found) + x)
        inner = linear(layer.intermediate_query.dense, x)
        inner = inner * 0.5 * (1 + torch.erf(inner / 2**0.5))
        x = normed(layer.output_query.LayerNorm, linear(layer.output_query.dense, inner) + x)
    return x, total


def test_the_objective_is_the_published_formula(
    model: Blip2ForConditionalGeneration, inputs: dict[str, Tensor]
) -> None:
    e = 3 * fresh(model, seed=1).detach()
    queries, attention = by_hand(model, e, inputs)
    words = model.language_model.get_input_embeddings()(inputs["input_ids"][:, QUERIES:])
    logits = model.language_model(
        inputs_embeds=torch.cat([linear(model.language_projection, queries), words], 1),
        decoder_input_ids=torch.cat([torch.zeros(2, 1, dtype=int), inputs["labels"][:, :-1]], 1),
    ).logits
    chances = logits.log_softmax(-1).gather(-1, inputs["labels"][..., None])
    expected = float(-chances.mean() + REGULARISER * attention)
    assert float(objective(model, e, inputs)) == pytest.approx(expected, rel=1e-9)
    assert float(objective(model, e, inputs, weight=50.0)) == pytest.approx(
        float(-chances.mean() + 50 * attention), rel=1e-9
    )


def test_only_the_direction_of_an_embedding_counts(
    model: Blip2ForConditionalGeneration, inputs: dict[str, Tensor]
) -> None:
    e = fresh(model, seed=1).detach()
    assert float(e.norm()) == pytest.approx(1)
    first, second = objective(model, e, inputs), objective(model, 40 * e, inputs)
    assert float(first) == pytest.approx(float(second), rel=1e-12)


def test_training_learns_and_leaves_every_weight_as_it_is(
    model: Blip2ForConditionalGeneration, tmp_path: Path
) -> None:
    before, e = state_hash(model), fresh(model, 1)
    untrained = [objective(model, fresh(model, s), batch(range(4))).item() for s in range(6)]
    trained = run(learn(model, e, list(range(4)), batch, tmp_path, replace(RECIPE, epochs=40)))
    assert objective(model, trained, batch(range(4))).item() < min(untrained)
    assert state_hash(model) == before


def test_a_training_that_was_stopped_ends_with_the_same_numbers(
    model: Blip2ForConditionalGeneration, tmp_path: Path
) -> None:
    recipe = Recipe(epochs=6, batch=2, learning_rate=1.0, weight_decay=1e-4, clip=0.05)
    whole = run(learn(model, fresh(model, 1), [0, 1, 2, 3], batch, tmp_path / "a", recipe))
    stopped = learn(model, fresh(model, 1), [0, 1, 2, 3], batch, tmp_path / "b", recipe)
    for _ in range(7):
        next(stopped)
    stopped.close()
    resumed = run(learn(model, fresh(model, 1), [0, 1, 2, 3], batch, tmp_path / "b", recipe))
    assert torch.equal(whole, resumed)


def test_generation_hears_the_concept_inside_the_block_only(
    model: Blip2ForConditionalGeneration, inputs: dict[str, Tensor]
) -> None:
    asked = {name: inputs[name] for name in ("pixel_values", "input_ids")}
    logits = lambda: model.generate(  # noqa: E731
        **asked, max_new_tokens=3, output_scores=True, return_dict_in_generate=True
    ).scores[0]
    plain = logits()
    with told(model, fresh(model, 1).detach()):
        heard = logits()
    with told(model, torch.cat([fresh(model, 1), fresh(model, 2)]).detach()):
        both = logits()
    assert not torch.allclose(plain, heard)
    assert not torch.allclose(both, heard)
    assert torch.equal(plain, logits())


def run(generator: Generator[object, None, Tensor]) -> Tensor:
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value
