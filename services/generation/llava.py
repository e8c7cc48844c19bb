"""The generator: a LLaVA in process, from a folder as transformers publishes it."""

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import torch
from PIL import Image
from transformers import LlavaForConditionalGeneration, LlavaProcessor
from transformers.utils import logging as transformers_logging

from kith.errors import InvalidInput, Refused
from services.generation.prompt import render
from services.generation.stopping import settled
from services.generation.templates import template
from services.runtime.profile import GeneratorSpec
from services.runtime.types import Answer, Ending, FinishReason, Limits, Turn
from services.runtime.weights import verify
from services.runtime.worker import ModelWorker


class LlavaGenerator:
    """Answers a chat of texts and pictures, token by token. Safe to share between tasks.

    Answers are written one after another on the model's own thread; one whose reader goes away
    ends at its next token.

    Args:
        spec: The folder. Loading it blocks for seconds.
        device: A torch device.

    Raises:
        Refused: The folder is missing, or is not a whole LLaVA in safetensors.
    """

    def __init__(self, spec: GeneratorSpec, device: str = "cpu") -> None:
        self.name = spec.directory.name
        self._spec = spec
        self._device = device
        self._model, self._processor = _load(spec, device)
        self._tokenizer = self._processor.tokenizer
        self._template = template(spec.chat_template) if spec.chat_template else None
        added = self._tokenizer.added_tokens_decoder.values()
        self._special = {*self._tokenizer.all_special_tokens, *(token.content for token in added)}
        self.context_tokens: int = self._model.config.text_config.max_position_embeddings
        """Most tokens of prompt and answer together."""
        self._worker = ModelWorker("generator")

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        """The answer to `turns`, in pieces of text; pictures stand where they are in the turns.

        Texts are data: nothing in them becomes a special token or opens a turn.

        Args:
            turns: The chat so far; the last turn is the user's.
            limits: Where the answer ends; at most the profile's `max_new_tokens`.
            cache_key: Not used: nothing of a prompt outlives its answer here.

        Raises (on reading the first piece):
            InvalidInput: The prompt fills the model's context; the error says by how much.
            Overloaded: Too many calls wait for the model.
        """
        return Answer(self._events(turns, limits))

    async def warm_up(self) -> None:
        """Writes one token, so that the first caller doesn't pay for the first run."""
        turn = Turn("user", (Image.new("RGB", (64, 64)), "hello"))
        async for _ in self.generate([turn], Limits(max_tokens=1)):
            pass

    def close(self) -> None:
        """Ends the worker thread."""
        self._worker.close()

    async def _events(
        self, turns: Sequence[Turn], limits: Limits
    ) -> AsyncGenerator[str | Ending, None]:
        async with aclosing(self._worker.stream(self._write, turns, limits)) as events:
            async for event in events:
                if event != "":
                    yield event

    def _write(self, turns: Sequence[Turn], limits: Limits) -> Generator[str | Ending, None, None]:
        """Runs on the worker's thread; yields after every token, so that it can be stopped."""
        inputs = self._read(turns)
        prompt_tokens = inputs["input_ids"].shape[1]
        room = self.context_tokens - prompt_tokens
        most = min(limits.max_tokens, self._spec.max_new_tokens, room)
        written: list[int] = []
        shown, stopped = 0, False
        for token in self._tokens(inputs, limits.temperature, most):
            written.append(token)
            text = self._decode(written)
            if text.endswith("\ufffd"):  # the rest of the character is still to come
                yield ""
                continue
            length, stopped = settled(text, limits.stop)
            yield text[shown:length]
            shown = max(shown, length)
            if stopped:
                break
        text = self._decode(written)
        length, stopped = settled(text, limits.stop, complete=True)
        yield text[shown:length]
        reason = FinishReason.LENGTH if len(written) == most else FinishReason.STOP
        yield Ending(FinishReason.STOP if stopped else reason, prompt_tokens, len(written))

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return text.lstrip()

    def _read(self, turns: Sequence[Turn]) -> Mapping[str, torch.Tensor]:
        """The network's input, once it is known to fit."""
        messages, images = render(turns, self._special)
        prompt = self._processor.apply_chat_template(
            messages, self._template, add_generation_prompt=True, tokenize=False
        )
        first = self._tokenizer.bos_token
        begun = first is not None and prompt.startswith(first)  # by the template itself
        inputs = self._processor(
            images=images or None, text=prompt, add_special_tokens=not begun, return_tensors="pt"
        )
        tokens = inputs["input_ids"].shape[1]
        if tokens >= self.context_tokens:
            raise InvalidInput(
                f"turns: {tokens} tokens, the model has room for {self.context_tokens} with the "
                "answer; send fewer pictures, earlier turns or words",
                reason="PROMPT_TOO_LONG",
                field="turns",
                metadata={"tokens": str(tokens), "limit": str(self.context_tokens)},
            )
        return {
            name: value.to(self._device, self._model.dtype)
            if value.is_floating_point()
            else value.to(self._device)
            for name, value in inputs.items()
        }

    @torch.inference_mode()
    def _tokens(
        self, inputs: Mapping[str, torch.Tensor], temperature: float, most: int
    ) -> Generator[int, None, None]:
        """Up to `most` tokens of the answer, without the one that ends it."""
        configured = self._model.generation_config.eos_token_id
        ends = configured if isinstance(configured, list) else [configured]
        step: Mapping[str, Any] = inputs
        cache = None
        for _ in range(most):
            output = self._model(**step, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = output.past_key_values
            token = _choose(output.logits[0, -1].float(), temperature)
            if token in ends:
                return
            yield token
            step = {"input_ids": torch.tensor([[token]], device=self._device)}


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
        model, report = LlavaForConditionalGeneration.from_pretrained(
            folder,
            dtype=getattr(torch, spec.dtype),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
        processor = LlavaProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
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
    return model.eval().requires_grad_(requires_grad=False).to(device), processor
