"""The detector: an Ultralytics YOLO, of a fixed vocabulary or an open one (YOLO-World)."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from kith.errors import Refused
from services.runtime.profile import DetectorSpec
from services.runtime.types import Detection
from services.runtime.weights import verify
from services.runtime.worker import ModelWorker

TextVectors = Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]]
"""Words to unit vectors, float32 [words, dim]: what gives an open vocabulary its classes."""

_MAX_KNOWN_WORDS: Final = 4096
"""Text vectors kept; the words of all users together, so that they must not grow for ever."""


class YoloDetector:
    """Finds regions that may hold a thing of the asked categories. Safe to share between tasks.

    The network, whose classes an open vocabulary changes with every call, belongs to one worker
    thread, and setting the classes and predicting is one step there: two callers never see each
    other's categories.

    Args:
        spec: The checkpoint and its thresholds. Loading it blocks for seconds.
        device: A torch device.
        text_vectors: Needed for an open vocabulary, unused for a fixed one.

    Raises:
        Refused: The checkpoint is missing, not the pinned one, or not a detector of this kind.
    """

    def __init__(
        self, spec: DetectorSpec, device: str = "cpu", text_vectors: TextVectors | None = None
    ) -> None:
        if spec.open_vocabulary and text_vectors is None:
            raise Refused(
                f"detector: {spec.weights.name} has an open vocabulary and needs a text encoder; "
                "add [detector_text] to the profile",
                reason="TEXT_ENCODER_MISSING",
            )
        self.name = spec.weights.stem
        self._spec = spec
        self._device = device
        self._text_vectors = text_vectors
        self._known: dict[str, NDArray[np.float32]] = {}
        self._model = _load(spec)
        self._names: Mapping[int, str] = dict(enumerate(_names(self._model)))
        self._set_up()
        self._worker = ModelWorker("detector")

    async def vocabulary(self) -> tuple[str, ...]:
        """Every category it can find, in the model's order; () when any word will do."""
        return () if self._spec.open_vocabulary else tuple(self._names.values())

    async def detect(self, image: Image.Image, categories: Sequence[str]) -> list[Detection]:
        """Regions of `image`, the most certain first, boxes in its pixels.

        Args:
            image: Upright RGB.
            categories: What to look for; a word outside a fixed vocabulary finds nothing. Empty:
                every category of the checkpoint (an open vocabulary: the words it was saved with).

        Raises:
            Overloaded: Too many calls wait for the model.
        """
        if self._spec.open_vocabulary:
            words = list(dict.fromkeys(categories)) or list(self._names.values())
            vectors = await self._vectors(words)
            return await self._worker.run(self._detect_open, image, words, vectors)
        wanted = {word.casefold(): word for word in categories}
        classes = {
            index: wanted.get(name.casefold(), name)
            for index, name in self._names.items()
            if not wanted or name.casefold() in wanted
        }
        return await self._worker.run(self._predict, image, classes) if classes else []

    async def warm_up(self) -> None:
        """Runs the model once, so that the first caller doesn't pay for its first run."""
        side = self._spec.image_size
        await self.detect(Image.new("RGB", (side, side)), ())

    def close(self) -> None:
        """Ends the worker thread."""
        self._worker.close()

    async def _vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """One vector a word, [words, dim]; the encoder is asked only for words that are new."""
        assert self._text_vectors is not None
        new = [word for word in words if word not in self._known]
        fresh = dict(zip(new, await self._text_vectors(new), strict=True)) if new else {}
        vectors = np.stack([fresh[word] if word in fresh else self._known[word] for word in words])
        if len(self._known) + len(fresh) > _MAX_KNOWN_WORDS:
            self._known.clear()
        self._known.update(fresh)
        return vectors

    def _set_up(self) -> None:
        """Has Ultralytics make the copy of the network that it predicts with."""
        threads = torch.get_num_threads()
        self._predict(Image.new("RGB", (32, 32)), self._names)
        # On the way it has set the number of threads for every other model in this process.
        torch.set_num_threads(threads)

    def _detect_open(
        self, image: Image.Image, words: Sequence[str], vectors: NDArray[np.float32]
    ) -> list[Detection]:
        # What YOLOWorld.set_classes does, without its download of a text encoder.
        network = self._model.predictor.model.model
        network.txt_feats = torch.from_numpy(vectors)[None].to(self._device)
        network.model[-1].nc = len(words)
        return self._predict(image, dict(enumerate(words)))

    def _predict(self, image: Image.Image, classes: Mapping[int, str]) -> list[Detection]:
        (result,) = self._model.predict(
            source=image,
            conf=self._spec.confidence,
            iou=self._spec.iou,
            max_det=self._spec.max_detections,
            imgsz=self._spec.image_size,
            classes=list(classes),
            device=self._device,
            save=False,
            verbose=False,
        )
        rows = result.boxes.data.tolist()  # x1, y1, x2, y2, score, class
        found = [
            Detection((x1, y1, x2, y2), classes[int(index)], score)
            for x1, y1, x2, y2, score, index in rows
            if x1 < x2 and y1 < y2
        ]
        return sorted(found, key=lambda detection: -detection.score)


def _load(spec: DetectorSpec) -> Any:  # noqa: ANN401 - Ultralytics has no types
    """The checkpoint as an Ultralytics model that never reaches for the network."""
    weights = verify(spec.weights, spec.sha256)
    # Read once, at import: no download, no telemetry, no package installed behind our back.
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
    import ultralytics

    kind = ultralytics.YOLOWorld if spec.open_vocabulary else ultralytics.YOLO
    model = kind(str(weights))
    is_open = hasattr(model.model, "txt_feats")
    if is_open != spec.open_vocabulary or model.task != "detect":
        raise Refused(
            f"detector: {weights.name} is no {'open' if spec.open_vocabulary else 'fixed'}-"
            "vocabulary detector; correct the profile",
            reason="WEIGHTS_WRONG_KIND",
        )
    return model


def _names(model: Any) -> list[str]:  # noqa: ANN401 - the same
    """The checkpoint's category words, which it keeps as a list or as a mapping."""
    names = model.model.names
    return list(names.values()) if isinstance(names, Mapping) else list(names)
