"""The frozen LLaVA that the baselines teach new words to."""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from services.baselines.prefixes import Prefixes
from services.baselines.tokens import Rows, Slot, WiderEmbedding, WiderHead, slots
from services.generation.llava_model import LlavaModel, Messages
from services.runtime.profile import GeneratorSpec
from services.runtime.types import Ending, Limits
from services.runtime.weights import fingerprint_of


@dataclass(frozen=True)
class Sample:
    """A chat that ends with the user's turn, and the answer to be learned."""

    messages: Messages
    images: tuple[Image.Image, ...]
    answer: str


@dataclass(frozen=True)
class Worn:
    """Concept tokens that stand in the slots, in order."""

    rows: Rows
    """[n (k + 1), d]: k + 1 rows a concept."""
    names: tuple[str, ...]
    """What the concepts are called, without angle brackets."""


class _Ahead(NamedTuple):
    """Texts as the network reads them, and what it expects after each token from `first` on."""

    ids: Tensor
    """[rows, tokens], padded on the right."""
    mask: Tensor
    """[rows, tokens], 0 where padded."""
    first: int
    logits: Tensor
    """[rows, tokens - first, words]."""


class BaseModel(LlavaModel):
    """A LLaVA with slots for concept tokens. All its own weights stay as they are.

    Args:
        spec: Its folder.
        device: A torch device.
        soft: Learned tokens a concept, beside the one for its name.

    Raises:
        Refused: As `LlavaModel`.
    """

    def __init__(self, spec: GeneratorSpec, device: str, soft: int) -> None:
        super().__init__(spec, device)
        self.slots: tuple[Slot, ...] = slots(soft)
        first = len(self.tokenizer)
        self.tokenizer.add_tokens([token for slot in self.slots for token in slot.tokens])
        self._embedding = WiderEmbedding(self.network.get_input_embeddings(), first)
        self._head = WiderHead(self.network.lm_head, first)
        self.network.set_input_embeddings(self._embedding)
        self.network.lm_head = self._head
        self._names: tuple[str, ...] = ()

    @property
    def own_embedding(self) -> Tensor:
        """[V, d] rows of the model's own words."""
        return self._embedding.own.weight

    @property
    def own_head(self) -> Tensor:
        """[V, d] rows of the output matrix for the model's own words."""
        return self._head.own.weight

    @cached_property
    def scale(self) -> float:
        """Root mean square of the numbers in `own_embedding`."""
        return float(self.own_embedding.float().square().mean().sqrt())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the weights, in hexadecimal; concept tokens fit this model and no other."""
        return fingerprint_of(self.spec.directory)

    @contextmanager
    def wearing(self, worn: Worn) -> Iterator[None]:
        """Inside the block the slots hold these concepts."""
        before = self._embedding.worn, self._names
        self._embedding.worn = self._head.worn = worn.rows
        self._names = worn.names
        try:
            yield
        finally:
            self._embedding.worn = self._head.worn = before[0]
            self._names = before[1]

    def loss(self, samples: Sequence[Sample], prefixes: Prefixes | None = None) -> Tensor:
        """Mean cross-entropy over the answers' tokens.

        The token that ends an answer is not among them, as in the published code.
        """
        kinds = [[s for s in samples if s.images], [s for s in samples if not s.images]]
        return torch.cat([self._losses(kind, prefixes) for kind in kinds if kind]).mean()

    @torch.no_grad()
    def certainty(
        self,
        chats: Sequence[tuple[Messages, Sequence[Image.Image]]],
        prefixes: Prefixes | None = None,
    ) -> list[float]:
        """How likely each chat is answered with yes rather than no, 0 to 1.

        All of the chats, or none, have pictures.
        """
        prompts = [self.prompt(messages) for messages, _ in chats]
        ahead = self._ahead(prompts, [0] * len(chats), [images for _, images in chats], prefixes)
        last = ahead.mask.sum(1) - 1 - ahead.first
        rows = torch.arange(len(chats), device=last.device)
        logits = _precise(ahead.logits[rows, last])
        yes, no = self._words
        told: list[float] = (logits[:, yes] - logits[:, no]).sigmoid().tolist()
        return told

    def _losses(self, samples: Sequence[Sample], prefixes: Prefixes | None) -> Tensor:
        """The cross-entropy of each token of the answers."""
        prompts = [self.prompt(sample.messages) for sample in samples]
        texts = [f"{p} {s.answer}" for p, s in zip(prompts, samples, strict=True)]
        lengths = zip(self._lengths(texts), self._lengths(prompts), strict=True)
        answers = [whole - asked for whole, asked in lengths]
        ahead = self._ahead(texts, answers, [sample.images for sample in samples], prefixes)
        labels = ahead.ids.masked_fill(ahead.mask == 0, -100)
        for row, answer in enumerate(answers):
            labels[row, : int(ahead.mask[row].sum()) - answer] = -100
        wanted = labels[:, ahead.first + 1 :]
        chosen = wanted >= 0
        return F.cross_entropy(
            _precise(ahead.logits[:, :-1][chosen]), wanted[chosen], reduction="none"
        )

    def _ahead(
        self,
        texts: Sequence[str],
        answers: Sequence[int],
        images: Sequence[Sequence[Image.Image]],
        prefixes: Prefixes | None,
    ) -> _Ahead:
        """The logits of texts, from before the first answer or earlier.

        What stands before the first concept token can't depend on concept tokens, so that it is
        computed without gradients, and once a picture where there are `prefixes`: most of a prompt
        is its pictures. What all texts go on with, which tells of the concepts, is computed once
        for those that are about the same pictures.

        Args:
            texts: With their answers.
            answers: Tokens of each answer, 0 where there is none yet.
            images: Of each text.
            prefixes: What is known of pictures already.
        """
        inputs = dict(self.read(texts, [image for row in images for image in row]))
        ids, mask = inputs.pop("input_ids"), inputs.pop("attention_mask")
        first = self._fixed(ids)
        if not first:
            out = self.network(input_ids=ids, attention_mask=mask, **inputs, use_cache=False)
            return _Ahead(ids, mask, 0, out.logits)

        def look(rows: list[int]) -> Any:  # noqa: ANN401 - a cache of transformers
            begun = {"input_ids": ids[rows, :first], "attention_mask": mask[rows, :first]}
            seen = {name: _of_rows(value, rows, len(ids)) for name, value in inputs.items()}
            with torch.no_grad():
                out = self.network(**begun, **seen, use_cache=True, logits_to_keep=1)
            return out.past_key_values

        told = ids[:, :first].tolist()
        keys = [(*map(id, row), *words) for row, words in zip(images, told, strict=True)]
        row_of = {key: row for row, key in enumerate(keys)}
        rows = list(row_of.values())  # one of those that begin with the same pictures
        cache: Any = (prefixes or Prefixes(0)).fetch(
            list(row_of), [images[row] for row in rows], lambda some: look([rows[n] for n in some])
        )
        if len(rows) < len(keys):
            alike = _alike(ids, mask.sum(1) - torch.tensor(answers, device=mask.device) - 1)
            if alike > first:
                more = {"input_ids": ids[rows, first:alike], "attention_mask": mask[rows, :alike]}
                self.network(**more, past_key_values=cache, use_cache=True, logits_to_keep=1)
                first = alike
            place_of = {key: place for place, key in enumerate(row_of)}
            cache.batch_select_indices(torch.tensor([place_of[key] for key in keys]))
        rest = {"input_ids": ids[:, first:], "attention_mask": mask, "past_key_values": cache}
        return _Ahead(ids, mask, first, self.network(**rest, use_cache=True).logits)

    def _fixed(self, ids: Tensor) -> int:
        """How many tokens stand before the first concept token of any row.

        0 where a picture comes after it.
        """
        added = ids >= self._embedding.first
        if not added.any(1).all():
            return 0
        first = int(added.int().argmax(1).min())
        late = ids[:, first:] == self.network.config.image_token_id
        return 0 if late.any() else first

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of texts, a picture counted as one."""
        return [len(ids) for ids in self.tokenizer(list(texts))["input_ids"]]

    def say(
        self, messages: Messages, images: Sequence[Image.Image], limits: Limits, worn: Worn
    ) -> Generator[str | Ending, None, None]:
        """The answer to a chat in which the slots hold `worn`; see `write`."""
        with self.wearing(worn):
            yield from self.write(self.read([self.prompt(messages)], images), limits)

    def decode(self, tokens: Sequence[int]) -> str:
        """Tokens of an answer as text, a concept by its name in angle brackets."""
        text = super().decode(tokens)
        for number, slot in enumerate(self.slots):
            name = f"<{self._names[number]}>" if number < len(self._names) else ""
            text = text.replace(f"<{slot.name}>", slot.name).replace(slot.name, name)
            for token in slot.soft:
                text = text.replace(token, "")
        return text

    @cached_property
    def _words(self) -> tuple[int, int]:
        """The tokens with which yes and no begin, as an answer."""
        prompt = self.prompt(
            [{"role": "user", "content": [{"type": "text", "text": "Yes or no?"}]}]
        )
        (length,) = self._lengths([prompt])
        yes, no = (
            int(self.tokenizer(f"{prompt} {word}")["input_ids"][length]) for word in ("Yes", "No")
        )
        return yes, no


def _alike(ids: Tensor, ends: Tensor) -> int:
    """With how many tokens all rows begin alike, up to the earliest of their ends."""
    same = (ids == ids[0]).all(0)[: int(ends.min())]
    return int(same.long().cumprod(0).sum())


def _of_rows(pictures: Tensor, rows: list[int], count: int) -> Tensor:
    """The pictures of some of `count` texts that have the same number of pictures each."""
    chosen: Tensor = pictures.unflatten(0, (count, -1))[rows].flatten(0, 1)
    return chosen


def _precise(logits: Tensor) -> Tensor:
    """In single precision at least."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def chat(text: str) -> Messages:
    """A chat of one user turn."""
    return [{"role": "user", "content": [{"type": "text", "text": text}]}]


def state_hash(network: Any) -> Mapping[str, str]:  # noqa: ANN401 - any torch module
    """SHA-256 of every tensor of a module, by name: equal mappings are bit-identical weights."""
    return {
        name: hashlib.sha256(
            tensor.detach().cpu().contiguous().view(torch.uint8).numpy()
        ).hexdigest()
        for name, tensor in network.state_dict().items()
    }
