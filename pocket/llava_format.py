"""The pocket LLaVA's files: tokenizer, chat template, processor, and published weight names."""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from open_clip.model import CLIP
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import (
    CLIPImageProcessor,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from pocket.bank import GRID
from pocket.clip import VISION
from pocket.clip_batches import MEAN, STD

IMAGE = "<image>"
PATCHES = GRID * GRID
VOCABULARY = 2048
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}USER: {% else %} {% endif %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}{% else %}<image>{% endif %}"
    "{% endfor %}{% endif %}"
    "{% if message['role'] == 'user' %} ASSISTANT:{% else %}{{ eos_token }}{% endif %}"
    "{% endfor %}"
)
"""LLaVA's USER and ASSISTANT turns; parts stand in the order in which they were given."""


def render(question: str) -> str:
    """A chat of one user turn as ``TEMPLATE`` writes it."""
    return f"<s>USER: {question} ASSISTANT:"


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE: common words are one token, any other text still has a spelling."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", "<s>", "</s>", IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=[IMAGE],
        model_max_length=2048,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def make_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Squashes every picture to 160 x 160 px, 64 tokens a picture."""
    pixels = VISION["image_size"]
    images = CLIPImageProcessor(
        do_center_crop=False,
        size={"height": pixels, "width": pixels},
        crop_size={"height": pixels, "width": pixels},
        image_mean=list(MEAN),
        image_std=list(STD),
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=VISION["patch_size"],
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE,
        chat_template=TEMPLATE,
    )


def vision_weights(clip: CLIP) -> dict[str, Tensor]:
    """open_clip's vision tower under the names of transformers' ``CLIPVisionModel``."""
    source = clip.visual.state_dict()
    named = {
        "embeddings.class_embedding": source["class_embedding"],
        "embeddings.patch_embedding.weight": source["conv1.weight"],
        "embeddings.position_embedding.weight": source["positional_embedding"],
    }
    for ours, theirs in (("ln_pre", "pre_layrnorm"), ("ln_post", "post_layernorm")):
        for kind in ("weight", "bias"):
            named[f"{theirs}.{kind}"] = source[f"{ours}.{kind}"]
    plain = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1",
             "mlp.c_proj": "mlp.fc2", "attn.out_proj": "self_attn.out_proj"}  # fmt: skip
    for layer in range(VISION["layers"]):
        ours, theirs = f"transformer.resblocks.{layer}", f"encoder.layers.{layer}"
        for kind in ("weight", "bias"):
            for a, b in plain.items():
                named[f"{theirs}.{b}.{kind}"] = source[f"{ours}.{a}.{kind}"]
            joined = source[f"{ours}.attn.in_proj_{kind}"].chunk(3)
            for letter, part in zip("qkv", joined, strict=True):
                named[f"{theirs}.self_attn.{letter}_proj.{kind}"] = part
    return named


def published_weights(model: LlavaForConditionalGeneration, clip: CLIP) -> dict[str, Tensor]:
    """Half-precision weights under the names that published LLaVA checkpoints use."""
    core = model.model
    named = {f"vision_tower.vision_model.{k}": v for k, v in vision_weights(clip).items()}
    named |= {
        f"multi_modal_projector.{k}": v for k, v in core.multi_modal_projector.state_dict().items()
    }
    named |= {f"language_model.model.{k}": v for k, v in core.language_model.state_dict().items()}
    named["language_model.lm_head.weight"] = model.lm_head.weight
    return {k: v.detach().cpu().to(torch.float16).contiguous() for k, v in named.items()}


def load(model: LlavaForConditionalGeneration, folder: Path) -> None:
    """Fills projector and language model from an exported folder; the vision tower stays."""
    core, stored = model.model, load_file(folder / "model.safetensors")
    parts: dict[str, nn.Module] = {
        "multi_modal_projector.": core.multi_modal_projector,
        "language_model.model.": core.language_model,
        "language_model.lm_head.": model.lm_head,
    }
    for prefix, module in parts.items():
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}
        )


def load_eyes(clip: CLIP, folder: Path) -> None:
    """Fills a CLIP's vision tower, up to where it is pooled, from an exported folder."""
    stored = load_file(folder / "model.safetensors")
    for name, weight in vision_weights(clip).items():  # views of the tower's own
        weight.copy_(stored[f"vision_tower.vision_model.{name}"])


def export(
    model: LlavaForConditionalGeneration,
    clip: CLIP,
    tokenizer: PreTrainedTokenizerFast,
    folder: Path,
) -> None:
    """Writes the folder that transformers and vLLM load."""
    folder.mkdir(parents=True, exist_ok=True)
    make_processor(tokenizer).save_pretrained(folder)
    model.config.architectures = ["LlavaForConditionalGeneration"]
    model.config.dtype = torch.float16
    model.config.save_pretrained(folder)
    generation = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    text = json.dumps(generation, indent=2) + "\n"
    (folder / "generation_config.json").write_text(text, encoding="utf-8")
    save_file(published_weights(model, clip), folder / "model.safetensors", {"format": "pt"})
