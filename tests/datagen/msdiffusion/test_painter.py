"""A whole tiny pipeline, from subjects to pictures, on the CPU."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from numpy.typing import NDArray
from PIL import Image
from torch._dynamo.utils import counters as dynamo_counters
from transformers import CLIPVisionModelWithProjection

from datagen.msdiffusion.adapter import Adapter
from datagen.msdiffusion.layout import NOWHERE, Box
from datagen.msdiffusion.painter import Painter, Style
from datagen.msdiffusion.subjects import Prompt, Subject
from kith.errors import InvalidInput, Refused
from tests.datagen.msdiffusion.tiny import STYLE

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"  # diffusers' scheduler, of torch's tensors
)

LEFT: Box = (0.0, 0.25, 0.5, 0.75)
RIGHT: Box = (0.5, 0.25, 1.0, 0.75)
TEXT = "a dog and a cat on the beach"


def pixels(image: Image.Image) -> NDArray[np.int16]:
    return np.asarray(image, dtype=np.int16)


def pair(photos: Sequence[Image.Image], *boxes: Box | None, scale: float | None = None) -> Prompt:
    named = zip(photos, ("dog", "cat"), boxes, strict=False)
    subjects = tuple(Subject(photo, phrase, box, scale) for photo, phrase, box in named)
    return Prompt(TEXT, subjects, seed=7)


def plain(pipe: StableDiffusionXLPipeline, style: Style) -> NDArray[np.int16]:
    """What the pipeline draws without subjects."""
    picture = pipe(
        prompt=TEXT,
        negative_prompt=style.negative_prompt,
        width=style.width,
        height=style.height,
        num_inference_steps=style.steps,
        guidance_scale=style.guidance,
        generator=torch.Generator().manual_seed(7),
    ).images[0]
    return pixels(picture)


def test_the_same_prompt_is_the_same_picture_and_another_subject_seed_or_box_is_not(
    painter: Painter, photos: list[Image.Image]
) -> None:
    def draw(prompt: Prompt) -> NDArray[np.int16]:
        return pixels(painter.draw([prompt], STYLE)[0])

    first = draw(pair(photos, LEFT, RIGHT, scale=1.0))
    assert first.shape == (64, 64, 3)
    assert np.array_equal(first, draw(pair(photos, LEFT, RIGHT, scale=1.0)))
    for other in (
        pair(photos[2:], LEFT, RIGHT, scale=1.0),
        pair(photos, RIGHT, LEFT, scale=1.0),
        pair(photos, LEFT, RIGHT, scale=0.2),
        Prompt(TEXT, pair(photos, LEFT, RIGHT, scale=1.0).subjects, seed=8),
    ):
        assert not np.array_equal(first, draw(other))


@pytest.mark.parametrize("guidance", [7.5, 1.0], ids=["guided", "unguided"])
@pytest.mark.parametrize("size", [(64, 64), (88, 40)], ids=["square", "wide"])
def test_subjects_that_are_nowhere_or_count_nothing_leave_the_pipelines_own_picture(
    painter: Painter,
    pipe: StableDiffusionXLPipeline,
    photos: list[Image.Image],
    size: tuple[int, int],
    guidance: float,
) -> None:
    style = Style(width=size[0], height=size[1], steps=2, guidance=guidance)
    expected = plain(pipe, style)
    assert expected.shape == (size[1], size[0], 3)
    nowhere, silent, shown = (
        pixels(painter.draw([prompt], style)[0])
        for prompt in (
            pair(photos, NOWHERE, NOWHERE),
            pair(photos, LEFT, RIGHT, scale=0.0),
            pair(photos, LEFT, RIGHT, scale=1.0),
        )
    )
    # The pipeline rounds once more on its way to 8 bits than the painter does.
    assert np.abs(nowhere - expected).max() <= 1
    assert np.abs(silent - expected).max() <= 1
    assert np.abs(shown - expected).max() > 1


def test_a_picture_is_the_same_beside_others_with_more_or_fewer_subjects(
    painter: Painter, photos: list[Image.Image]
) -> None:
    one = Prompt("a dog", (Subject(photos[3], "dog", (0.25, 0.25, 0.75, 0.75), 1.0),), seed=3)
    four = Prompt(
        TEXT,
        tuple(Subject(photo, "dog", (0.0, 0.0, 0.5, 1.0), 1.0) for photo in photos),
        seed=4,
    )
    prompts = [one, pair(photos, LEFT, RIGHT, scale=1.0), four]
    together = painter.draw(prompts, STYLE)
    for prompt, picture in zip(prompts, together, strict=True):
        alone = painter.draw([prompt], STYLE)[0]
        assert np.abs(pixels(alone) - pixels(picture)).max() <= 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_compiled_the_pictures_are_the_same_and_it_is_compiled_once_for_any_number_of_subjects(
    painter: Painter, photos: list[Image.Image]
) -> None:
    one = Prompt("a dog", (Subject(photos[3], "dog", (0.25, 0.25, 0.75, 0.75), 1.0),), seed=3)
    two = pair(photos, LEFT, RIGHT, scale=1.0)
    batches = [[one, one], [one, two], [two, two]]
    plainly = [painter.draw(batch, STYLE) for batch in batches]
    graphs = dynamo_counters["stats"]
    graphs.clear()
    painter.compile()
    for batch, expected in zip(batches, plainly, strict=True):
        for picture, same in zip(painter.draw(batch, STYLE), expected, strict=True):
            assert np.abs(pixels(picture) - pixels(same)).max() <= 1
    assert graphs["unique_graphs"] == 1


def test_without_a_box_a_subject_shows_where_the_prompt_names_it_once_places_are_settled(
    painter: Painter, pipe: StableDiffusionXLPipeline, photos: list[Image.Image]
) -> None:
    for steps, shows in ((4, False), (9, True)):
        style = Style(width=64, height=64, steps=steps)
        picture = pixels(painter.draw([pair(photos, None, None, scale=1.0)], style)[0])
        assert (picture != plain(pipe, style)).any() == shows
    unlike_the_prompt = Prompt("a bird", (Subject(photos[0], "dog"),), seed=1)
    with pytest.raises(InvalidInput, match="'dog' has no box and is not in the prompt 'a bird'"):
        painter.draw([unlike_the_prompt], STYLE)


def test_the_pipelines_own_parameters_stay_and_so_do_their_names(
    pipe: StableDiffusionXLPipeline, image_encoder: CLIPVisionModelWithProjection, adapter: Adapter
) -> None:
    before = {name: tensor.clone() for name, tensor in pipe.unet.state_dict().items()}
    Painter(pipe, image_encoder, adapter)
    torch.testing.assert_close(pipe.unet.state_dict(), before, rtol=0, atol=0)


def test_in_half_precision_the_picture_is_nearly_the_same(
    pipe: StableDiffusionXLPipeline,
    image_encoder: CLIPVisionModelWithProjection,
    adapter: Adapter,
    photos: list[Image.Image],
) -> None:
    prompt = pair(photos, LEFT, RIGHT, scale=1.0)
    full = pixels(Painter(pipe, image_encoder, adapter).draw([prompt], STYLE)[0])
    half = pixels(Painter(pipe.to(torch.bfloat16), image_encoder, adapter).draw([prompt], STYLE)[0])
    assert 0 < np.abs(full - half).mean() < 4


def test_an_overflow_is_an_error_and_no_black_picture(
    painter: Painter, pipe: StableDiffusionXLPipeline, photos: list[Image.Image]
) -> None:
    torch.nn.init.constant_(pipe.vae.decoder.conv_out.bias, float("nan"))
    with pytest.raises(Refused, match="overflowed; draw in bfloat16"):
        painter.draw([pair(photos, LEFT, RIGHT)], STYLE)


def test_the_wrong_image_encoder_is_refused(
    pipe: StableDiffusionXLPipeline, image_encoder: CLIPVisionModelWithProjection, adapter: Adapter
) -> None:
    pipe.unet.register_to_config(cross_attention_dim=768)
    with pytest.raises(Refused, match="U-Net: works with 768 numbers, the adapter with 32"):
        Painter(pipe, image_encoder, adapter)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda photo: Subject(photo, "dog", (0.5, 0.0, 0.4, 1.0)), "box: .*correct the layout"),
        (lambda photo: Subject(photo, "dog", (0.5, 0.0, 1.1, 1.0)), "box: .*correct the layout"),
        (lambda photo: Subject(photo, " "), "phrase: is empty"),
        (lambda photo: Prompt("a", (), 0), "subjects: 0; give 1 to 4"),
        (lambda photo: Prompt("a", (Subject(photo, "a"),) * 5, 0), "subjects: 5; give 1 to 4"),
        (lambda photo: Style(width=100), "width: 100; give a positive multiple of 8"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_runs(
    photos: list[Image.Image], make: object, message: str
) -> None:
    assert callable(make)
    with pytest.raises(InvalidInput, match=message):
        make(photos[0])


def test_subjects_count_less_where_one_is_the_whole_scene(photos: list[Image.Image]) -> None:
    assert pair(photos, LEFT, RIGHT).scales == (0.6, 0.6)
    assert pair(photos, (0.0, 0.0, 1.0, 1.0), RIGHT).scales == (0.4, 0.4)
    assert pair(photos, (0.0, 0.0, 1.0, 1.0), RIGHT, scale=0.9).scales == (0.9, 0.9)
