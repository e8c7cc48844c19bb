"""MyVLM's concept embedding for BLIP-2 (Alaluf et al., ECCV 2024; thesis 2.1.1).

The embedding e is one more token behind those of the vision encoder: e/|e| joins the output of its
last block, with no residual of its own, so that the encoder's last layer norm applies to it too. In
the Q-Former's cross-attention its key and its value are rescaled to the mean norm of those of the
picture's own tokens. Trained on captions: the language model's cross-entropy, and lambda times the
mean square of the attention probabilities that the queries give to e, summed over layers.

Here for `Blip2ForConditionalGeneration` of transformers, as it is published: hooks do the work, and
no weight changes.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows
from transformers import Blip2ForConditionalGeneration

from services.baselines.attention import noted
from services.baselines.training import Lesson, Progress, Recipe, fit

T = TypeVar("T")

REGULARISER: Final = 0.04
"""lambda, as published."""

RECIPE: Final = Recipe(
    epochs=75, batch=4, learning_rate=1.0, weight_decay=1e-4, clip=0.05, patience=75
)
"""For objects; people have 100 epochs. An epoch is one step where there are four pictures."""


def fresh(model: Blip2ForConditionalGeneration, seed: int) -> nn.Parameter:
    """An untrained embedding [1, d], as wide as the vision encoder: uniform, of unit length."""
    width = model.config.vision_config.hidden_size
    drawn = torch.rand(1, width, generator=torch.Generator().manual_seed(seed))
    return nn.Parameter(F.normalize(drawn, dim=-1).to(model.device, model.dtype))


@contextmanager
def told(model: Blip2ForConditionalGeneration, e: Tensor) -> Iterator[None]:
    """Inside the block every picture holds the concepts of `e`, in `generate` too.

    Args:
        model: The model; frozen.
        e: [n, d], one row a concept; its direction counts.
    """

    def append(_module: nn.Module, _inputs: Any, output: Any) -> Any:  # noqa: ANN401 - torch's shape
        seen = output.last_hidden_state
        tokens = F.normalize(e, dim=-1).to(seen).expand(len(seen), -1, -1)
        output.last_hidden_state = torch.cat([seen, tokens], dim=1)
        return output

    def rescale(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:  # noqa: ANN401
        own, added = output[:, : -len(e)], output[:, -len(e) :]
        norm = own.norm(dim=-1).mean(1)[:, None, None]
        return torch.cat([own, norm * F.normalize(added, dim=-1)], dim=1)

    with ExitStack() as hooks:
        handles = [model.vision_model.encoder.register_forward_hook(append)]
        for attention in _cross_attentions(model):
            handles += [
                part.register_forward_hook(rescale) for part in (attention.key, attention.value)
            ]
        for handle in handles:
            hooks.callback(handle.remove)
        yield


def objective(
    model: Blip2ForConditionalGeneration,
    e: Tensor,
    inputs: Mapping[str, Tensor],
    weight: float = REGULARISER,
) -> Tensor:
    """What training makes small.

    The regulariser is `weight` times the mean of A[:, :, :, n:] squared, summed over the Q-Former's
    cross-attention layers; A are attention probabilities and n the picture's own tokens.

    Args:
        model: The model; frozen.
        e: [1, d].
        inputs: As the processor gives them, with the captions as `labels`.
        weight: lambda.
    """
    layers = _cross_attentions(model)
    with told(model, e), noted(model.qformer, layers) as attention:
        loss: Tensor = model(**inputs).loss
    return loss + weight * sum(layer[..., -len(e) :].square().mean() for layer in attention)


def learn(
    model: Blip2ForConditionalGeneration,
    e: nn.Parameter,
    samples: Sequence[T],
    read: Callable[[Sequence[T]], Mapping[str, Tensor]],
    folder: Path,
    recipe: Recipe = RECIPE,
) -> Generator[Progress, None, Tensor]:
    """Trains `e` in place on all samples, shuffled, in every epoch; returns it. Resumes, see `fit`.

    Args:
        model: The model; frozen.
        e: [1, d], as `fresh` makes it.
        samples: Pictures with captions, in any form.
        read: Makes the model's inputs of a batch of them; may change pictures at random, by torch.
        folder: Where the checkpoint lies.
        recipe: How.
    """
    lesson = Lesson(
        {"e": e},
        lambda rng: rng.sample(samples, len(samples)),
        lambda batch: objective(model, e, read(batch)),
    )
    best = yield from fit(lesson, recipe, folder)
    return best["e"]


def _cross_attentions(model: Blip2ForConditionalGeneration) -> Sequence[Any]:
    return [
        layer.crossattention.attention
        for layer in model.qformer.encoder.layer
        if layer.has_cross_attention
    ]
