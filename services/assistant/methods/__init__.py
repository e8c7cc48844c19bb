"""The methods that retrieve: how to decide which concepts a photo shows, and how to say so."""

from collections.abc import Mapping
from types import MappingProxyType

from kith.errors import InvalidInput
from services.assistant.methods.base import Method
from services.assistant.methods.kith import Kith
from services.assistant.methods.none import NoMemory
from services.assistant.methods.rap import Rap

METHODS: Mapping[str, Method] = MappingProxyType(
    {method.name: method for method in (Kith(), Rap(), NoMemory())}
)


def method(name: str) -> Method:
    """The method of that name.

    Raises:
        InvalidInput: There is none.
    """
    if name not in METHODS:
        raise InvalidInput(
            f"method: no method {name!r}; take one of {', '.join(METHODS)}",
            reason="METHOD_UNKNOWN",
            field="method",
        )
    return METHODS[name]


__all__ = ["METHODS", "Method", "method"]
