"""A system that is not ours, behind the OpenAI chat API.

It remembers nothing: the concepts that a question is about are shown to it as pictures in the same
message, each with "This is <bo>.", then the photo, then the question. It is told which these are,
and finds none by itself, so that tasks by retrieval are left out.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import openai

from evaluation.manifest import Concept
from evaluation.systems import pictures
from evaluation.systems.system import Memory, Remembering
from kith.errors import (
    InvalidInput,
    KithError,
    Overloaded,
    Refused,
    Unauthenticated,
    Unavailable,
)
from kith.messages import Answer, Capabilities, Model, Recognition, Retrieval, Usage
from kith.photos import photo_bytes

MOST_REFERENCES: Final = 16
"""Pictures of concepts in one question."""
_LONGEST: Final = 512
"""Tokens of an answer."""
_TIMEOUT_S: Final = 120.0
_RETRIES: Final = 5


def name_of(model: str) -> str:
    """What a model is called as a method: openai:NAME, which no method of ours is called.

    The name is without what no folder's name may have.
    """
    plain = "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in model)
    return f"openai:{plain}"


@contextmanager
def opened(url: str, model: str) -> Iterator["Door"]:
    """The system at an address, for as long as the block.

    Args:
        url: Of the API, as in http://127.0.0.1:8123/v1.
        model: One of its models.

    Raises:
        InvalidInput: The address is none, or no key is set.
    """
    _check(url)
    try:
        client = openai.OpenAI(base_url=url, timeout=_TIMEOUT_S, max_retries=_RETRIES)
    except openai.OpenAIError as error:
        raise InvalidInput(
            "openai_url: set OPENAI_API_KEY; any word will do where none is asked for",
            reason="OPENAI_KEY_MISSING",
            field="openai_url",
        ) from error
    with client:
        yield Door(client, url, model)


class Door:
    """See `System`."""

    told = True

    def __init__(self, client: openai.OpenAI, url: str, model: str) -> None:
        self._client = client
        self._model = model
        self.name = name_of(model)
        self.capabilities = Capabilities(
            method=self.name,
            positives_min=1,
            positives_max=1,
            negatives=0,
            captions=False,
            description=False,
            masks=False,
            training=False,
            real_time_edit=False,
            text_only_qa=True,
            retrieval=False,
            max_concepts_at_once=MOST_REFERENCES,
            models=(Model("generation", f"{model} at {url}", ""),),
            version="",
        )

    @contextmanager
    def session(self, memory: Memory, remembering: Remembering) -> Iterator["DoorSession"]:
        """See `System.session`; nothing is sent before a question is."""
        yield DoorSession(self._client, self._model, memory)


class DoorSession:
    """See `Session`."""

    def __init__(self, client: openai.OpenAI, model: str, memory: Memory) -> None:
        self._client = client
        self._model = model
        self._concepts = {concept.name: concept for concept in memory.concepts}

    def ask(self, question: str, photo: bytes | None, concepts: Sequence[str] | None) -> Answer:
        """See `Session.ask`; with None for `concepts`, nobody is shown."""
        parts: list[dict[str, Any]] = []
        for name in concepts or ():
            parts += [_picture(_first_view(self._concepts[name])), _text(f"This is <{name}>.")]
        parts += [_picture(photo)] if photo else []
        parts.append(_text(question))
        messages: Any = [{"role": "user", "content": parts}]
        try:
            came = self._client.chat.completions.with_raw_response.create(
                model=self._model, messages=messages, temperature=0, max_tokens=_LONGEST
            )
        except openai.OpenAIError as error:
            raise _as_ours(error, str(self._client.base_url), self._model) from error
        try:
            return _answer(came.parse())
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise _no_answer(str(self._client.base_url), came.text) from error

    def retrieve(self, photo: bytes) -> Retrieval:
        """Refuses."""
        raise _refusal()

    def recognize(self, photo: bytes, names: Sequence[str]) -> list[Recognition]:
        """Refuses."""
        raise _refusal()

    def remember(self, concept: Concept) -> int:
        """Nothing is sent before a question is."""
        self._concepts[concept.name] = concept
        return 0

    def rename(self, name: str, new: str) -> None:
        """Refuses."""
        raise _refusal()

    def describe(self, name: str, description: str) -> None:
        """Refuses."""
        raise _refusal()

    def forget(self, name: str) -> None:
        """It is not shown any more."""
        del self._concepts[name]


def _check(url: str) -> None:
    """Refuse what can't be the address of an API, before anything is sent there."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # such as a port that is no number
        is_one = False
    if not is_one:
        raise InvalidInput(
            f"openai_url: {url!r} is no address; give it as in http://127.0.0.1:8123/v1",
            reason="OPENAI_URL_INVALID",
            field="openai_url",
        )


def _answer(given: Any) -> Answer:  # noqa: ANN401 - the client checks nothing of what it is sent
    """The answer in a chat completion.

    Raises:
        TypeError, ValueError, LookupError, AttributeError: It is none.
    """
    usage, choice = given.usage, given.choices[0]
    # Some tell no number of one of the two.
    tokens = [int(n or 0) for n in (usage.prompt_tokens, usage.completion_tokens)] if usage else []
    return Answer(
        "".join(choice.message.content or ""),  # a TypeError for what is no text
        complete=choice.finish_reason != "length",
        usage=Usage(*tokens),
    )


def _first_view(concept: Concept) -> bytes:
    return photo_bytes(concept.views[0])


def _picture(content: bytes) -> dict[str, Any]:
    with pictures.opened(content) as image:
        kind = image.get_format_mimetype() or "image/jpeg"
    encoded = base64.b64encode(content).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{encoded}"}}


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _as_ours(error: openai.OpenAIError, url: str, model: str) -> KithError:
    """The same error in our words; one that every question would end in is one that ends a run."""
    said = " ".join(str(error).split())[:500]
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return Unauthenticated(
            f"openai_url: {url} does not take the key in OPENAI_API_KEY: {said}; set one that it "
            "takes, then give the same command again",
            reason="OPENAI_KEY_REFUSED",
            field="openai_url",
        )
    if isinstance(error, openai.NotFoundError):
        return Unavailable(
            f"openai_url: {url} has no chat API, or no model {model!r}: {said}; does the address "
            "end with /v1, and is --openai-model one of its models?",
            reason="OPENAI_UNAVAILABLE",
            field="openai_url",
        )
    if isinstance(error, openai.RateLimitError):
        return Overloaded(
            f"openai_url: {url}: {said}", reason="OPENAI_OVERLOADED", field="openai_url"
        )
    if isinstance(error, openai.APIConnectionError) and not isinstance(
        error, openai.APITimeoutError
    ):
        return Unavailable(
            f"openai_url: nobody answers at {url}: {said}; start that server or correct "
            "--openai-url, then give the same command again",
            reason="OPENAI_UNAVAILABLE",
            field="openai_url",
        )
    return KithError(f"openai_url: {url}: {said}", reason="OPENAI_FAILED", field="openai_url")


def _no_answer(url: str, came: str) -> KithError:
    said = " ".join(came.split())
    shown = f"{said[:200]!r}"
    if said.startswith("<"):  # a page for people: there is no API, and the next question meets none
        return Unavailable(
            f"openai_url: {url} answers with a page, {shown}, and not as the OpenAI chat API does; "
            "does the address end with /v1, as in http://127.0.0.1:8123/v1?",
            reason="OPENAI_UNAVAILABLE",
            field="openai_url",
        )
    return KithError(
        f"openai_url: {url} answers with {shown}, which is no chat completion; look into that "
        "server's log, then give the same command again",
        reason="OPENAI_FAILED",
        field="openai_url",
    )


def _refusal() -> Refused:
    return Refused(
        "openai_url: a system behind it only answers questions", reason="METHOD_HAS_NO_RETRIEVAL"
    )
