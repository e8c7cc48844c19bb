"""The pocket LLaVA: CLIP's vision tower, a two-layer projector and a small Llama.

Trained in one run of three stages, by share of the time: names and descriptions in text, then
captions and attribute questions about photos, then the personal prompt mixed with both. Two
training-only heads in the middle of the language model say which reference covers a photo's patch
and whether a reference is in the photo: yes or no alone is too thin a signal to learn *who* from.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip.model import CLIP
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from pocket.bank import GRID, Bank
from pocket.clip import MODEL, see
from pocket.clip_batches import as_float, shrink
from pocket.dialogue import Author, Conversation
from pocket.llava_format import IMAGE, PATCHES, render
from pocket.loop import Run

VISION = MODEL["vision_cfg"]
BATCH_TOKENS = 7000
MOST_TOKENS = 900
STAGES = ((0.07, "spoken"), (0.28, "plain"), (1.0, "personal"))
"""Until which share of the time a stage lasts, and what most of its conversations are."""
MIX = {
    "spoken": {"spoken": 1.0},
    "plain": {"plain": 0.6, "personal": 0.25, "spoken": 0.15},
    "personal": {"personal": 0.68, "plain": 0.2, "spoken": 0.12},
}
AUXILIARY_LAYER = 4
"""The training-only heads read the output of this layer of six."""


def build(tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    """The untrained model in the shape of LLaVA-1.5, much smaller."""
    vision = CLIPVisionConfig(
        hidden_size=VISION["width"],
        intermediate_size=4 * VISION["width"],
        num_hidden_layers=VISION["layers"],
        num_attention_heads=VISION["width"] // VISION["head_width"],
        image_size=VISION["image_size"],
        patch_size=VISION["patch_size"],
        projection_dim=MODEL["embed_dim"],
        hidden_act="quick_gelu",
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=2048,
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


class Album:
    """Patch features of every picture in a bank, computed once: float16 [rows, 49, 192] a kind."""

    def __init__(self, bank: Bank, clip: CLIP, device: str) -> None:
        self.kinds = {
            "scene": encode(clip, bank.images, device),
            "portrait": encode(clip, bank.portraits, device),
            "crop": encode(clip, bank.crops, device),
        }

    def fetch(self, images: list[tuple[str, int]]) -> Tensor:
        """[n, 49, 192] float32."""
        return torch.stack([self.kinds[kind][row] for kind, row in images]).float()


@torch.inference_mode()
def encode(clip: CLIP, images: np.ndarray, device: str) -> Tensor:
    clip.eval()
    parts = []
    for start in range(0, len(images), 256):
        batch = as_float(images[start : start + 256]).to(device)
        batch = batch if batch.shape[-1] == VISION["image_size"] else shrink(batch)
        parts.append(see(clip, batch)[2].half().cpu())
    return torch.cat(parts).clone()


@dataclass
class Packed:
    """A padded batch. B conversations of at most L tokens with P pictures in all."""

    ids: Tensor
    """[B, L]"""
    labels: Tensor
    """[B, L]: the token that follows, where it belongs to an answer; else -100"""
    weights: Tensor
    """[B, L]: an answer of n tokens weighs n ** 0.5"""
    features: Tensor
    """[P, 49, 192]"""
    patches: Tensor
    """[B, L]: at a photo's patches after the references, which reference covers it (0 none); else -100"""
    present: Tensor
    """[B, L]: at the token after a reference that follows the photo, 1 if it is there, else 0; else -100"""


class Packer:
    """Turns conversations into batches of about ``BATCH_TOKENS`` tokens, alike in length."""

    def __init__(self, bank: Bank, album: Album, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
        self.bank, self.album, self.tokenizer = bank, album, tokenizer
        self.author = Author(bank, seed)
        self.rng = np.random.default_rng([seed, 43])
        self.image = tokenizer.convert_tokens_to_ids(IMAGE)

    def batches(self, mix: dict[str, float]) -> list[Packed]:
        """A handful of batches, drawn together so that like lengths meet."""
        pool = [self.encode(self.converse(mix)) for _ in range(160)]
        pool = sorted((p for p in pool if len(p[0]) <= MOST_TOKENS), key=lambda p: len(p[0]))
        batches, start = [], 0
        for end in range(1, len(pool) + 1):
            if end == len(pool) or len(pool[end][0]) * (end + 1 - start) > BATCH_TOKENS:
                batches.append(self.pack(pool[start:end]))
                start = end
        self.rng.shuffle(batches)
        return batches

    def converse(self, mix: dict[str, float]) -> Conversation:
        kind = str(self.rng.choice(list(mix), p=list(mix.values())))
        if kind == "spoken":
            return self.author.spoken()
        scene = int(self.rng.integers(len(self.bank.images)))
        return self.author.plain(scene) if kind == "plain" else self.author.personal(scene)

    def encode(self, talk: Conversation) -> tuple[np.ndarray, np.ndarray, np.ndarray, Conversation]:
        """Token ids with every picture spread over 49 tokens, labels and weights of one conversation."""
        ids: list[int] = []
        labels: list[int] = []
        weights: list[float] = []
        for question, answer in talk.turns:
            asked = self.tokenizer.encode(render(question, first=not ids), add_special_tokens=False)
            told = self.tokenizer.encode(f" {answer}</s>", add_special_tokens=False)
            for token in asked:
                ids += [token] * (PATCHES if token == self.image else 1)
            labels += [-100] * (len(ids) - len(labels))
            ids += told
            labels += told
            weights += [0.0] * (len(ids) - len(told) - len(weights)) + [len(told) ** -0.5] * len(told)
        shifted = np.array([*labels[1:], -100])
        return np.array(ids), shifted, np.array([*weights[1:], 0.0]), talk

    def pack(self, samples: list[tuple[np.ndarray, np.ndarray, np.ndarray, Conversation]]) -> Packed:
        rows, longest = len(samples), max(len(s[0]) for s in samples)
        ids = np.full((rows, longest), self.tokenizer.pad_token_id)
        labels, patches, present = (np.full((rows, longest), -100) for _ in range(3))
        weights = np.zeros((rows, longest), np.float32)
        images: list[tuple[str, int]] = []
        for row, (tokens, wanted, weight, talk) in enumerate(samples):
            n = len(tokens)
            ids[row, :n], labels[row, :n], weights[row, :n] = tokens, wanted, weight
            images += talk.images
            if talk.numbered:
                starts = np.flatnonzero(tokens == self.image)[::PATCHES]
                self.supervise(talk, starts, patches[row], present[row])
        return Packed(
            torch.from_numpy(ids),
            torch.from_numpy(labels),
            torch.from_numpy(weights),
            self.album.fetch(images) if images else torch.zeros(0, PATCHES, VISION["width"]),
            torch.from_numpy(patches),
            torch.from_numpy(present),
        )

    def supervise(
        self, talk: Conversation, starts: np.ndarray, patches: np.ndarray, present: np.ndarray
    ) -> None:
        """Fills one row of the labels for the training-only heads."""
        scene = talk.images[talk.photo][1]
        rows = self.bank.people_of(scene)
        if talk.photo == 0:
            here = {int(self.bank.who[r]) for r in rows}
            for identity, start in zip(talk.numbered, starts[1:], strict=True):
                present[start + PATCHES] = int(identity in here)
            return
        owner = np.zeros(GRID * GRID, int)
        place = {int(self.bank.order_of[r]): int(self.bank.who[r]) for r in rows}
        for i, order in enumerate(self.bank.grids[scene].flatten()):
            identity = place.get(int(order), -1)
            owner[i] = talk.numbered.index(identity) + 1 if identity in talk.numbered else 0
        patches[starts[talk.photo] : starts[talk.photo] + PATCHES] = owner


class Heads(nn.Module):
    """The training-only heads: which reference covers a patch; is a reference in the photo."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.present = nn.Linear(256, 5), nn.Linear(256, 2)


def losses(
    model: LlavaForConditionalGeneration, heads: Heads, batch: Packed
) -> dict[str, Tensor]:
    """Language loss over the answers, and the two auxiliary ones."""
    core = model.model
    with torch.autocast(batch.ids.device.type, torch.bfloat16):
        embedded = core.language_model.embed_tokens(batch.ids).float()
        spots = batch.ids == model.config.image_token_id
        if len(batch.features):
            projected = core.multi_modal_projector(batch.features).float().flatten(0, 1)
            embedded = embedded.masked_scatter(spots[..., None], projected)
        out = core.language_model(inputs_embeds=embedded, output_hidden_states=True, use_cache=False)
        told = batch.labels >= 0
        logits = model.lm_head(out.last_hidden_state[told])
    each = F.cross_entropy(logits.float(), batch.labels[told], reduction="none")
    weight = batch.weights[told]
    middle = out.hidden_states[AUXILIARY_LAYER]
    zero = middle.sum() * 0.0
    parts = {"answers": (each * weight).sum() / weight.sum()}
    for name, head in (("patch", heads.patch), ("present", heads.present)):
        wanted = getattr(batch, "patches" if name == "patch" else "present")
        chosen = wanted >= 0
        guess = head(middle[chosen].float())
        parts[name] = F.cross_entropy(guess, wanted[chosen]) if chosen.any() else zero
        hits = (guess.argmax(-1) == wanted[chosen]).float()
        parts[f"{name}_accuracy"] = hits.mean() if chosen.any() else zero.detach()
    return parts


def train(
    bank: Bank, clip: CLIP, tokenizer: PreTrainedTokenizerFast, folder: Path, minutes: float,
    device: str, *, resume: bool,
) -> LlavaForConditionalGeneration:  # fmt: skip
    """Trains projector and language model for the given minutes; the vision tower stays as it is."""
    torch.manual_seed(0)
    model = build(tokenizer).to(device)
    heads = Heads().to(device)
    album = Album(bank, clip, device)
    core = model.model
    learning = nn.ModuleDict({
        "projector": core.multi_modal_projector, "language": core.language_model,
        "lm_head": model.lm_head, "heads": heads,
    })  # fmt: skip
    optimizer = torch.optim.AdamW(learning.parameters(), 1e-3, (0.9, 0.98), weight_decay=0.03)
    run = Run(folder, minutes, {"learning": learning}, optimizer, resume=resume)
    packer = Packer(bank, album, tokenizer, seed=run.step)
    resumed, queue = run.step > 0, list[Packed]()
    while run.running():
        if not queue:
            share = 1.0 if resumed else run.progress
            queue = packer.batches(MIX[next(name for end, name in STAGES if share <= end)])
        batch = Packed(**{k: v.to(device) for k, v in vars(queue.pop()).items()})
        parts = losses(model, heads, batch)
        loss = parts["answers"] + 0.5 * parts["patch"] + 0.5 * parts["present"]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learning.parameters(), 1.0)
        optimizer.step()
        run.log({name: value.item() for name, value in parts.items()})
    run.save()
    return model
