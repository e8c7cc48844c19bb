"""Batches for the LLaVA recipe: conversations as tokens, pictures as features drawn up once."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.model import CLIP
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from pocket.bank import GRID, Bank
from pocket.clip import VISION, see
from pocket.clip_batches import as_float, shrink
from pocket.dialogue import Author, Conversation
from pocket.llava_format import IMAGE, PATCHES, render

BATCH_TOKENS = 7000
MOST_TOKENS = 900


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
def encode(clip: CLIP, images: NDArray[np.uint8], device: str) -> Tensor:
    """[n, h, w, 3] uint8 to patch features, float16 [n, 49, 192] on the CPU."""
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
    """[B, L]: at the patches of a photo after its references, the one that covers it (0 none)"""
    pictures: Tensor
    """[B, L]: at every patch of the personal prompt, the reference it belongs to (0 the photo)"""
    present: Tensor
    """[B, L]: at a reference that follows the photo, and right behind it, whether it is there"""


class Encoded(NamedTuple):
    """One conversation: token ids, the tokens to be told at each place (or -100), their weights."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    talk: Conversation


class Packer:
    """Turns conversations into batches of about ``BATCH_TOKENS`` tokens, alike in length."""

    def __init__(
        self, bank: Bank, album: Album, tokenizer: PreTrainedTokenizerFast, seed: int
    ) -> None:
        self.bank, self.album, self.tokenizer = bank, album, tokenizer
        self.author = Author(bank, seed)
        self.rng = np.random.default_rng([seed, 43])
        self.image = tokenizer.convert_tokens_to_ids(IMAGE)

    def batches(self, mix: dict[str, float]) -> list[Packed]:
        """A handful of batches, drawn together so that like lengths meet."""
        pool = [self.encode(self.converse(mix)) for _ in range(160)]
        pool = sorted((p for p in pool if len(p.ids) <= MOST_TOKENS), key=lambda p: len(p.ids))
        batches, start = [], 0
        for end in range(1, len(pool) + 1):
            if end == len(pool) or len(pool[end].ids) * (end + 1 - start) > BATCH_TOKENS:
                batches.append(self.pack(pool[start:end]))
                start = end
        self.rng.shuffle(batches)
        return batches

    def converse(self, mix: dict[str, float]) -> Conversation:
        """A conversation of a kind drawn from the mix."""
        kind = str(self.rng.choice(list(mix), p=list(mix.values())))
        if kind == "spoken":
            return self.author.spoken()
        scene = int(self.rng.integers(len(self.bank.images)))
        return self.author.plain(scene) if kind == "plain" else self.author.personal(scene)

    def encode(self, talk: Conversation) -> Encoded:
        """One conversation as tokens, every picture spread over 49 of them."""
        ids: list[int] = []
        labels: list[int] = []
        weights: list[float] = []
        for question, answer in talk.turns:
            prompt = render(question, first=not ids)
            asked = self.tokenizer.encode(prompt, add_special_tokens=False)
            told = self.tokenizer.encode(f" {answer}</s>", add_special_tokens=False)
            spread = [t for t in asked for _ in range(PATCHES if t == self.image else 1)]
            ids += spread + told
            labels += [-100] * len(spread) + told
            weights += [0.0] * len(spread) + [len(told) ** -0.5] * len(told)
        following = np.array([*labels[1:], -100])
        return Encoded(np.array(ids), following, np.array([*weights[1:], 0.0]), talk)

    def pack(self, samples: list[Encoded]) -> Packed:
        """Pads conversations to one length."""
        rows, longest = len(samples), max(len(s.ids) for s in samples)
        ids = np.full((rows, longest), self.tokenizer.pad_token_id)
        labels, patches, pictures, present = (np.full((rows, longest), -100) for _ in range(4))
        weights = np.zeros((rows, longest), np.float32)
        images: list[tuple[str, int]] = []
        for row, (tokens, wanted, weight, talk) in enumerate(samples):
            n = len(tokens)
            ids[row, :n], labels[row, :n], weights[row, :n] = tokens, wanted, weight
            images += talk.images
            if talk.numbered:
                starts = np.flatnonzero(tokens == self.image)[::PATCHES]
                for place, first in enumerate(starts):
                    number = 0 if place == talk.photo else place + (talk.photo > 0)
                    pictures[row, first : first + PATCHES] = number
                self.supervise(talk, starts, patches[row], present[row])
        return Packed(
            torch.from_numpy(ids),
            torch.from_numpy(labels),
            torch.from_numpy(weights),
            self.album.fetch(images) if images else torch.zeros(0, PATCHES, VISION["width"]),
            torch.from_numpy(patches),
            torch.from_numpy(pictures),
            torch.from_numpy(present),
        )

    def supervise(
        self,
        talk: Conversation,
        starts: NDArray[np.int64],
        patches: NDArray[np.int64],
        present: NDArray[np.int64],
    ) -> None:
        """Fills one row of the labels for the training-only heads."""
        scene = talk.images[talk.photo][1]
        rows = self.bank.people_of(scene)
        if talk.photo == 0:
            here = {int(self.bank.who[r]) for r in rows}
            for identity, start in zip(talk.numbered, starts[1:], strict=True):
                present[start : start + PATCHES + 1] = int(identity in here)
            return
        owner = np.zeros(GRID * GRID, int)
        place = {int(self.bank.order_of[r]): int(self.bank.who[r]) for r in rows}
        for i, order in enumerate(self.bank.grids[scene].flatten()):
            identity = place.get(int(order), -1)
            owner[i] = talk.numbered.index(identity) + 1 if identity in talk.numbered else 0
        patches[starts[talk.photo] : starts[talk.photo] + PATCHES] = owner
