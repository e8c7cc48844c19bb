"""What a training leaves behind: a safetensors file a concept, with a header that says of what."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kith.errors import Refused
from services.baselines.tokens import Rows

_HEADER: Final = "kith"

Shapes = Mapping[str, tuple[int | None, ...]]
"""What a method's tensors must be like, by their names; None for any size but 0."""


@dataclass(frozen=True)
class Header:
    """Where an artefact comes from and what it fits."""

    method: str
    base: str
    """Fingerprint of the base model: it fits no other."""
    tokens: tuple[str, ...]
    """What the papers call the tokens: `<bo>`, `<token0>`, ..."""
    recipe: Mapping[str, Any]
    """Hyperparameters of the training."""
    data: str
    """Hash of what was learned from."""
    views: tuple[str, ...] = ()
    """Ids of the concept's views that were learned from."""


@dataclass(frozen=True)
class Artefact:
    """What is known of a concept after its training."""

    header: Header
    tensors: Mapping[str, Tensor] = field(repr=False)
    """By name; each method says which."""

    @property
    def rows(self) -> Rows:
        """Of its concept tokens: the tensors `read` and `written`, [n, d] each."""
        return Rows(self.tensors["read"], self.tensors["written"])

    def save(self, path: Path) -> None:
        """Writes it whole: a kill leaves the older file, or none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        tensors = {name: t.detach().cpu().contiguous() for name, t in self.tensors.items()}
        save_file(tensors, partial, {_HEADER: json.dumps(asdict(self.header))})
        partial.replace(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Reads an artefact of any method and base model.

        Raises:
            Refused: It can't be read.
        """
        try:
            with safe_open(path, framework="pt") as file:
                told = json.loads(file.metadata()[_HEADER])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return cls(Header(**told | {k: tuple(told[k]) for k in ("tokens", "views")}), tensors)
        except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
            raise Refused(
                f"artefact: {path.name} can't be read ({type(error).__name__}); train the concept "
                "again",
                reason="ARTEFACT_DAMAGED",
            ) from error


def load(path: Path, method: str, base: str, shapes: Shapes | None = None) -> Artefact:
    """Reads an artefact that this service can use.

    Args:
        path: Its file.
        method: The method it must be of.
        base: Fingerprint of the base model it must fit.
        shapes: Of the tensors that it must hold.

    Raises:
        Refused: It is damaged, of another method, or was trained for another base model.
    """
    artefact = Artefact.open(path)
    header = artefact.header
    if header.method != method:
        raise Refused(
            f"artefact: {path.name} is of the method {header.method}, this service runs {method}; "
            "train the concept here",
            reason="ARTEFACT_OF_ANOTHER_METHOD",
        )
    if header.base != base:
        raise Refused(
            f"artefact: {path.name} was trained for the base model {header.base[:12]}, this "
            f"service runs {base[:12]}; train the concept again",
            reason="BASE_MODEL_DIFFERS",
        )
    if why := misfit(artefact.tensors, shapes or {}):
        raise Refused(
            f"artefact: {path.name}: {why}; train the concept again", reason="ARTEFACT_DAMAGED"
        )
    return artefact


def misfit(tensors: Mapping[str, Tensor], shapes: Shapes) -> str:
    """What is wrong with an artefact's tensors; empty if they can be used."""
    for name, wanted in shapes.items():
        if name not in tensors:
            return f"{name!r} is missing"
        tensor = tensors[name]
        sizes = zip(tensor.shape, wanted, strict=False)
        fits = all(size == want or (want is None and size) for size, want in sizes)
        if tensor.ndim != len(wanted) or not fits:
            told = ", ".join("n" if want is None else str(want) for want in wanted)
            return f"{name!r} is {list(tensor.shape)} and not [{told}]"
        if not tensor.is_floating_point():
            return f"{name!r} holds {str(tensor.dtype).removeprefix('torch.')} and no fractions"
        if not torch.isfinite(tensor).all():
            return f"{name!r} holds numbers that are none (nan or infinite)"
    return ""
