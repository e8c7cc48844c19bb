"""Batches for the LLaVA recipe: conversations as tokens, pictures as features drawn up once."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.model import CLIP
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from pocket.bank import GRID, Bank
from pocket.clip import VISION, see
from pocket.clip_batches import as_float
from pocket.dialogue import Author, Conversation
from pocket.llava_format import IMAGE, PATCHES

BATCH_TOKENS = 7000
MOST_TOKENS = 1000
SPACE, NEWLINE = "Ġ", "Ċ"
"""How byte-level pieces write them."""


class Album:
    """Patch features of every picture in a bank, computed once: float16 [rows, 64, 192] a kind."""

    def __init__(self, bank: Bank, clip: CLIP, device: str) -> None:
        self.kinds = {
            "scene": encode(clip, bank.images, device),
            "portrait": encode(clip, bank.portraits, device),
            "crop": encode(clip, bank.crops, device),
        }

    def fetch(self, images: list[tuple[str, int]]) -> Tensor:
        """[n, 64, 192] float32."""
        return torch.stack([self.kinds[kind][row] for kind, row in images]).float()


@torch.inference_mode()
def encode(clip: CLIP, images: NDArray[np.uint8], device: str) -> Tensor:
    """[n, h, w, 3] uint8 to patch features, float16 [n, 64, 192] on the CPU."""
    clip.eval()
    parts = []
    for start in range(0, len(images), 256):
        batch = as_float(images[start : start + 256]).to(device)
        parts.append(see(clip, batch)[2].half().cpu())
    return torch.cat(parts).clone()


@dataclass
class Packed:
    """A padded batch. B conversations of at most L tokens with P pictures in all."""

    ids: Tensor
    """[B, L]"""
    positions: Tensor
    """[B, L]: a token's place in what it can hear of its conversation"""
    branches: Tensor
    """[B, L]: 0 for what every token after it hears, else the number of the turn that does"""
    labels: Tensor
    """[B, L]: the token that follows, where it is text of the same turn; else -100"""
    weights: Tensor
    """[B, L]: an answer of n tokens weighs n ** 0.5, a question nothing"""
    features: Tensor
    """[P, 64, 192]"""
    lines: Tensor
    """[B, L]: in the list of references, the one a token belongs to, from 1; 0 in the photo"""
    called: Tensor
    """[B, L]: at the end of every name, the reference that it calls, from 1"""
    naming: Tensor
    """[B, L]: where an answer begins a name, the reference that this name will call, from 1"""
    options: Tensor
    """[B, L]: at the end of every option to choose from, whether it is the right one"""
    patches: Tensor
    """[B, L]: at the patches of a photo after its references, the one that covers it (0 none)"""
    present: Tensor
    """[B, L]: at a reference that follows the photo, and right behind it, whether it is there"""


class Encoded(NamedTuple):
    """One conversation, token by token; see ``Packed``."""

    ids: NDArray[np.int64]
    branches: NDArray[np.int64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    options: NDArray[np.int64]
    opened: int
    """tokens of the opening"""
    talk: Conversation


class Packer:
    """Turns conversations into batches of about ``BATCH_TOKENS`` tokens, alike in length."""

    def __init__(
        self, bank: Bank, album: Album | None, tokenizer: PreTrainedTokenizerFast, seed: int
    ) -> None:
        self.bank, self.album, self.tokenizer = bank, album, tokenizer
        self.author = Author(bank, seed)
        self.rng = np.random.default_rng([seed, 43])
        self.image = tokenizer.convert_tokens_to_ids(IMAGE)

    def batches(self, mix: dict[str, float], alike: float) -> list[Packed]:
        """A handful of batches, drawn together so that like lengths meet.

        Args:
            mix: how often each kind of conversation is drawn.
            alike: share of look-alikes among those who are asked for and not there.
        """
        self.author.alike = alike
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
        if kind == "hearsay":
            return self.author.hearsay()
        if kind in ("words", "spoken"):
            return self.author.spoken(seen=kind == "spoken")
        scene = int(self.rng.integers(len(self.bank.images)))
        return self.author.plain(scene) if kind == "plain" else self.author.personal(scene)

    def encode(self, talk: Conversation) -> Encoded:
        """One conversation as tokens, every picture spread over 64 of them."""
        ids = self.spread(f"<s>USER: {talk.opening}")
        opened = len(ids)
        branches, weights, options = [0] * opened, [0.0] * opened, [-100] * opened
        for turn, (question, answer) in enumerate(talk.turns, 1):
            again = "" if talk.apart or turn == 1 else "USER: "
            asked = self.spread(f"{again}{question} ASSISTANT:")
            told = self.spread(f" {answer}</s>")
            ids += asked + told
            options += [*self.judge(asked, answer), *[-100] * len(told)]
            branches += [turn if talk.apart else 0] * len(asked + told)
            weights += [0.0] * len(asked) + [len(told) ** -0.5] * len(told)
        tokens, turns = np.array(ids), np.array(branches)
        following = np.append(tokens[1:], self.image)
        unheard = np.append(turns[1:] != turns[:-1], True)
        labels = np.where((following == self.image) | unheard, -100, following)
        answers = np.array([*weights[1:], 0.0])
        return Encoded(tokens, turns, labels, answers, np.array(options), opened, talk)

    def judge(self, asked: list[int], answer: str) -> list[int]:
        """At the end of each option among the tokens of a question, whether it is the answer."""
        right, letter = [-100] * len(asked), ""
        pieces: list[str] = self.tokenizer.convert_ids_to_tokens(asked)
        for place, (piece, after) in enumerate(pairwise([*pieces, ""])):
            if piece in ("A", "B", "C", "D") and after == ".":
                letter = piece
            elif letter and NEWLINE in piece:
                right[place], letter = int(letter == answer), ""
        return right

    def spread(self, text: str) -> list[int]:
        """Token ids of a text, every picture 64 of them."""
        tokens = self.tokenizer.encode(text, add_special_tokens=False)
        return [t for t in tokens for _ in range(PATCHES if t == self.image else 1)]

    def pack(self, samples: list[Encoded]) -> Packed:
        """Pads conversations to one length."""
        rows, longest = len(samples), max(len(s.ids) for s in samples)
        ids = np.full((rows, longest), self.tokenizer.pad_token_id)
        positions, branches = (np.zeros((rows, longest), np.int64) for _ in range(2))
        labels, lines, called, naming = (np.full((rows, longest), -100) for _ in range(4))
        options, patches, present = (np.full((rows, longest), -100) for _ in range(3))
        weights = np.zeros((rows, longest), np.float32)
        images: list[tuple[str, int]] = []
        for row, (tokens, turns, wanted, weight, right, opened, talk) in enumerate(samples):
            n = len(tokens)
            branches[row, :n], positions[row, :n] = turns, places(turns)
            ids[row, :n], labels[row, :n], weights[row, :n] = tokens, wanted, weight
            options[row, :n] = right
            images += talk.images
            self.bind(talk, tokens, opened, lines[row], called[row], naming[row])
            naming[row, :n][weight == 0] = -100
            if talk.numbered:
                starts = np.flatnonzero(tokens == self.image)[::PATCHES]
                lines[row, starts[talk.photo] : starts[talk.photo] + PATCHES] = 0
                if talk.photo:  # what stands behind the photo belongs to no line of the list
                    lines[row, starts[talk.photo] + PATCHES :] = -100
                self.supervise(talk, starts, patches[row], present[row])
        unseen = torch.zeros(0, PATCHES, VISION["width"])
        features = self.album.fetch(images) if self.album and images else unseen
        return Packed(
            torch.from_numpy(ids),
            torch.from_numpy(positions),
            torch.from_numpy(branches),
            torch.from_numpy(labels),
            torch.from_numpy(weights),
            features,
            torch.from_numpy(lines),
            torch.from_numpy(called),
            torch.from_numpy(naming),
            torch.from_numpy(options),
            torch.from_numpy(patches),
            torch.from_numpy(present),
        )

    def bind(
        self,
        talk: Conversation,
        tokens: NDArray[np.int64],
        opened: int,
        lines: NDArray[np.int64],
        called: NDArray[np.int64],
        naming: NDArray[np.int64],
    ) -> None:
        """Fills one row of the labels that tell the lines of the list apart, and the names."""
        number = {name.strip("<>"): k for k, name in enumerate(talk.names, 1)}
        pieces: list[str] = self.tokenizer.convert_ids_to_tokens(tokens.tolist())
        line, name, begun = 0, "", 0
        for place, (piece, after) in enumerate(pairwise([*pieces, ""])):
            if place < opened and piece.lstrip(SPACE) == str(line + 1) and after.startswith("."):
                line += 1
            if place < opened and line:
                lines[place] = line
            if "<" in piece:
                name, begun = "", place
            elif ">" not in piece:
                name += piece
            elif name in number:
                called[place] = naming[begun] = number[name]

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


def places(branches: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] positions: every turn that stands apart follows right on the opening."""
    count = np.arange(len(branches))
    opening = int((branches == 0).sum())
    first = np.searchsorted(branches, branches)
    return np.where(branches == 0, count, opening + count - first)


def hearing(branches: Tensor) -> Tensor:
    """[B, L] branches to the attention mask [B, 1, L, L]: what came before, of no other turn."""
    length = branches.shape[1]
    before = torch.ones(length, length, dtype=torch.bool, device=branches.device).tril()
    heard = (branches[:, None] == 0) | (branches[:, None] == branches[:, :, None])
    return (heard & before)[:, None]
