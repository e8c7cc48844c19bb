"""What is to be drawn, and how subjects are seen: their patches and phrases as vectors."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
)

from datagen.msdiffusion.layout import Box
from kith.errors import InvalidInput

MOST_SUBJECTS = 4
"""References a picture had in training, at most."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

_REMEMBERED = 512
"""Pictures of subjects: 0.8 MiB each at full size in 16 bits."""


@dataclass(frozen=True)
class Subject:
    """One thing to show.

    Attributes:
        image: It, in RGB; best on a plain background.
        phrase: What the prompt calls it: "dog".
        box: Where, x1, y1, x2, y2 in unit coordinates; all zeros for nowhere. None lets the prompt
            place it: the phrase has to stand in the prompt then.
        scale: How strongly it counts beside the text; None for the published choice, see
            `Prompt.scales`.
    """

    image: Image.Image
    phrase: str
    box: Box | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        if not self.phrase.strip():
            raise InvalidInput(
                "phrase: is empty; give a class word such as 'dog'", reason="PHRASE_MISSING"
            )
        if self.box is not None and not _is_inside(self.box):
            raise InvalidInput(
                f"box: {self.box} of {self.phrase!r} is not x1 <= x2, y1 <= y2 within 0..1; "
                "correct the layout",
                reason="BOX_INVALID",
            )


@dataclass(frozen=True)
class Prompt:
    """One picture to draw: a text, one to four subjects, and where the noise begins."""

    text: str
    subjects: tuple[Subject, ...]
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= len(self.subjects) <= MOST_SUBJECTS:
            raise InvalidInput(
                f"subjects: {len(self.subjects)}; give 1 to {MOST_SUBJECTS}",
                reason="SUBJECT_COUNT",
            )

    @property
    def scales(self) -> tuple[float, ...]:
        """Of each subject: 0.6, or 0.4 where one of them is the whole scene, if it names none."""
        usual = 0.4 if any(subject.box == WHOLE for subject in self.subjects) else 0.6
        return tuple(usual if one.scale is None else one.scale for one in self.subjects)


class SubjectEncoder:
    """Sees subjects once: a dataset shows the same few pictures thousands of times.

    Args:
        image_encoder: CLIP's picture side.
        tokenizer: SDXL's first.
        text_encoder: SDXL's first.
    """

    def __init__(
        self,
        image_encoder: CLIPVisionModelWithProjection,
        tokenizer: CLIPTokenizer,
        text_encoder: CLIPTextModel,
    ) -> None:
        self._image_encoder = image_encoder
        self._tokenizer = tokenizer
        self._text_encoder = text_encoder
        self._patches: OrderedDict[bytes, Tensor] = OrderedDict()
        self._phrases: dict[str, Tensor] = {}

    def patches(self, images: Sequence[Image.Image]) -> Tensor:
        """[N, patches, image_dim]: the image encoder's last layer but one, its CLS kept."""
        keys = [_digest(image) for image in images]
        new = {
            key: image for key, image in zip(keys, images, strict=True) if key not in self._patches
        }
        if new:
            seen = self._look(list(new.values()))
            self._patches |= dict(zip(new, seen, strict=True))
        found = torch.stack([self._patches[key] for key in keys])
        for key in keys:
            self._patches.move_to_end(key)
        while len(self._patches) > _REMEMBERED:
            self._patches.popitem(last=False)
        return found

    def phrases(self, phrases: Sequence[str]) -> Tensor:
        """[N, phrase_dim]: the text encoder's pooled output, each phrase by itself."""
        for phrase in phrases:
            if phrase not in self._phrases:
                self._phrases[phrase] = self._read(phrase)
        return torch.stack([self._phrases[phrase] for phrase in phrases])

    def _look(self, images: Sequence[Image.Image]) -> Tensor:
        encoder = self._image_encoder
        size = encoder.config.image_size
        pixels = subject_pixels(images, size).to(encoder.device, encoder.dtype)
        output = encoder(pixels, output_hidden_states=True)
        patches: Tensor = output.hidden_states[-2]
        return patches

    def _read(self, phrase: str) -> Tensor:
        ids = self._tokenizer(
            phrase,
            padding="max_length",
            max_length=self._tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        pooled: Tensor = self._text_encoder(ids.to(self._text_encoder.device)).pooler_output[0]
        return pooled


def subject_pixels(images: Sequence[Image.Image], size: int) -> Tensor:
    """[N, 3, size, size] as CLIP wants them. The sides are made equal first, as in training.

    Pillow makes them smaller, as in training too: torchvision's bicubic comes out otherwise.
    """
    edges = {"height": size, "width": size}
    process = CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size=edges)
    squares = [image.convert("RGB").resize((512, 512)) for image in images]
    pixels: Tensor = process(squares, return_tensors="pt").pixel_values
    return pixels


def _digest(image: Image.Image) -> bytes:
    head = f"{image.mode} {image.size}".encode()
    return hashlib.sha256(head + image.tobytes()).digest()


def _is_inside(box: Box) -> bool:
    x1, y1, x2, y2 = box
    return 0 <= x1 <= x2 <= 1 and 0 <= y1 <= y2 <= 1
