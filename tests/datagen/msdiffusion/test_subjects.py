"""How subjects are seen."""

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from transformers import CLIPVisionModelWithProjection

from datagen.msdiffusion.subjects import SubjectEncoder, subject_pixels


def test_patches_are_the_last_layer_but_one_with_its_cls(
    pipe: StableDiffusionXLPipeline,
    image_encoder: CLIPVisionModelWithProjection,
    photos: list[Image.Image],
) -> None:
    encoder = SubjectEncoder(image_encoder, pipe.tokenizer, pipe.text_encoder)
    layers = image_encoder.vision_model.encoder.layers
    seen: list[torch.Tensor] = []
    hook = layers[-1].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.no_grad():
        patches = encoder.patches(photos)
    hook.remove()
    assert patches.shape == (4, 1 + 2 * 2, image_encoder.config.hidden_size)
    torch.testing.assert_close(patches, seen[0])


def test_a_subject_is_looked_at_once_however_often_it_is_drawn(
    pipe: StableDiffusionXLPipeline,
    image_encoder: CLIPVisionModelWithProjection,
    photos: list[Image.Image],
) -> None:
    encoder = SubjectEncoder(image_encoder, pipe.tokenizer, pipe.text_encoder)
    looked: list[int] = []
    hook = image_encoder.register_forward_pre_hook(
        lambda module, given: looked.append(len(given[0]))
    )
    with torch.no_grad():
        encoder.patches(photos[:2])
        again = encoder.patches([photos[1].copy(), photos[2], photos[0], photos[2]])
        fresh = SubjectEncoder(image_encoder, pipe.tokenizer, pipe.text_encoder)
        torch.testing.assert_close(again, fresh.patches([photos[i] for i in (1, 2, 0, 2)]))
    hook.remove()
    assert looked == [2, 1, 3]


def test_phrases_are_the_first_text_encoders_pooled_output(
    pipe: StableDiffusionXLPipeline, image_encoder: CLIPVisionModelWithProjection
) -> None:
    encoder = SubjectEncoder(image_encoder, pipe.tokenizer, pipe.text_encoder)
    ids = pipe.tokenizer("teddy bear", padding="max_length", return_tensors="pt").input_ids
    with torch.no_grad():
        pooled = pipe.text_encoder(ids).pooler_output
        found = encoder.phrases(["cat", "teddy bear"])
    torch.testing.assert_close(found[1:], pooled)


def test_pixels_are_made_square_without_cutting_and_normalized() -> None:
    photo = Image.new("RGB", (60, 20), (255, 0, 0))
    photo.paste((0, 0, 255), (0, 0, 15, 20))
    (seen,) = subject_pixels([photo], 28)
    assert seen.shape == (3, 28, 28)
    np.testing.assert_allclose(seen[:, 14, 2], [-1.79226, -1.75210, 2.14590], atol=1e-4)
    np.testing.assert_allclose(seen[:, 14, 25], [1.93033, -1.75210, -1.48022], atol=1e-4)
