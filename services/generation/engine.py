"""The generator: any engine that speaks the OpenAI chat API, vLLM first of all."""

import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, Final, Self

import openai
from openai.types.chat import ChatCompletionChunk

from kith.errors import Overloaded, Refused, Unavailable
from services.generation.engine_chat import Cache, write_chat
from services.generation.engine_errors import asking, not_an_engine
from services.runtime.metrics import ModelMetrics
from services.runtime.types import Answer, Ending, FinishReason, Limits, Turn

MAX_RUNNING: Final = 64
"""Answers asked of the engine at once; more are refused, since it would queue without end."""

_CONNECT_S: Final = 5.0
_MODEL: Final = "generator"
"""What metrics call it, wherever it runs."""
_VLLM: Final = "vllm"
"""What vLLM calls itself in `owned_by`; only it knows of cache salts and names of pictures."""


class EngineGenerator:
    """Asks an engine elsewhere; made by `connect`. Safe to share between tasks of one event loop.

    Nothing is asked twice: an engine that is down or slow is told of at once, and found again by
    the next call once it is back.
    """

    def __init__(
        self, client: openai.AsyncOpenAI, model: Mapping[str, Any], max_new_tokens: int
    ) -> None:
        self._client = client
        self._max_new_tokens = max_new_tokens
        self._running = 0
        self._observer = ModelMetrics()
        self._caches = model.get("owned_by") == _VLLM
        self.name = str(model["id"])
        self.context_tokens = int(model.get("max_model_len") or 0)
        """Most tokens of prompt and answer together; 0 when the engine doesn't say."""

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        key: str | None = None,
        model: str | None = None,
        max_new_tokens: int = 512,
        timeout_s: float = 120,
    ) -> Self:
        """Asks the engine which model it runs.

        Args:
            url: Of the API, as in `http://127.0.0.1:8000/v1`.
            key: The engine's bearer token.
            model: Which of its models; None when it has but one.
            max_new_tokens: The longest answer, whatever a caller asks for.
            timeout_s: An engine that is silent for so long is given up.

        Raises:
            Refused: The address is no such API, the key is wrong, or the model is not there.
            Unavailable: Nobody answers, or not in time.
        """
        client = openai.AsyncOpenAI(
            base_url=url,
            api_key=key or "none",
            organization="",
            project="",
            max_retries=0,
            timeout=openai.Timeout(timeout_s, connect=_CONNECT_S),
            http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
        )
        try:
            with asking():
                # As it comes: the client's own types fail on what a mere web server answers.
                models = await client.get("/models", cast_to=object)
            return cls(client, _chosen(models, model), max_new_tokens)
        except BaseException:
            await client.close()
            raise

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        """The answer to `turns`, in pieces of text. Closing it early frees the engine.

        Args:
            turns: The chat so far; the last turn is the user's. Its texts are data, see
                `prompt.neutralised`.
            limits: Where the answer ends.
            cache_key: Only calls with the same key see what vLLM has kept of each other's prompts
                and pictures; without one the call sees nothing and leaves nothing to be seen.

        Raises (on reading the first piece):
            InvalidInput: The prompt fills the model's context, or holds more pictures than the
                engine takes (`PROMPT_TOO_LONG`); or the engine does not understand it.
            Overloaded: Too many answers are being written.
            Unavailable: The engine is down, too slow, or broke off.
        """
        return Answer(self._events(turns, limits, cache_key))

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.close()

    async def _events(
        self, turns: Sequence[Turn], limits: Limits, cache_key: bytes
    ) -> AsyncGenerator[str | Ending, None]:
        with self._place():
            cache = Cache(cache_key) if self._caches else None
            messages = await write_chat(turns, cache)
            with asking():
                chunks = await self._client.chat.completions.create(
                    model=self.name,
                    messages=messages,
                    max_tokens=min(limits.max_tokens, self._max_new_tokens),
                    temperature=limits.temperature,
                    top_p=1,
                    stop=list(limits.stop) or openai.omit,
                    stream=True,
                    stream_options={"include_usage": True},
                    extra_body={"cache_salt": cache.salt} if cache else None,
                )
                async with aclosing(chunks), aclosing(_read(chunks)) as events:
                    async for event in events:
                        yield event

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the answers that may be written at once."""
        if self._running >= MAX_RUNNING:
            self._observer.refused(_MODEL)
            raise Overloaded(
                f"generation: {MAX_RUNNING} answers are being written; try again in a second",
                reason="MODEL_QUEUE_FULL",
            )
        self._running += 1
        self._observer.waited(_MODEL, 0)  # a place is had at once or not at all
        started = time.perf_counter()
        try:
            yield
        finally:
            self._running -= 1
            self._observer.computed(_MODEL, time.perf_counter() - started, 1)


async def _read(
    chunks: "openai.AsyncStream[ChatCompletionChunk]",
) -> AsyncGenerator[str | Ending, None]:
    """What the engine streams, from the first word on."""
    begun = False
    finished: str | None = None
    prompt_tokens = completion_tokens = cached_tokens = 0
    async for chunk in chunks:
        if chunk.usage:
            prompt_tokens = chunk.usage.prompt_tokens
            completion_tokens = chunk.usage.completion_tokens
            details = chunk.usage.prompt_tokens_details  # none unless the engine is told to
            cached_tokens = (details and details.cached_tokens) or 0
        for choice in chunk.choices:
            piece = choice.delta.content or ""
            if text := piece if begun else piece.lstrip():
                begun = True
                yield text
            finished = choice.finish_reason or finished
    if finished not in ("stop", "length"):
        raise Unavailable(
            "generation: the engine broke off its answer; try again", reason="SERVICE_UNREACHABLE"
        )
    yield Ending(FinishReason(finished), prompt_tokens, completion_tokens, cached_tokens)


def _chosen(answer: object, name: str | None) -> Mapping[str, Any]:
    """The one model, or the one that is named."""
    models = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        raise not_an_engine()
    named: list[Mapping[str, Any]] = [model for model in models if name in (None, model["id"])]
    if len(named) != 1:
        there = ", ".join(model["id"] for model in models) or "no model"
        raise Refused(
            f"generation: the engine runs {there}; name one with KITH_GENERATION_MODEL",
            reason="ENGINE_MODEL_UNKNOWN",
            field="generation_model",
        )
    return named[0]
