"""The published checkpoint's names and shapes at full size, and files that do not fit."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import save_file

from datagen.msdiffusion.adapter import Adapter
from datagen.msdiffusion.checkpoint import load_adapter, save_adapter
from datagen.msdiffusion.grounding import ResamplerSizes
from kith.errors import Refused
from tests.datagen.msdiffusion.tiny import SIZES

Groups = dict[str, Any]

SDXL = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
"""`unet/config.json` of SDXL base 1.0, without what are defaults."""


def published_table() -> dict[str, tuple[int, ...]]:
    """Every tensor of `ms_adapter.bin`, written out from its description."""
    table: dict[str, tuple[int, ...]] = {
        "image_proj.grounding_latents": (1, 16, 1280),
        "image_proj.latent_proj.0.weight": (1664, 832),
        "image_proj.latent_proj.0.bias": (1664,),
        "image_proj.latent_proj.2.weight": (20480, 1664),
        "image_proj.latent_proj.2.bias": (20480,),
        "image_proj.latent_norm.weight": (1280,),
        "image_proj.latent_norm.bias": (1280,),
        "image_proj.proj_in.weight": (1280, 1664),
        "image_proj.proj_in.bias": (1280,),
        "image_proj.attention_norm.weight": (1280,),
        "image_proj.attention_norm.bias": (1280,),
        "image_proj.proj_out.weight": (2048, 1280),
        "image_proj.proj_out.bias": (2048,),
        "image_proj.norm_out.weight": (2048,),
        "image_proj.norm_out.bias": (2048,),
        "dummy_image_tokens": (1, 4, 2048),
    }
    for i in range(4):
        layer = f"image_proj.layers.{i}"
        for norm in ("0.norm1", "0.norm2", "1.0"):
            table[f"{layer}.{norm}.weight"] = table[f"{layer}.{norm}.bias"] = (1280,)
        table[f"{layer}.0.to_q.weight"] = table[f"{layer}.0.to_out.weight"] = (1280, 1280)
        table[f"{layer}.0.to_kv.weight"] = (2560, 1280)
        table[f"{layer}.1.1.weight"] = (5120, 1280)
        table[f"{layer}.1.3.weight"] = (1280, 5120)
    for i in range(1, 140, 2):
        width = 640 if i <= 7 or 108 <= i <= 119 else 1280
        for name in ("to_k_ip", "to_v_ip"):
            table[f"ms_adapter.{i}.{name}.weight"] = (width, 2048)
    return table


def test_at_full_size_every_tensor_has_the_published_name_and_shape() -> None:
    with torch.device("meta"):
        adapter = Adapter(UNet2DConditionModel(**SDXL), ResamplerSizes())
    found = {name: tuple(tensor.shape) for name, tensor in adapter.state_dict().items()}
    assert found == published_table()


def as_published(adapter: Adapter) -> Groups:
    """The adapter in the nesting of `ms_adapter.bin`."""
    return {
        "image_proj": adapter.image_proj.state_dict(),
        "ms_adapter": adapter.ms_adapter.state_dict(),
        "dummy_image_tokens": adapter.dummy_image_tokens.data,
    }


@pytest.fixture
def published_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A published file says nothing of its sizes; here it is as small as the tests' adapter."""
    monkeypatch.setattr("datagen.msdiffusion.checkpoint.ResamplerSizes", lambda: SIZES)


@pytest.mark.usefixtures("published_sizes")
def test_a_published_file_or_its_folder_is_read_and_kept_as_safetensors(
    pipe: StableDiffusionXLPipeline, adapter: Adapter, tmp_path: Path
) -> None:
    torch.save(as_published(adapter), tmp_path / "ms_adapter.bin")
    torch.save(as_published(adapter), tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    for path in (tmp_path, tmp_path / "ms_adapter.bin", tmp_path / "old.bin"):
        loaded = load_adapter(path, pipe.unet).state_dict()
        torch.testing.assert_close(loaded, adapter.state_dict(), rtol=0, atol=0)


def test_safetensors_bring_their_sizes_along(
    pipe: StableDiffusionXLPipeline, adapter: Adapter, tmp_path: Path
) -> None:
    save_adapter(adapter, tmp_path / "a.safetensors")
    loaded = load_adapter(tmp_path / "a.safetensors", pipe.unet)
    assert loaded.sizes == adapter.sizes
    torch.testing.assert_close(loaded.state_dict(), adapter.state_dict(), rtol=0, atol=0)


def wrong_shape(groups: Groups) -> None:
    groups["image_proj"]["proj_in.weight"] = torch.zeros(20, 27)


def missing(groups: Groups) -> None:
    del groups["ms_adapter"]["3.to_v_ip.weight"]


def unknown(groups: Groups) -> None:
    groups["ms_adapter"]["99.to_v_ip.weight"] = torch.zeros(2, 3)


def no_floats(groups: Groups) -> None:
    groups["image_proj"]["proj_in.weight"] = torch.zeros(20, 26, dtype=torch.int8)


def no_numbers(groups: Groups) -> None:
    groups["image_proj"]["proj_in.weight"][3, 4] = float("nan")


@pytest.mark.usefixtures("published_sizes")
@pytest.mark.parametrize(
    ("spoil", "difference"),
    [
        (wrong_shape, "image_proj.proj_in.weight is 20x27 and should be 20x26"),
        (missing, "ms_adapter.3.to_v_ip.weight 24x32 is missing"),
        (unknown, "ms_adapter.99.to_v_ip.weight 2x3 is unknown"),
        (no_floats, "image_proj.proj_in.weight is int8 and should be floating point"),
        (no_numbers, "spoilt: image_proj.proj_in.weight has values that are no finite numbers"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_first_difference(
    pipe: StableDiffusionXLPipeline,
    adapter: Adapter,
    tmp_path: Path,
    spoil: Callable[[Groups], None],
    difference: str,
) -> None:
    groups = as_published(adapter)
    spoil(groups)
    torch.save(groups, tmp_path / "ms_adapter.bin")
    with pytest.raises(Refused, match=difference):
        load_adapter(tmp_path, pipe.unet)


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("dim", "x", "dim 'x', which should be 1 to 65536"),
        ("dim", 20.0, "dim 20.0"),
        ("heads", 0, "heads 0"),
        ("tokens", True, "tokens True"),
        ("expansion", 10**12, "expansion 1000000000000"),
        ("depth", 100_000, "depth 100000, which should be 1 to 64"),
    ],
)
def test_sizes_that_no_resampler_has_are_refused_before_one_is_built(
    pipe: StableDiffusionXLPipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    size: object,
    told: str,
) -> None:
    sizes = {"resampler_sizes": json.dumps(asdict(SIZES) | {name: size})}
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", metadata=sizes)
    monkeypatch.setattr("datagen.msdiffusion.checkpoint.Adapter", None)  # can't be built
    with pytest.raises(Refused, match=f"adapter: resampler_sizes has {told}"):
        load_adapter(tmp_path / "a.safetensors", pipe.unet)


class Dangerous:
    """Opened as a pickle, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_no_file_runs_code_and_what_cannot_be_read_is_refused(
    pipe: StableDiffusionXLPipeline, tmp_path: Path
) -> None:
    torch.save({"image_proj": Dangerous(tmp_path / "ran")}, tmp_path / "code.bin")
    torch.save(["no", "dictionary"], tmp_path / "list.bin")
    torch.save({"image_proj": {"proj_in.weight": 3}}, tmp_path / "number.bin")
    torch.save({"image_proj": torch.zeros(2, device="meta")}, tmp_path / "meta.bin")
    (tmp_path / "noise.bin").write_bytes(b"noise")
    (tmp_path / "noise.safetensors").write_bytes(b"noise")
    (tmp_path / "empty.bin").touch()
    for name in ("code", "list", "number", "meta", "noise", "empty"):
        with pytest.raises(Refused, match="no file of tensors alone"):
            load_adapter(tmp_path / f"{name}.bin", pipe.unet)
    with pytest.raises(Refused, match="no file of tensors alone"):
        load_adapter(tmp_path / "noise.safetensors", pipe.unet)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(Refused, match="no file"):
        load_adapter(tmp_path / "absent.bin", pipe.unet)
