"""The exported folder is read by transformers as any published LLaVA, and sees what CLIP sees."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from transformers import LlavaForConditionalGeneration, LlavaProcessor, PreTrainedTokenizerFast

from pocket import clip, llava, llava_format
from pocket.clip_batches import as_float

TEXTS = ["USER: Can you see <bo> in this photo? ASSISTANT: Yes", "<mia> is a slim white dog."] * 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    tokenizer = llava_format.train_tokenizer(TEXTS)
    target = tmp_path_factory.mktemp("llava")
    llava_format.export(llava.build(tokenizer), clip.build(), tokenizer, target)
    return target


def test_tensor_names_are_the_published_ones(folder: Path) -> None:
    with safe_open(folder / "model.safetensors", "pt") as weights:
        names = set(weights.keys())
    roots = {".".join(name.split(".")[:2]) for name in names}
    assert roots == {
        "language_model.model", "language_model.lm_head", "multi_modal_projector.linear_1",
        "multi_modal_projector.linear_2", "vision_tower.vision_model",
    }  # fmt: skip


def test_transformers_loads_it_without_a_missing_tensor(folder: Path) -> None:
    _, report = LlavaForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())


def test_what_was_written_is_filled_in_again(folder: Path) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = llava.build(tokenizer)
    llava_format.load(model, folder)
    again = llava_format.published_weights(model, clip.build())
    with safe_open(folder / "model.safetensors", "pt") as weights:
        for name in weights.keys():  # noqa: SIM118 - no mapping
            if not name.startswith("vision_tower"):
                assert torch.equal(weights.get_tensor(name), again[name]), name


def test_the_eyes_it_learned_by_are_found_again(folder: Path) -> None:
    eyes = clip.build()
    llava_format.load_eyes(eyes, folder)
    again = llava_format.vision_weights(eyes)
    with safe_open(folder / "model.safetensors", "pt") as weights:
        for name, weight in again.items():
            stored = weights.get_tensor(f"vision_tower.vision_model.{name}")
            assert torch.equal(weight.half(), stored), name


def test_parts_stand_in_the_order_given(folder: Path) -> None:
    processor = LlavaProcessor.from_pretrained(folder)
    content = [
        {"type": "text", "text": "[1."},
        {"type": "image"},
        {"type": "text", "text": "\n Name: <bo>]"},
        {"type": "image"},
        {"type": "text", "text": "\nCan you see <bo>?"},
    ]
    turns = [{"role": "user", "content": content}]
    told = processor.apply_chat_template(turns)
    assert told == llava_format.render("[1.<image>\n Name: <bo>]<image>\nCan you see <bo>?")


def test_vision_tower_gives_the_features_it_was_trained_on(folder: Path) -> None:
    eyes = clip.build()
    torch.manual_seed(3)
    weights = llava_format.vision_weights(eyes)
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    tower = model.model.vision_tower
    tower.load_state_dict(weights, strict=False)
    photo = np.random.default_rng(0).integers(0, 255, (160, 160, 3), np.uint8)
    processor = LlavaProcessor.from_pretrained(folder)
    pixels = processor.image_processor(Image.fromarray(photo), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        theirs = tower(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]
        ours = clip.see(eyes, as_float(photo[None]))[2]
    # ours runs in bfloat16, as it does in training
    assert torch.nn.functional.cosine_similarity(theirs, ours, dim=-1).min() > 0.999
