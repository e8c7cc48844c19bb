"""The pocket LLaVA: CLIP's vision tower, a two-layer projector and a small Llama.

As with its large siblings, a language model that can already read is joined with CLIP's eyes. First
it learns names and descriptions in text alone; then captions and attribute questions about photos,
then the personal prompt mixed with both. Training-only heads inside the language model say to which
reference of the list a token belongs, which one a name calls, which one a patch of the photo shows,
whether a reference is in it, whether an option is the right one, and which reference an answer is
about to name: answers alone are too thin a signal to learn *who* from.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from pocket.bank import Bank
from pocket.clip import VECTOR_DIM, VISION
from pocket.dialogue import Author
from pocket.llava_batches import Album, Packed, Packer, hearing
from pocket.llava_format import IMAGE, PATCHES
from pocket.loop import Run, half

Stages = tuple[tuple[float, dict[str, float]], ...]
"""Until which share of the time a stage lasts, and how often it draws each kind of conversation."""
WORDS: Stages = ((1.0, {"words": 1.0}),)
JOINED: Stages = (
    (0.12, {"plain": 0.3, "personal": 0.3, "words": 0.2, "hearsay": 0.2}),
    (1.0, {"personal": 0.5, "plain": 0.12, "spoken": 0.08, "words": 0.1, "hearsay": 0.2}),
)
PROMPTS = 0.5
"""Weight of the loss over prompts. They repeat each name many times: copying is learned there, long
before the few tokens of the answers teach it."""
AUXILIARY = {
    "lines": (1, 5),
    "called": (3, 5),
    "options": (4, 2),
    "patches": (4, 5),
    "present": (4, 2),
    "naming": (5, 5),
}
"""The training-only heads: the layer of six whose output each reads, and its classes."""


def build(tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    """The untrained model in the shape of LLaVA-1.5, much smaller."""
    vision = CLIPVisionConfig(
        hidden_size=VISION["width"],
        intermediate_size=4 * VISION["width"],
        num_hidden_layers=VISION["layers"],
        num_attention_heads=VISION["width"] // VISION["head_width"],
        image_size=VISION["image_size"],
        patch_size=VISION["patch_size"],
        projection_dim=VECTOR_DIM,
        hidden_act="quick_gelu",
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        image_seq_length=PATCHES,
        tie_word_embeddings=False,
    )
    return LlavaForConditionalGeneration(config)


class Heads(nn.Module):
    """The training-only heads: one for each kind of label in ``AUXILIARY``."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(256, n) for name, (_, n) in AUXILIARY.items()})


def losses(model: LlavaForConditionalGeneration, heads: Heads, batch: Packed) -> dict[str, Tensor]:
    """Language loss over answers and over prompts, and the auxiliary ones."""
    core = model.model
    with half(batch.ids.device.type):
        embedded = core.language_model.embed_tokens(batch.ids).float()
        spots = batch.ids == model.config.image_token_id
        if len(batch.features):
            projected = core.multi_modal_projector(batch.features).float().flatten(0, 1)
            embedded = embedded.masked_scatter(spots[..., None], projected)
        out = core.language_model(
            inputs_embeds=embedded,
            attention_mask=hearing(batch.branches),
            position_ids=batch.positions,
            output_hidden_states=True,
            use_cache=False,
        )
        told = batch.labels >= 0
        logits = model.lm_head(out.last_hidden_state[told])
    each = F.cross_entropy(logits.float(), batch.labels[told], reduction="none")
    weight = batch.weights[told]
    prompted = each[weight == 0].mean()
    parts = {"answers": (each * weight).sum() / weight.sum(), "prompts": prompted}
    for name, (layer, _) in AUXILIARY.items():
        wanted = getattr(batch, name)
        chosen = wanted >= 0
        if chosen.any():
            guess = heads.heads[name](out.hidden_states[layer][chosen].float())
            parts[name] = F.cross_entropy(guess, wanted[chosen])
            parts[f"{name}_accuracy"] = (guess.argmax(-1) == wanted[chosen]).float().mean()
    return parts


def train(
    model: LlavaForConditionalGeneration, bank: Bank, album: Album | None,
    tokenizer: PreTrainedTokenizerFast, folder: Path, minutes: float, device: str, *, resume: bool,
) -> None:  # fmt: skip
    """Trains the language model for the given minutes, and the projector where there are pictures.

    Args:
        model: what is trained, in place; its vision tower stays as it is.
        bank: what is talked about.
        album: the bank's pictures as the vision tower sees them; without it all is text.
        tokenizer: the model's.
        folder: checkpoint, log and curves.
        minutes: wall clock.
        device: cpu or cuda.
        resume: go on from the folder's checkpoint.
    """
    torch.manual_seed(0)
    stages = JOINED if album else WORDS
    heads = Heads().to(device)
    model.to(device)
    core = model.model
    learning = nn.ModuleDict({
        "projector": core.multi_modal_projector, "language": core.language_model,
        "lm_head": model.lm_head, "heads": heads,
    })  # fmt: skip
    optimizer = torch.optim.AdamW(learning.parameters(), 6e-4, (0.9, 0.98), weight_decay=0.03)
    run = Run(folder, minutes, {"learning": learning}, optimizer, resume=resume)
    packer = Packer(bank, album, tokenizer, seed=run.step)
    queue: list[Packed] = []
    ahead = ThreadPoolExecutor(1)

    def draw() -> Future[list[Packed]]:
        mix = next(mix for end, mix in stages if run.progress <= end)
        # Look-alikes come slowly: nothing is learned from a difference that is not yet seen.
        return ahead.submit(packer.batches, mix, Author.alike * min(1, 3 * run.progress))

    drawn = draw()
    while run.running():
        if not queue:
            queue, drawn = drawn.result(), draw()
        batch = Packed(**{k: v.to(device) for k, v in vars(queue.pop()).items()})
        parts = losses(model, heads, batch)
        told = [parts["answers"], PROMPTS * parts["prompts"]]
        told += [parts[name] for name in AUXILIARY if name in parts]
        loss = torch.stack(told).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learning.parameters(), 1.0)
        optimizer.step()
        run.log({name: value.item() for name, value in parts.items()})
    run.save()
