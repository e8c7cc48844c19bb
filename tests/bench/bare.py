"""The models of a profile as their own libraries run them: no queue, no thread, no memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from services.assistant.methods.kith import CLOSER, MAX_REGIONS
from services.assistant.regions import cut, scaled, without_doubles
from services.runtime.profile import Profile
from services.runtime.types import Detection

Vectors = NDArray[np.float32]
"""One unit vector a row: float32 [n, dim]."""


class BareModels:
    """Detector and embedder. What it is given at once goes through the network at once.

    Args:
        profile: Loading it blocks for seconds.
    """

    def __init__(self, profile: Profile) -> None:
        opener = Image.open
        import ultralytics

        Image.open = opener  # it puts one of its own in the place of everybody's
        spec, words = profile.detector, profile.detector_text
        kind = ultralytics.YOLOWorld if spec.open_vocabulary else ultralytics.YOLO
        self._yolo = kind(str(spec.weights))
        self._names: list[str] = []
        self._options = {
            "imgsz": spec.image_size,
            "conf": spec.confidence,
            "iou": spec.iou,
            "max_det": spec.max_detections,
            "device": profile.device,
            "verbose": False,
        }
        self._device = profile.device
        self._clip, self._see = _clip(profile.embedder.weights.parent, self._device)
        kind = torch.device(self._device).type
        # As open_clip's own example does on an accelerator.
        self._precision = torch.autocast(kind, torch.float16, enabled=kind != "cpu")
        self._words = _clip(words.weights.parent, self._device)[0] if words else None
        threads = torch.get_num_threads()
        self._yolo.predict(Image.new("RGB", (32, 32)), **self._options)
        torch.set_num_threads(threads)  # which its first run has set for everybody

    def detect(self, photos: Sequence[Image.Image], words: Sequence[str]) -> list[list[Detection]]:
        """The regions of each photo, the most certain first."""
        if self._words is None:
            names = list(self._yolo.names.values())
            wanted = [number for number, name in enumerate(names) if name in words]
        else:
            names, wanted = list(words), list(range(len(words)))
            self._look_for(names)
        found = self._yolo.predict(list(photos), classes=wanted, **self._options)
        return [
            [
                Detection((x1, y1, x2, y2), names[int(number)], score)
                for x1, y1, x2, y2, score, number in one.boxes.data.tolist()
            ]
            for one in found
        ]

    @torch.inference_mode()
    def embed(self, pictures: Sequence[Image.Image]) -> Vectors:
        """A unit vector a picture."""
        batch = torch.stack([self._see(one) for one in pictures]).to(self._device)
        with self._precision:
            rows = self._clip.encode_image(batch).float()
        vectors: Vectors = torch.nn.functional.normalize(rows, dim=-1).cpu().numpy()
        return vectors

    def look(self, photos: Sequence[Image.Image], words: Sequence[str]) -> Vectors:
        """What `kith` asks of both models: a vector for each thing in each photo."""
        regions = [
            (photo, region.box)
            for photo, found in zip(photos, self.detect(photos, words), strict=True)
            for region in without_doubles(found)[:MAX_REGIONS]
        ]
        crops = [cut(photo, box) for photo, box in regions]
        crops += [ImageOps.mirror(cut(photo, scaled(box, photo, CLOSER))) for photo, box in regions]
        seen = self.embed(crops)
        mean = seen[: len(regions)] + seen[len(regions) :]
        unit: Vectors = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return unit

    @torch.inference_mode()
    def _look_for(self, names: list[str]) -> None:
        """Sets an open vocabulary, unless it is set to these words."""
        if names == self._names:
            return
        assert self._words is not None
        tokens = open_clip.tokenize(names, self._words.context_length).to(self._device)
        vectors = torch.nn.functional.normalize(self._words.encode_text(tokens), dim=-1)
        network = self._yolo.predictor.model.model
        network.txt_feats, network.model[-1].nc = vectors[None], len(names)
        self._names = names


def _clip(folder: Path, device: str) -> tuple[Any, Any]:
    """A model, and what turns a picture into its input."""
    return open_clip.create_model_from_pretrained(f"local-dir:{folder}", device=device)
