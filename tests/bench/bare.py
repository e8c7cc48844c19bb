"""The models of a profile as their own libraries run them: no queue, no thread, no memory."""

from collections.abc import Sequence

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
        profile: Of a fixed vocabulary; loading it blocks for seconds.
    """

    def __init__(self, profile: Profile) -> None:
        opener = Image.open
        import ultralytics

        Image.open = opener  # it puts one of its own in the place of everybody's
        spec = profile.detector
        self._yolo = ultralytics.YOLO(str(spec.weights))
        self._options = {
            "imgsz": spec.image_size,
            "conf": spec.confidence,
            "iou": spec.iou,
            "max_det": spec.max_detections,
            "device": profile.device,
            "verbose": False,
        }
        folder = profile.embedder.weights.parent
        self._clip, self._see = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
        threads = torch.get_num_threads()
        self.detect([Image.new("RGB", (32, 32))], list(self._yolo.names.values()))
        torch.set_num_threads(threads)  # which its first run has set for everybody

    def detect(self, photos: Sequence[Image.Image], words: Sequence[str]) -> list[list[Detection]]:
        """The regions of each photo, the most certain first."""
        names = self._yolo.names
        wanted = [number for number, name in names.items() if name in words]
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
        rows = self._clip.encode_image(torch.stack([self._see(one) for one in pictures]))
        vectors: Vectors = torch.nn.functional.normalize(rows, dim=-1).numpy()
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
