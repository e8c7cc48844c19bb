"""Draws pictures of given subjects: an SDXL pipeline of diffusers with the adapter in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from datagen.msdiffusion.adapter import Adapter
from datagen.msdiffusion.attended import AttendedPlaces
from datagen.msdiffusion.attention import SubjectPrompt, sight
from datagen.msdiffusion.layout import NOWHERE, box_masks, grids
from datagen.msdiffusion.phrases import Span, phrase_spans
from datagen.msdiffusion.subjects import MOST_SUBJECTS, Prompt, SubjectEncoder
from kith.errors import InvalidInput, Refused

T = TypeVar("T")


@dataclass(frozen=True)
class Style:
    """How pictures are drawn; by default as published."""

    width: int = 1024
    """In pixels, a multiple of 8."""
    height: int = 1024
    """In pixels, a multiple of 8."""
    steps: int = 30
    guidance: float = 7.5
    negative_prompt: str = "monochrome, lowres, bad anatomy, worst quality, low quality"

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if side < 8 or side % 8:
                raise InvalidInput(
                    f"{name}: {side}; give a positive multiple of 8", reason="SIZE_INVALID"
                )


class Painter:
    """MS-Diffusion on a pipeline. Not for several threads at once.

    Args:
        pipe: SDXL; its cross-attentions get new processors, its
            parameters stay as they are.
        image_encoder: CLIP's picture side: bigG/14 for the published weights.
        adapter: For this pipeline's U-Net. It is moved to the U-Net's device and dtype.

    Raises:
        Refused: The image encoder or the text encoder is not the one the adapter was trained with.
    """

    def __init__(
        self,
        pipe: StableDiffusionXLPipeline,
        image_encoder: CLIPVisionModelWithProjection,
        adapter: Adapter,
    ) -> None:
        _check_widths(pipe, image_encoder, adapter)
        self._pipe = pipe
        self._adapter = adapter.to(pipe.unet.device, pipe.unet.dtype).eval()
        self._adapter.install(pipe.unet)
        self._fewest = 1
        self._encoder = SubjectEncoder(image_encoder, pipe.tokenizer, pipe.text_encoder)
        pipe.set_progress_bar_config(disable=True)
        pipe.vae.enable_slicing()  # one picture at a time: at full size they take gigabytes each

    @property
    def usual_batch(self) -> int:
        """Pictures to draw at once where nobody says: a GPU has room for some."""
        return 4 if self._pipe.unet.device.type == "cuda" else 1

    def compile(self) -> None:
        """Compile the U-Net: its first batch of each size then takes minutes."""
        self._pipe.unet.compile()
        self._fewest = MOST_SUBJECTS  # one shape for any number of subjects: it is compiled once

    @torch.inference_mode()
    def draw(self, prompts: Sequence[Prompt], style: Style) -> list[Image.Image]:
        """A picture for each prompt, all in one batch.

        A picture is the same on every run with the same models, batch size and kind of device; in
        a batch of another size it differs by the rounding of the device's arithmetic.

        Raises:
            InvalidInput: A subject has no box, and its phrase is not in the prompt.
            Refused: The model gave something other than numbers: float16 was too narrow for it.
        """
        told = self._tell(prompts, style)
        pictures: Tensor = self._pipe(
            prompt=[prompt.text for prompt in prompts],
            negative_prompt=[style.negative_prompt] * len(prompts),
            width=style.width,
            height=style.height,
            num_inference_steps=style.steps,
            guidance_scale=style.guidance,
            # Noise from the CPU is the same on every device.
            generator=[torch.Generator("cpu").manual_seed(prompt.seed) for prompt in prompts],
            cross_attention_kwargs={"ip_hidden_states": told},
            output_type="pt",
        ).images
        if not pictures.isfinite().all():
            raise Refused(
                f"dtype: {self._pipe.unet.dtype} overflowed; draw in bfloat16",
                reason="PICTURE_NOT_FINITE",
            )
        pixels = (pictures.float() * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return [Image.fromarray(picture) for picture in pixels]

    def _tell(self, prompts: Sequence[Prompt], style: Style) -> SubjectPrompt:
        most = max(self._fewest, *(len(prompt.subjects) for prompt in prompts))
        shrunk = self._pipe.vae_scale_factor
        levels = len(self._pipe.unet.config.down_block_types)
        places = grids(style.height // shrunk, style.width // shrunk, levels)
        boxes = [
            _padded([subject.box or NOWHERE for subject in prompt.subjects], most, NOWHERE)
            for prompt in prompts
        ]
        device, dtype = self._pipe.unet.device, self._pipe.unet.dtype
        visible = {cells: box_masks(boxes, grid).to(device) for cells, grid in places.items()}
        per_subject = self._adapter.sizes.tokens
        scales = [_padded(prompt.scales, most, 0.0) for prompt in prompts]
        return SubjectPrompt(
            tokens=self._tokens(prompts, most),
            scales=torch.tensor(scales, device=device, dtype=dtype),
            visible=visible,
            seen={cells: sight(each, per_subject) for cells, each in visible.items()},
            attended=self._look_for(prompts, most),
        )

    def _tokens(self, prompts: Sequence[Prompt], most: int) -> Tensor:
        """[B, most * tokens a subject, output_dim]; zeros for the subjects a picture lacks."""
        subjects = [subject for prompt in prompts for subject in prompt.subjects]
        device, dtype = self._pipe.unet.device, self._pipe.unet.dtype
        tokens: Tensor = self._adapter.image_proj(
            self._encoder.patches([subject.image for subject in subjects]).to(device, dtype),
            self._encoder.phrases([subject.phrase for subject in subjects]).to(device, dtype),
            torch.tensor([subject.box or NOWHERE for subject in subjects], device=device),
            torch.tensor([subject.box is not None for subject in subjects], device=device),
        )
        told: Tensor = tokens.new_zeros(len(prompts), most, *tokens.shape[1:])
        for row, mine in enumerate(tokens.split([len(prompt.subjects) for prompt in prompts])):
            told[row, : len(mine)] = mine
        return told.flatten(1, 2)

    def _look_for(self, prompts: Sequence[Prompt], most: int) -> AttendedPlaces | None:
        if all(subject.box is not None for prompt in prompts for subject in prompt.subjects):
            return None
        spans = [_padded(self._spans(prompt), most, None) for prompt in prompts]
        return AttendedPlaces(spans, self._pipe.tokenizer.model_max_length, self._pipe.unet.device)

    def _spans(self, prompt: Prompt) -> list[Span | None]:
        found = phrase_spans(
            self._pipe.tokenizer, [subject.phrase for subject in prompt.subjects], prompt.text
        )
        wanted: list[Span | None] = []
        for subject, span in zip(prompt.subjects, found, strict=True):
            if subject.box is None and span is None:
                raise InvalidInput(
                    f"subjects: {subject.phrase!r} has no box and is not in the prompt "
                    f"{prompt.text!r}; name it there or give it a box",
                    reason="PHRASE_NOT_IN_PROMPT",
                )
            wanted.append(span if subject.box is None else None)
        return wanted


def _padded(values: Sequence[T], length: int, filling: T) -> list[T]:
    return [*values, *[filling] * (length - len(values))]


def _check_widths(
    pipe: StableDiffusionXLPipeline,
    image_encoder: CLIPVisionModelWithProjection,
    adapter: Adapter,
) -> None:
    sizes = adapter.sizes
    for model, given, needed in (
        ("image encoder", image_encoder.config.hidden_size, sizes.image_dim),
        ("first text encoder", pipe.text_encoder.config.hidden_size, sizes.phrase_dim),
        ("U-Net", pipe.unet.config.cross_attention_dim, sizes.output_dim),
    ):
        if given != needed:
            raise Refused(
                f"{model}: works with {given} numbers, the adapter with {needed}; the published "
                "adapter belongs to SDXL base 1.0 and CLIP ViT-bigG/14 (laion2b_s39b_b160k)",
                reason="MODELS_MISMATCH",
            )
