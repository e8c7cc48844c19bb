"""The adapter's weights on disk: the published `ms_adapter.bin`, and safetensors."""

import dataclasses
import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251  (only the error: nothing is read with pickle)
from typing import Final

import torch
from diffusers import UNet2DConditionModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from datagen.msdiffusion.adapter import Adapter
from datagen.msdiffusion.grounding import ResamplerSizes
from kith.errors import Refused

PUBLISHED_NAME = "ms_adapter.bin"
_SIZES = "resampler_sizes"
_UNREADABLE: Final = (
    SafetensorError,
    UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What torch and safetensors raise when the bytes of a file are wrong."""
_MOST: Final = 65_536
"""Of any of the sizes; fifty times the published ones."""
_MOST_LAYERS: Final = 64


def load_adapter(path: Path, unet: UNet2DConditionModel) -> Adapter:
    """The adapter of a checkpoint, on the CPU, for a U-Net.

    Args:
        path: A `.safetensors` of `save_adapter`, a published `.bin`, or a folder with an
            `ms_adapter.bin`. Opening it runs no code.
        unet: What it is to be installed in; only the sizes of its layers are read.

    Raises:
        Refused: There is no such file, it cannot be read, a tensor's name, shape or kind of
            numbers is not what this U-Net needs, or it holds something that is no number; the
            first difference is named.
    """
    file = path / PUBLISHED_NAME if path.is_dir() else path
    if not file.is_file():
        raise Refused(
            f"adapter: no file {file}; give the path of ms_adapter.bin", reason="WEIGHTS_MISSING"
        )
    tensors, sizes = _read(file)
    with torch.device("meta"):  # nothing is filled with random numbers that the file replaces
        adapter = Adapter(unet, sizes)
    if difference := first_difference(tensors, adapter.state_dict()):
        raise Refused(
            f"adapter: {file.name} does not fit this U-Net: {difference}; give MS-Diffusion's own "
            "checkpoint for SDXL",
            reason="WEIGHTS_MISMATCH",
        )
    for name, tensor in tensors.items():
        # Float, as not every narrow kind can tell by itself.
        if not tensor.float().isfinite().all():
            raise Refused(
                f"adapter: {file.name} is spoilt: {name} has values that are no finite numbers; "
                "fetch it again",
                reason="WEIGHTS_UNREADABLE",
            )
    adapter.load_state_dict(tensors, assign=True)
    return adapter


def save_adapter(adapter: Adapter, path: Path) -> None:
    """Writes safetensors, from which `load_adapter` makes the same adapter again."""
    tensors = {name: tensor.contiguous() for name, tensor in adapter.state_dict().items()}
    save_file(tensors, path, metadata={_SIZES: json.dumps(dataclasses.asdict(adapter.sizes))})


def first_difference(found: Mapping[str, Tensor], needed: Mapping[str, Tensor]) -> str | None:
    """What is wrong with the tensors found, in the order of those needed; else None."""
    for name, tensor in needed.items():
        if name not in found:
            return f"{name} {_shape(tensor)} is missing"
        if found[name].shape != tensor.shape:
            return f"{name} is {_shape(found[name])} and should be {_shape(tensor)}"
        if not found[name].is_floating_point():
            kind = str(found[name].dtype).removeprefix("torch.")
            return f"{name} is {kind} and should be floating point"
    unknown = [name for name in found if name not in needed]
    return f"{unknown[0]} {_shape(found[unknown[0]])} is unknown" if unknown else None


def _shape(tensor: Tensor) -> str:
    return "x".join(str(length) for length in tensor.shape)


def _read(file: Path) -> tuple[dict[str, Tensor], ResamplerSizes]:
    try:
        if file.suffix == ".safetensors":
            return _read_safetensors(file)
        # Files of torch before 1.6 are no zip archives, and can't be mapped.
        groups = torch.load(
            file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file)
        )
        return _flat(groups), ResamplerSizes()
    except _UNREADABLE as error:
        raise Refused(
            f"adapter: {file.name} is no file of tensors alone; fetch it again",
            reason="WEIGHTS_UNREADABLE",
        ) from error


def _read_safetensors(file: Path) -> tuple[dict[str, Tensor], ResamplerSizes]:
    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        sizes = json.loads((opened.metadata() or {}).get(_SIZES, "{}"))
    return tensors, _checked(ResamplerSizes(**sizes))


def _checked(sizes: ResamplerSizes) -> ResamplerSizes:
    """Refuses what no resampler has: a wrong number is not to build a hundred thousand layers."""
    for name, size in dataclasses.asdict(sizes).items():
        most = _MOST_LAYERS if name == "depth" else _MOST
        if type(size) is not int or not 1 <= size <= most:
            raise Refused(
                f"adapter: {_SIZES} has {name} {size!r:.40}, which should be 1 to {most}; give "
                "MS-Diffusion's own checkpoint for SDXL",
                reason="WEIGHTS_MISMATCH",
            )
    return sizes


def _flat(groups: Mapping[str, Tensor | Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """`{"image_proj": {"proj_in.weight": t}}` to `{"image_proj.proj_in.weight": t}`."""
    flat: dict[str, Tensor] = {}
    for group, value in groups.items():
        if isinstance(value, Tensor):
            flat[group] = value
        else:
            flat |= {f"{group}.{name}": tensor for name, tensor in value.items()}
    if not all(_is_plain(value) for value in flat.values()):
        raise TypeError("something that is no tensor of values")
    return flat


def _is_plain(value: object) -> bool:
    """Whether it is a tensor whose values all stand in the file."""
    return isinstance(value, Tensor) and value.layout is torch.strided and not value.is_meta
