"""Turns a LLaVA in its authors' own format into the one that transformers and vLLM load.

`python -m services.generation.convert FROM TO`, for checkpoints that were never published in the
other format, such as RAP-LLaVA-13B: the same numbers under other names, one shard at a time, with
the two tokens that the format adds (<image>, <pad>).
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import (
    AddedToken,
    AutoTokenizer,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaImageProcessor,
    LlavaProcessor,
)

from kith.errors import KithError, Refused
from services.generation.prompt import IMAGE
from services.generation.templates import template
from services.runtime.weights import verify

_NAMES: Final = (
    (re.compile(r"^model\.vision_tower\.vision_tower\."), "vision_tower."),
    (re.compile(r"^model\.mm_projector\.0\."), "multi_modal_projector.linear_1."),
    (re.compile(r"^model\.mm_projector\.2\."), "multi_modal_projector.linear_2."),
    (re.compile(r"^lm_head\."), "language_model.lm_head."),
    (re.compile(r"^model\."), "language_model.model."),
)
_COMPUTED: Final = re.compile(r"rotary_emb\.inv_freq$|position_ids$")
_VOCABULARY: Final = ("language_model.model.embed_tokens.weight", "language_model.lm_head.weight")
_PADDING: Final = "<pad>"
_ROUND: Final = 64
"""Rows of the vocabulary come in multiples of this, as in the published conversions."""


def published_name(name: str) -> str | None:
    """A tensor's name in the published format; None for one that is computed there."""
    if _COMPUTED.search(name):
        return None
    return next((pattern.sub(new, name) for pattern, new in _NAMES if pattern.search(name)), name)


def published_config(
    original: Mapping[str, Any], shapes: Mapping[str, torch.Size], image: int, padding: int
) -> LlavaConfig:
    """The published configuration.

    Args:
        original: The authors' `config.json`.
        shapes: Of the tensors, by their published names: they tell what the vision tower is.
        image: The number of the token that stands for a picture.
        padding: The number of the token that stands for nothing.
    """
    vision = "vision_tower.vision_model"
    width, _, patch, _ = shapes[f"{vision}.embeddings.patch_embedding.weight"]
    positions = shapes[f"{vision}.embeddings.position_embedding.weight"][0]
    side = round((positions - 1) ** 0.5)
    layers = [name for name in shapes if re.search(r"encoder\.layers\.\d+\.mlp\.fc1\.bias", name)]
    kept = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "max_position_embeddings", "rms_norm_eps")  # fmt: skip
    return LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=width,
            intermediate_size=shapes[layers[0]][0],
            num_hidden_layers=len(layers),
            num_attention_heads=width // 64,
            image_size=side * patch,
            patch_size=patch,
            projection_dim=768,
        ),
        text_config=LlamaConfig(
            **{name: original[name] for name in kept},
            vocab_size=shapes[_VOCABULARY[0]][0],
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=padding,
        ),
        image_token_id=image,
        image_seq_length=side * side,
        vision_feature_layer=original["mm_vision_select_layer"],
        architectures=["LlavaForConditionalGeneration"],
        dtype="float16",
    )


def convert(source: Path, target: Path) -> None:
    """Writes the folder that `GeneratorSpec.directory` and vLLM's `--model` name.

    Raises:
        Refused: `source` holds no such checkpoint, or a pickle that nobody trusts.
    """
    shards = sorted([*source.glob("*.safetensors")] or source.glob("*.bin"))
    if not shards or not (source / "config.json").is_file():
        raise Refused(
            f"convert: {source} holds no config.json and checkpoint; name the folder that was "
            "fetched",
            reason="WEIGHTS_MISSING",
        )
    for shard in shards:
        verify(shard)
    original = json.loads((source / "config.json").read_text(encoding="utf-8"))
    tokenizer = published_tokenizer(source)
    rows = -(-len(tokenizer) // _ROUND) * _ROUND
    target.mkdir(parents=True, exist_ok=True)
    files: dict[str, str] = {}
    shapes: dict[str, torch.Size] = {}
    for number, shard in enumerate(shards, start=1):
        tensors = {name: _filled(name, tensor, rows) for name, tensor in _renamed(shard)}
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        save_file(tensors, target / file, {"format": "pt"})
        files |= dict.fromkeys(tensors, file)
        shapes |= {name: tensor.shape for name, tensor in tensors.items()}
    index = json.dumps({"metadata": {}, "weight_map": files}, indent=2)
    (target / "model.safetensors.index.json").write_text(index, encoding="utf-8")
    image, padding = tokenizer.convert_tokens_to_ids([IMAGE, _PADDING])
    config = published_config(original, shapes, image, padding)
    config.save_pretrained(target)
    published_processor(original, config, tokenizer).save_pretrained(target)


def published_tokenizer(source: Path) -> Any:  # noqa: ANN401 - transformers' types are not read
    """The authors' tokenizer with the tokens that the format adds."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError) as error:
        raise Refused(
            f"convert: no tokenizer in {source} can be read; fetch it again, and for a "
            "tokenizer.model run pip install sentencepiece",
            reason="WEIGHTS_DAMAGED",
        ) from error
    for token in (IMAGE, _PADDING):
        tokenizer.add_tokens(AddedToken(token, special=True, normalized=False), special_tokens=True)
    tokenizer.pad_token = _PADDING
    return tokenizer


def published_processor(
    original: Mapping[str, Any],
    config: LlavaConfig,
    tokenizer: Any,  # noqa: ANN401 - the same
) -> LlavaProcessor:
    """What makes the network's input; it pads pictures to squares where the authors do."""
    side = config.vision_config.image_size
    images = LlavaImageProcessor(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        do_pad=original.get("image_aspect_ratio") == "pad",
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("llava_v1"),
    )


def _renamed(shard: Path) -> Iterator[tuple[str, Tensor]]:
    if shard.suffix == ".safetensors":
        tensors = load_file(shard)
    else:
        tensors = torch.load(shard, map_location="cpu", mmap=True, weights_only=True)
    for name, tensor in tensors.items():
        if new := published_name(name):
            yield new, tensor.to(torch.float16).contiguous()


def _filled(name: str, tensor: Tensor, rows: int) -> Tensor:
    """The tensor with a row for each new token: the mean of all, so that none is ever likely."""
    if name not in _VOCABULARY:
        return tensor
    mean = tensor.float().mean(dim=0, keepdim=True).to(tensor.dtype)
    return torch.cat([tensor, mean.expand(rows - len(tensor), -1)])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m services.generation.convert FROM TO")
    try:
        convert(*map(Path, sys.argv[1:3]))
    except KithError as error:
        sys.exit(str(error))
