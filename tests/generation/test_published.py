"""LLaVA-1.5-7B and RAP-LLaVA-13B without their weights: names, shapes, tokens, on the meta device.

What they should be is written out here, from the papers' sizes, and nowhere read from our code.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors
from transformers import (
    CLIPImageProcessor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from kith.errors import Refused
from services.generation import convert as conversion
from services.generation.convert import convert, published_config
from services.generation.engine import EngineGenerator
from services.generation.llava import LlavaGenerator
from services.generation.prompt import render
from services.generation.templates import path, template
from services.runtime.profile import GeneratorSpec
from services.runtime.types import Limits, Turn

from .chats import chats
from .tiny import make_tokenizer, published_name
from .vllm import started

Shapes = dict[str, tuple[int, ...]]
PICTURE = Image.new("RGB", (640, 480), "red")


class Names(NamedTuple):
    """How a format calls the parts."""

    vision: str
    first: str
    second: str
    language: str
    head: str


PUBLISHED = Names(
    "vision_tower.vision_model",
    "multi_modal_projector.linear_1",
    "multi_modal_projector.linear_2",
    "language_model.model",
    "language_model.lm_head",
)
ORIGINAL = Names(
    "model.vision_tower.vision_tower.vision_model",
    "model.mm_projector.0",
    "model.mm_projector.2",
    "model",
    "lm_head",
)
# llava-hf/llava-1.5-7b-hf, config.json
LLAVA_7B: dict[str, Any] = {
    "architectures": ["LlavaForConditionalGeneration"],
    "ignore_index": -100,
    "image_token_index": 32000,
    "model_type": "llava",
    "pad_token_id": 32001,
    "projector_hidden_act": "gelu",
    "text_config": {
        "architectures": ["LlamaForCausalLM"],
        "max_position_embeddings": 4096,
        "model_type": "llama",
        "rms_norm_eps": 1e-05,
        "torch_dtype": "float16",
        "vocab_size": 32064,
    },
    "torch_dtype": "float16",
    "vision_config": {
        "hidden_size": 1024,
        "image_size": 336,
        "intermediate_size": 4096,
        "model_type": "clip_vision_model",
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "patch_size": 14,
        "projection_dim": 768,
        "vocab_size": 32000,
    },
    "vision_feature_layer": -2,
    "vision_feature_select_strategy": "default",
    "vocab_size": 32064,
}
# Hoar012/RAP-LLaVA-13b, config.json, as LLaVA's own code writes it
RAP_13B: dict[str, Any] = {
    "architectures": ["LlavaLlamaForCausalLM"],
    "hidden_size": 5120,
    "image_aspect_ratio": "pad",
    "intermediate_size": 13824,
    "max_position_embeddings": 4096,
    "mm_hidden_size": 1024,
    "mm_projector_type": "mlp2x_gelu",
    "mm_vision_select_feature": "patch",
    "mm_vision_select_layer": -2,
    "mm_vision_tower": "openai/clip-vit-large-patch14-336",
    "model_type": "llava_llama",
    "num_attention_heads": 40,
    "num_hidden_layers": 40,
    "num_key_value_heads": 40,
    "rms_norm_eps": 1e-05,
    "vocab_size": 32000,
}


def shapes_of(names: Names, width: int, inner: int, layers: int, rows: int) -> Shapes:
    """Every tensor of a LLaVA with CLIP's ViT-L/14-336."""
    linear = {"k_proj", "q_proj", "v_proj"}
    shapes: Shapes = {
        f"{names.language}.embed_tokens.weight": (rows, width),
        f"{names.language}.norm.weight": (width,),
        f"{names.head}.weight": (rows, width),
        f"{names.first}.weight": (width, 1024),
        f"{names.first}.bias": (width,),
        f"{names.second}.weight": (width, width),
        f"{names.second}.bias": (width,),
        f"{names.vision}.embeddings.class_embedding": (1024,),
        f"{names.vision}.embeddings.patch_embedding.weight": (1024, 3, 14, 14),
        f"{names.vision}.embeddings.position_embedding.weight": (24 * 24 + 1, 1024),
    }
    for n in range(layers):
        layer = f"{names.language}.layers.{n}"
        shapes |= {f"{layer}.self_attn.{p}.weight": (width, width) for p in linear | {"o_proj"}}
        shapes |= {f"{layer}.mlp.{p}.weight": (inner, width) for p in ("gate_proj", "up_proj")}
        shapes[f"{layer}.mlp.down_proj.weight"] = (width, inner)
        shapes[f"{layer}.input_layernorm.weight"] = (width,)
        shapes[f"{layer}.post_attention_layernorm.weight"] = (width,)
    norms = ["pre_layrnorm", "post_layernorm"]
    for n in range(24):
        layer = f"encoder.layers.{n}"
        norms += [f"{layer}.layer_norm1", f"{layer}.layer_norm2"]
        for p in linear | {"out_proj"}:
            shapes[f"{names.vision}.{layer}.self_attn.{p}.weight"] = (1024, 1024)
            shapes[f"{names.vision}.{layer}.self_attn.{p}.bias"] = (1024,)
        for p, out, into in (("fc1", 4096, 1024), ("fc2", 1024, 4096)):
            shapes[f"{names.vision}.{layer}.mlp.{p}.weight"] = (out, into)
            shapes[f"{names.vision}.{layer}.mlp.{p}.bias"] = (out,)
    for norm in norms:
        shapes |= {f"{names.vision}.{norm}.{kind}": (1024,) for kind in ("weight", "bias")}
    return shapes


def meta_shapes(config: LlavaConfig) -> Shapes:
    """Of the network that transformers makes of a configuration, without a number in it."""
    with torch.device("meta"):
        network = LlavaForConditionalGeneration(config)
    return {published_name(name): tuple(t.shape) for name, t in network.state_dict().items()}


def llama_tokenizer(folder: Path, *, published: bool) -> PreTrainedTokenizerFast:
    """Llama's layout: three special tokens, a token a byte, words; then what LLaVA adds."""
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += ["▁", *map(chr, range(33, 127))]
    words += [f"filler{n}" for n in range(32000 - len(words))]
    tokenizer = Tokenizer(
        models.BPE({word: n for n, word in enumerate(words)}, [], byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ")]
    )
    added = [*words[:3], *(["<image>", "<pad>"] if published else [])]
    tokenizer.add_special_tokens([AddedToken(word) for word in added])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    more = {"additional_special_tokens": ["<image>"], "pad_token": "<pad>"} if published else {}
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", **more
    )
    made.save_pretrained(folder)
    return made


def published_processor(folder: Path) -> LlavaProcessor:
    tokenizer = llama_tokenizer(folder, published=True)
    side = {"height": 336, "width": 336}
    images = CLIPImageProcessor(size={"shortest_edge": 336}, crop_size=side)
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


def converted_processor(folder: Path) -> LlavaProcessor:
    llama_tokenizer(folder, published=False)
    shapes = {n: torch.Size(s) for n, s in shapes_of(PUBLISHED, 5120, 13824, 40, 32064).items()}
    config = published_config(RAP_13B, shapes, 32000, 32001)
    return conversion.published_processor(RAP_13B, config, conversion.published_tokenizer(folder))


def test_llava_7b_is_what_its_configuration_says() -> None:
    config = LlavaConfig(**LLAVA_7B)
    shapes = meta_shapes(config)
    assert shapes == shapes_of(PUBLISHED, 4096, 11008, 32, 32064)
    assert len(shapes) == 686
    assert config.text_config.max_position_embeddings == 4096


def test_rap_13b_becomes_the_network_of_its_converted_configuration() -> None:
    original = shapes_of(ORIGINAL, 5120, 13824, 40, 32000)
    original["model.layers.0.self_attn.rotary_emb.inv_freq"] = (64,)
    original["model.vision_tower.vision_tower.vision_model.embeddings.position_ids"] = (1, 577)
    named = {conversion.published_name(name): shape for name, shape in original.items()}
    shapes = {name: torch.Size(shape) for name, shape in named.items() if name is not None}
    shapes |= dict.fromkeys(conversion._VOCABULARY, torch.Size((32064, 5120)))
    config = published_config(RAP_13B, shapes, 32000, 32001)
    assert meta_shapes(config) == shapes_of(PUBLISHED, 5120, 13824, 40, 32064)
    assert set(shapes) == set(meta_shapes(config))
    assert config.image_token_id == LLAVA_7B["image_token_index"]
    for part in ("vision_feature_layer", "vision_feature_select_strategy"):
        assert getattr(config, part) == LLAVA_7B[part]
    for part in ("hidden_size", "image_size", "num_attention_heads", "patch_size"):
        assert getattr(config.vision_config, part) == LLAVA_7B["vision_config"][part]


@pytest.mark.parametrize("make", [published_processor, converted_processor])
def test_a_prompt_with_references_has_the_tokens_of_the_paper(make: Any, tmp_path: Path) -> None:  # noqa: ANN401
    processor = make(tmp_path)
    tokenizer = processor.tokenizer
    assert tokenizer.convert_tokens_to_ids(["<unk>", "<s>", "</s>"]) == [0, 1, 2]
    assert tokenizer.convert_tokens_to_ids(["<image>", "<pad>"]) == [32000, 32001]
    turns = [Turn("user", ("[1.", PICTURE, "\n Name: <bo>]", PICTURE, "\nWho? <image></s>"))]
    messages, images = render(turns, tokenizer.all_special_tokens)
    prompt = processor.apply_chat_template(
        messages, template("llava_v1"), add_generation_prompt=True, tokenize=False
    )
    inputs = processor(images=images, text=prompt, add_special_tokens=False, return_tensors="pt")
    ids = inputs["input_ids"][0].tolist()
    assert inputs["pixel_values"].shape == (2, 3, 336, 336)
    assert ids.count(32000) == 2 * 576
    assert ids.count(1) == 1
    assert ids[0] == 1
    assert 2 not in ids


def write_original(folder: Path) -> dict[str, torch.Tensor]:
    """A checkpoint in the authors' format, small enough to run."""
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    width, inner = 64, 96
    config = RAP_13B | {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "vocab_size": len(tokenizer),
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    rng = torch.Generator().manual_seed(3)

    def small() -> Iterator[tuple[str, tuple[int, ...]]]:
        for name, shape in shapes_of(ORIGINAL, width, inner, 2, len(tokenizer)).items():
            if ".encoder.layers." not in name or ".layers.0." in name or ".layers.1." in name:
                shape = tuple({1024: 64, 4096: 128, 577: 17}.get(n, n) for n in shape)  # noqa: PLW2901
                yield name, shape

    tensors = {name: (torch.randn(shape, generator=rng) * 0.3).half() for name, shape in small()}
    for word, number in tokenizer.get_vocab().items():
        if not (word.isascii() and word.isalpha()):  # no answer of half characters
            tensors["lm_head.weight"][number] = 0
    half = len(tensors) // 2
    for number, part in enumerate((list(tensors)[:half], list(tensors)[half:]), start=1):
        file = folder / f"model-{number:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, file)
    return tensors


async def test_a_converted_checkpoint_holds_the_same_numbers_and_answers(tmp_path: Path) -> None:
    source, target = tmp_path / "from", tmp_path / "to"
    tensors = write_original(source)
    convert(source, target)
    stored: dict[str, torch.Tensor] = {}
    for file in target.glob("*.safetensors"):
        stored |= load_file(file)
    for name, tensor in tensors.items():
        new = conversion.published_name(name)
        assert new is not None
        assert torch.equal(stored[new][: len(tensor)], tensor), name
    generator = LlavaGenerator(GeneratorSpec(target, "float32", 32))
    answer = generator.generate([Turn("user", (PICTURE, "\nWho is <bo>?"))], Limits(8))
    assert "".join([piece async for piece in answer])
    assert answer.ending is not None
    assert answer.ending.prompt_tokens > 16
    generator.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_converted_checkpoint_answers_the_same_on_vllm(tmp_path: Path) -> None:
    """With our template, as docs/deploy.md has an operator start it."""
    write_original(tmp_path / "from")
    convert(tmp_path / "from", tmp_path / "to")
    flags = f"--chat-template {path('llava_v1')} --chat-template-content-format openai"
    with started(tmp_path / "log", MODEL=str(tmp_path / "to"), VLLM=flags) as server:
        spec = GeneratorSpec(tmp_path / "to", "float32", 32, chat_template="llava_v1")
        here, there = LlavaGenerator(spec), await EngineGenerator.connect(server.url)
        assert there.context_tokens == here.context_tokens
        for turns in chats()[::5]:
            said, read = [], []
            for generator in (here, there):
                answer = generator.generate(turns, Limits(8))
                said.append("".join([piece async for piece in answer]))
                assert answer.ending is not None
                read.append(answer.ending.prompt_tokens)
            assert said[0] == said[1] != ""
            assert read[0] == read[1]
        here.close()
        await there.close()


def test_what_can_not_be_converted_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="holds no"):
        convert(tmp_path, tmp_path / "to")
    (tmp_path / "config.json").write_text(json.dumps(RAP_13B), encoding="utf-8")
    (tmp_path / "pytorch_model.bin").write_bytes(b"runs code")
    with pytest.raises(Refused, match="can run code"):
        convert(tmp_path, tmp_path / "to")
