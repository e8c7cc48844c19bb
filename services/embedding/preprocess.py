"""What an open_clip configuration says about turning a picture into the network's input."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from kith.errors import Refused

_OPENAI_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
_OPENAI_STD: Final = (0.26862954, 0.26130258, 0.27577711)
_RESAMPLING: Final = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}

_MODES: Final = ("shortest", "longest", "squash")
_LONGEST: Final = 32
"""Times the shortest side: what of a very long picture is resized at all."""


@dataclass(frozen=True)
class Preprocess:
    """Resize and normalise, as `open_clip.image_transform` does for inference.

    A picture of one pixel by thousands costs no more than another.
    """

    size: int
    """Side of the network's square input, in pixels."""
    mode: str
    """shortest: its central square; longest: the whole picture, black beside it; squash: the whole
    picture, out of proportion."""
    resampling: Image.Resampling
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def from_config(cls, size: int, config: Mapping[str, Any]) -> Self:
        """Reads a `preprocess_cfg`; what it leaves out is as for OpenAI's CLIP.

        Raises:
            Refused: It asks for a way of resizing we don't have.
        """
        mode = config.get("resize_mode", "shortest")
        interpolation = config.get("interpolation", "bicubic")
        if mode not in _MODES or interpolation not in _RESAMPLING:
            raise Refused(
                f"embedder: preprocess_cfg has resize_mode {mode!r} and interpolation "
                f"{interpolation!r}; known are {', '.join(_MODES)} and bicubic, bilinear",
                reason="EMBEDDER_CONFIG_UNSUPPORTED",
            )
        return cls(
            size,
            mode,
            _RESAMPLING[interpolation],
            tuple(config.get("mean", _OPENAI_MEAN)),
            tuple(config.get("std", _OPENAI_STD)),
        )

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        """The square of an RGB image that the network looks at: uint8 [size, size, 3]."""
        return np.asarray(self._square(image))

    def normalised(self, squares: torch.Tensor) -> torch.Tensor:
        """The network's input, made where `squares` are: a quarter of the bytes go there.

        Args:
            squares: uint8 [n, size, size, 3].

        Returns:
            float32 [n, 3, size, size].
        """
        mean, std = (
            torch.tensor(each, device=squares.device).view(3, 1, 1)
            for each in (self.mean, self.std)
        )
        return squares.permute(0, 3, 1, 2).contiguous().float().div_(255).sub_(mean).div_(std)

    def _square(self, image: Image.Image) -> Image.Image:
        match self.mode:
            case "squash":
                return image.resize((self.size, self.size), self.resampling)
            case "longest":
                return self._letterboxed(image)
            case _:
                return self._central_square(image)

    def _letterboxed(self, image: Image.Image) -> Image.Image:
        scale = self.size / max(image.size)
        wide, high = (max(1, round(side * scale)) for side in image.size)
        page = Image.new("RGB", (self.size, self.size))
        page.paste(
            image.resize((wide, high), self.resampling),
            ((self.size - wide) // 2, (self.size - high) // 2),
        )
        return page

    def _central_square(self, image: Image.Image) -> Image.Image:
        """Resized to the shortest side, then cropped; rounds where torchvision's classes round."""
        width, height = image.size
        short = min(width, height)
        if max(width, height) > _LONGEST * short:
            # The ends would be cropped away in any case, after filling the memory.
            keep = _LONGEST * short
            left, top = max(0, (width - keep) // 2), max(0, (height - keep) // 2)
            right, bottom = min(width, left + keep), min(height, top + keep)
            return self._central_square(image.crop((left, top, right, bottom)))
        wide, high = self.size * width // short, self.size * height // short
        resized = image.resize((wide, high), self.resampling)
        left, top = round((wide - self.size) / 2), round((high - self.size) / 2)
        return resized.crop((left, top, left + self.size, top + self.size))
