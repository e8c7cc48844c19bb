"""A LLaVA of transformers in this process: how a prompt is read, and how an answer is written."""

import json
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

import torch
from PIL import Image
from transformers import (
    LlavaForConditionalGeneration,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    LlavaProcessor,
)
from transformers.utils import logging as transformers_logging

from kith.errors import InvalidInput, Refused
from services.generation.stopping import settled
from services.generation.templates import template
from services.runtime.profile import GeneratorSpec
from services.runtime.types import Ending, FinishReason, Limits
from services.runtime.weights import verify

Messages = Sequence[Mapping[str, object]]
"""A chat in the form that chat templates take."""

Inputs = Mapping[str, torch.Tensor]
"""What the network takes, by name."""

_FAMILIES: Final[Mapping[str, tuple[Any, Any]]] = {
    "llava": (LlavaForConditionalGeneration, LlavaProcessor),
    "llava_next": (LlavaNextForConditionalGeneration, LlavaNextProcessor),
}
"""LLaVA-1.5 and 1.6, by the `model_type` of their `config.json`."""


class LlavaModel:
    """Network, processor and tokenizer of a folder as transformers publishes it. Frozen.

    Not safe to share between threads. Loading blocks for seconds.

    Args:
        spec: The folder.
        device: A torch device.

    Raises:
        Refused: The folder is missing, or is not a whole LLaVA in safetensors.
    """

    def __init__(self, spec: GeneratorSpec, device: str = "cpu") -> None:
        self.spec = spec
        self.device = device
        self.network, self.processor = _load(spec, device)
        self.tokenizer = self.processor.tokenizer
        self._template = template(spec.chat_template) if spec.chat_template else None
        self.context_tokens: int = self.network.config.text_config.max_position_embeddings
        """Most tokens of prompt and answer together."""

    @property
    def special(self) -> frozenset[str]:
        """Texts that the tokenizer reads as one special token; user text must hold none."""
        added = self.tokenizer.added_tokens_decoder.values()
        return frozenset((*self.tokenizer.all_special_tokens, *(token.content for token in added)))

    def prompt(self, messages: Messages) -> str:
        """The chat as the template writes it, up to where the answer begins."""
        written: str = self.processor.apply_chat_template(
            messages, self._template, add_generation_prompt=True, tokenize=False
        )
        return written

    def read(self, prompts: Sequence[str], images: Sequence[Image.Image]) -> Inputs:
        """The network's input for prompts, and for the pictures that stand in them, in order.

        Several prompts are padded on the right.
        """
        first = self.tokenizer.bos_token
        begun = first is not None and prompts[0].startswith(first)  # by the template itself
        inputs = self.processor(
            images=list(images) or None,
            text=list(prompts),
            add_special_tokens=not begun,
            padding=len(prompts) > 1,
            padding_side="right",
            return_tensors="pt",
        )
        return {
            name: value.to(self.device, self.network.dtype)
            if value.is_floating_point()
            else value.to(self.device)
            for name, value in inputs.items()
        }

    def write(self, inputs: Inputs, limits: Limits) -> Generator[str | Ending, None, None]:
        """The answer to one prompt, a piece a token (some empty), then how it ended.

        Raises:
            InvalidInput: The prompt fills the model's context; the error says by how much.
        """
        prompt_tokens = inputs["input_ids"].shape[1]
        room = self.context_tokens - prompt_tokens
        if room <= 0:
            raise InvalidInput(
                f"turns: {prompt_tokens} tokens, the model has room for {self.context_tokens} with "
                "the answer; send fewer pictures, earlier turns or words",
                reason="PROMPT_TOO_LONG",
                field="turns",
                metadata={"tokens": str(prompt_tokens), "limit": str(self.context_tokens)},
            )
        most = min(limits.max_tokens, self.spec.max_new_tokens, room)
        written: list[int] = []
        shown, stopped = 0, False
        for token in self._tokens(inputs, limits.temperature, most):
            written.append(token)
            text = self.decode(written)
            if text.endswith("\ufffd"):  # the rest of the character is still to come
                yield ""
                continue
            length, stopped = settled(text, limits.stop)
            yield text[shown:length]
            shown = max(shown, length)
            if stopped:
                break
        text = self.decode(written)
        length, stopped = settled(text, limits.stop, complete=True)
        yield text[shown:length]
        reason = FinishReason.LENGTH if len(written) == most else FinishReason.STOP
        yield Ending(FinishReason.STOP if stopped else reason, prompt_tokens, len(written))

    def decode(self, tokens: Sequence[int]) -> str:
        """Tokens of an answer as text."""
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return text.lstrip()

    @torch.inference_mode()
    def _tokens(self, inputs: Inputs, temperature: float, most: int) -> Generator[int, None, None]:
        """Up to `most` tokens of the answer, without the one that ends it."""
        configured = self.network.generation_config.eos_token_id
        ends = configured if isinstance(configured, list) else [configured]
        step: Mapping[str, Any] = inputs
        cache = None
        for _ in range(most):
            output = self.network(**step, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = output.past_key_values
            token = _choose(output.logits[0, -1].float(), temperature)
            if token in ends:
                return
            yield token
            step = {"input_ids": torch.tensor([[token]], device=self.device)}


def _choose(logits: torch.Tensor, temperature: float) -> int:
    if temperature == 0:
        return int(logits.argmax())
    return int(torch.multinomial(torch.softmax(logits / temperature, dim=-1), 1))


def _load(spec: GeneratorSpec, device: str) -> tuple[Any, Any]:
    """The model and its processor, both from the folder and nowhere else."""
    folder = spec.directory
    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise Refused(
            f"generator: no safetensors in {folder}; fetch the profile's models or correct "
            "--weights",
            reason="WEIGHTS_MISSING",
        )
    for shard in shards:
        verify(shard)
    transformers_logging.disable_progress_bar()
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        network_class, processor_class = _FAMILIES[config["model_type"]]
        network, report = network_class.from_pretrained(
            folder,
            dtype=getattr(torch, spec.dtype),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
        processor = processor_class.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise Refused(
            f"generator: {folder} is not a whole LLaVA folder ({type(error).__name__}); fetch it "
            "again",
            reason="WEIGHTS_DAMAGED",
        ) from error
    missing = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if missing:
        raise Refused(
            f"generator: {folder} lacks {len(missing)} tensors, first {missing[0]}; fetch it again",
            reason="WEIGHTS_DAMAGED",
        )
    return network.eval().requires_grad_(requires_grad=False).to(device), processor
