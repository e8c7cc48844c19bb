"""The methods that train, by name. A module is loaded when its method is asked for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from kith.errors import InvalidInput
from services.baselines.methods.base import Method


def _yollava_s(_: Path | None) -> Method:
    from services.baselines.methods.yollava import YoLLaVA

    return YoLLaVA()


def _yollava_m(_: Path | None) -> Method:
    from services.baselines.methods.yollava import YoLLaVA
    from services.baselines.tokens import MAX_CONCEPTS

    return YoLLaVA("yollava-m", concepts_at_once=MAX_CONCEPTS)


def _mc_llava(_: Path | None) -> Method:
    from services.baselines.methods.mc_llava import MCLLaVA

    return MCLLaVA()


def _myvlm(faces: Path | None) -> Method:
    from services.baselines.methods.myvlm import MyVLM

    return MyVLM(faces)


METHODS: Mapping[str, Callable[[Path | None], Method]] = MappingProxyType(
    {
        "yollava-s": _yollava_s,
        "yollava-m": _yollava_m,
        "mc-llava": _mc_llava,
        "myvlm": _myvlm,
    }
)


def method(name: str, faces: Path | None = None) -> Method:
    """The method of that name.

    Args:
        name: One of `METHODS`.
        faces: Folder of the models by which one that can know faces does.

    Raises:
        InvalidInput: There is none.
    """
    if name not in METHODS:
        raise InvalidInput(
            f"method: no method {name!r} trains; take one of {', '.join(METHODS)}",
            reason="METHOD_UNKNOWN",
            field="method",
        )
    return METHODS[name](faces)


__all__ = ["METHODS", "Method", "method"]
