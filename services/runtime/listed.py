"""Settings that are lists: written with commas, since nobody likes to write JSON in a shell."""

from typing import Annotated, TypeVar

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

T = TypeVar("T")


def _listed(value: object) -> object:
    """What a variable has between its commas."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _paired(value: object) -> object:
    """The same, where each part is NAME=VALUE."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(sign for _, sign, _ in pairs):
        raise ValueError("not NAME=VALUE, nor several with commas between")
    return {name.strip(): there.strip() for name, _, there in pairs}


Listed = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_listed)]
Paired = Annotated[dict[str, T], NoDecode, BeforeValidator(_paired)]
