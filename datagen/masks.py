"""Masks of concepts in their training pictures: prompts in, the outline by SAM out (thesis 4.3.1).

SAM is transformers' `SamModel`, from a folder as model hubs publish it; safetensors only.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from transformers import SamModel, SamProcessor

from datagen.pictures import open_picture, png
from datagen.via import Marked, Prompt
from kith.errors import InvalidInput, Refused
from kith.files import write_whole

_FILES: Final = {
    "config.json": "config.json",
    "model.safetensors": "model.safetensors",
    "preprocessor_config.json": "*processor_config.json",
}
"""What a SAM consists of. Newer programs write processor_config.json in place of the last one."""


class Outline(NamedTuple):
    """What SAM takes for the thing."""

    mask: NDArray[np.bool_]
    """[height, width] of the picture, true on the thing."""
    score: float
    """How well it fits, by SAM's own estimate of the overlap: the lowest of its parts, 0 to 1."""


class MaskWritten(NamedTuple):
    """A mask on disk."""

    picture: str
    mask: Path
    score: float
    """See `Outline`."""
    share: float
    """Of the picture that it covers, 0 to 1."""


class Outliner:
    """SAM, ready to outline.

    Args:
        checkpoint: A folder with `config.json`, `model.safetensors`, `preprocessor_config.json`, as
            hubs publish `facebook/sam-vit-huge` and its smaller kin.
        device: A torch device.

    Raises:
        Refused: It holds no such model.
    """

    def __init__(self, checkpoint: Path, device: str = "cpu") -> None:
        _check_files(checkpoint)
        try:
            self._processor: Any = SamProcessor.from_pretrained(checkpoint, local_files_only=True)
            self._model: Any = SamModel.from_pretrained(
                checkpoint, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise _no_sam(checkpoint, "its files are damaged, or do not fit together") from error
        self._model.eval().to(device)
        self._device = device

    @torch.inference_mode()
    def outline(self, picture: Image.Image, prompts: Sequence[Prompt]) -> Outline:
        """All that the prompts point at, taken together.

        Args:
            picture: Upright RGB.
            prompts: At least one, in its pixels.
        """
        seen = self._processor(images=picture, return_tensors="pt").to(self._device)
        embedding = self._model.get_image_embeddings(seen["pixel_values"])
        parts = [self._part(picture, embedding, prompt) for prompt in prompts]
        mask = np.any([part.mask for part in parts], axis=0)
        return Outline(mask, min(part.score for part in parts))

    def _part(self, picture: Image.Image, embedding: torch.Tensor, prompt: Prompt) -> Outline:
        asked = self._processor(
            images=picture,
            input_points=[[[[p.x, p.y] for p in prompt.points]]] if prompt.points else None,
            input_labels=[[[int(p.inside) for p in prompt.points]]] if prompt.points else None,
            input_boxes=[[list(prompt.box)]] if prompt.box else None,
            return_tensors="pt",
        )
        where = {name: asked[name].to(self._device) for name in asked if name.startswith("input_")}
        # A single point may mean the thing or a part of it: SAM then draws three, and the one that
        # it believes in most is taken. Anything more is plain, and its one mask for that is better.
        vague = prompt.box is None and len(prompt.points) == 1
        drawn = self._model(image_embeddings=embedding, multimask_output=vague, **where)
        scores = drawn.iou_scores[0, 0].float()
        best = int(scores.argmax())
        masks = self._processor.post_process_masks(
            drawn.pred_masks[:, :, [best]].float().cpu(),
            asked["original_sizes"],
            asked["reshaped_input_sizes"],
        )
        return Outline(masks[0][0, 0].numpy(), float(scores[best].clamp(0, 1)))


def _check_files(checkpoint: Path) -> None:
    """Refuse what transformers would take for a name on a hub, or fill up with random weights."""
    if not checkpoint.is_dir():
        raise _no_sam(checkpoint, "there is no such folder")
    if lacking := [name for name, one in _FILES.items() if not any(checkpoint.glob(one))]:
        raise _no_sam(checkpoint, f"it lacks {', '.join(lacking)}")
    try:
        kind = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_sam(checkpoint, "its config.json is damaged") from error
    if kind != "sam":
        raise _no_sam(checkpoint, f"its config.json is of the model {kind!r}")


def _no_sam(checkpoint: Path, why: str) -> Refused:
    return Refused(
        f"sam: {checkpoint} holds no SAM: {why}; fetch one such as facebook/sam-vit-huge from a "
        f"model hub, and name the folder with its {', '.join(_FILES)}",
        reason="SAM_MISSING",
        field="sam",
    )


def write_masks(
    outliner: Outliner, marked: Sequence[Marked], pictures: Path, out: Path
) -> Iterator[MaskWritten]:
    """Outline each marked picture and write its mask as a PNG: 255 on the thing, 0 elsewhere.

    Everything that can be wrong with the input is looked for before the first is made.

    Args:
        outliner: Draws them.
        marked: What `via.read_annotations` read.
        pictures: The folder that their names are relative to.
        out: Where the masks go to, under the names of the pictures.

    Raises:
        InvalidInput: A picture is missing or unreadable, a mark lies beside it, two would have the
            same mask, or nothing is found where one is marked.
        Refused: A mask can't be written.
    """
    files = [_checked(one, pictures) for one in marked]
    targets = [out / Path(one.file).with_suffix(".png") for one in marked]
    if twice := next((target for target in targets if targets.count(target) > 1), None):
        both = [one.file for one, target in zip(marked, targets, strict=True) if target == twice]
        raise InvalidInput(
            f"annotations: {' and '.join(both)} would have the mask {twice}; rename one",
            reason="NAME_TAKEN",
            field="annotations",
        )
    for one, file, target in zip(marked, files, targets, strict=True):
        outline = outliner.outline(open_picture(file, "pictures"), one.prompts)
        if not outline.mask.any():
            raise InvalidInput(
                f"annotations: {one.file}: SAM finds nothing there; mark it with more points",
                reason="MASK_EMPTY",
                field="annotations",
            )
        write_whole(target, png(outline.mask))
        yield MaskWritten(one.file, target, outline.score, float(outline.mask.mean()))


def _checked(one: Marked, pictures: Path) -> Path:
    """The file of a picture, once it is known to be there and to hold what is marked."""
    relative = Path(one.file)
    if relative.is_absolute() or ".." in relative.parts:
        raise InvalidInput(
            f"annotations: {one.file!r} leads out of {pictures}; name pictures within it",
            reason="NAME_INVALID",
            field="annotations",
        )
    width, height = open_picture(pictures / relative, "pictures").size
    corners = [(p.x, p.y) for prompt in one.prompts for p in prompt.points]
    boxes = [prompt.box for prompt in one.prompts if prompt.box]
    corners += [corner for x1, y1, x2, y2 in boxes for corner in ((x1, y1), (x2, y2))]
    for x, y in corners:
        if not (0 <= x <= width and 0 <= y <= height):
            raise InvalidInput(
                f"annotations: {one.file}: {x:g}, {y:g} lies beside its {width} x {height} pixels; "
                "if the picture was changed since, mark it anew",
                reason="MARK_OUTSIDE",
                field="annotations",
            )
    return pictures / relative
