"""What a failed request to an engine means, in Kith's own errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import openai

from kith.errors import InvalidInput, KithError, Overloaded, Refused, Unavailable

# The words of vLLM, and of OpenAI, for a prompt that is too long or has too many pictures.
_TOO_LONG: Final = re.compile(
    r"maximum (context|model) length|context_length_exceeded|may be provided in one prompt"
)
_MAX_QUOTED: Final = 200
"""Characters of the engine's own words: it may repeat the whole request."""


@contextmanager
def asking() -> Iterator[None]:
    """Raises what a request made inside ran into.

    Raises:
        InvalidInput: The engine can't do what is asked.
        Refused: The engine's address, key or model is not right.
        Overloaded: The engine has too much to do.
        Unavailable: The engine is down, slow, or failed.
    """
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error) from error
    except openai.APITimeoutError as error:
        raise Unavailable(
            "generation: the engine gives no answer in time; try again", reason="SERVICE_TOO_SLOW"
        ) from error
    except openai.APIConnectionError as error:
        raise Unavailable(
            "generation: the engine can't be reached; start it or correct KITH_GENERATION_URL",
            reason="SERVICE_UNREACHABLE",
        ) from error
    except openai.APIError as error:  # told in the midst of an answer
        raise _failed(error) from error
    except ValueError as error:  # JSON it is not
        raise not_an_engine() from error


def not_an_engine() -> Refused:
    """What to say of an address where something else answers."""
    return Refused(
        "generation: what answers is no OpenAI API; correct KITH_GENERATION_URL",
        reason="ENGINE_UNKNOWN",
    )


def _of_status(error: openai.APIStatusError) -> KithError:
    code, said = error.status_code, _quoted(error)
    if code in (401, 403):
        what = "generation: the engine refuses the key; correct KITH_GENERATION_KEY"
        return Refused(what, reason="ENGINE_KEY_REFUSED")
    if code == 404:
        what = (
            f"generation: the engine has no such model or API ({said}); correct "
            "KITH_GENERATION_URL, which ends in /v1, or KITH_GENERATION_MODEL"
        )
        return Refused(what, reason="ENGINE_UNKNOWN")
    if code == 429:
        what = "generation: the engine has too much to do; try again in a second"
        return Overloaded(what, reason="MODEL_QUEUE_FULL")
    if code >= 500:
        return _failed(error)
    if _TOO_LONG.search(f"{error.code} {error}"):
        what = f"turns: {said}; send fewer pictures, earlier turns or words"
        return InvalidInput(what, reason="PROMPT_TOO_LONG", field="turns")
    return InvalidInput(
        f"generation: the engine refuses the chat: {said}", reason="ENGINE_REFUSED", field="turns"
    )


def _failed(error: openai.APIError) -> Unavailable:
    return Unavailable(
        f"generation: the engine failed ({_quoted(error)}); try again", reason="ENGINE_FAILED"
    )


def _quoted(error: openai.APIError) -> str:
    """The first line of what the engine says."""
    body = error.body if isinstance(error.body, dict) else {}
    words = str(body.get("message") or type(error).__name__)
    return words.splitlines()[0][:_MAX_QUOTED].rstrip(". ")
