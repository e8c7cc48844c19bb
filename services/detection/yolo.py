"""The detector: an Ultralytics YOLO, of a fixed vocabulary or an open one (YOLO-World)."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from kith.errors import Refused
from services.detection.letterbox import Letterboxed, letterboxed
from services.runtime.aside import aside
from services.runtime.batching import Batcher
from services.runtime.profile import DetectorSpec
from services.runtime.timing import Observer
from services.runtime.types import Detection
from services.runtime.weights import verify

TextVectors = Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]]
"""Words to unit vectors, float32 [words, dim]: what gives an open vocabulary its classes."""

_MAX_KNOWN_WORDS: Final = 4096
"""Text vectors kept; the words of all users together, so that they must not grow for ever."""

_MAX_BATCH: Final = 16
"""Photos that go through the network at once; bounds its memory."""

_MAX_WAITING: Final = 64
"""Photos queued or in the network at once."""


@dataclass(frozen=True)
class _Alike:
    """What photos that may go through the network together have in common."""

    shape: tuple[int, ...]
    words: tuple[str, ...]
    """The classes that an open vocabulary is set to; the same for all callers of a fixed one."""
    vectors: NDArray[np.float32] | None = field(compare=False)
    """Of the words, [words, dim]."""


class _Wanted(NamedTuple):
    """A photo, and what to look for in it."""

    photo: Letterboxed
    classes: Mapping[int, str]
    """The network's numbers of the classes, and what the caller calls them."""


class YoloDetector:
    """Finds regions that may hold a thing of the asked categories. Safe to share between tasks.

    Photos of several callers go through the network together, if it sees them in one shape. An
    open vocabulary sets the network's classes, which are part of what it computes: there, only
    photos with the same set of words share a batch. So no caller sees another's categories, and
    what is found in a photo is the same alone and in any batch.

    Args:
        spec: The checkpoint and its thresholds. Loading it blocks for seconds.
        device: A torch device.
        text_vectors: Needed for an open vocabulary, unused for a fixed one.
        observer: Told how long photos wait and the network works; left out, Prometheus is.

    Raises:
        Refused: The checkpoint is missing, not the pinned one, or not a detector of this kind.
    """

    def __init__(
        self,
        spec: DetectorSpec,
        device: str = "cpu",
        text_vectors: TextVectors | None = None,
        observer: Observer | None = None,
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
        model = _load(spec)
        self._names: Mapping[int, str] = dict(enumerate(_names(model)))
        predictor = _predictor(model, spec, device)
        self._network = predictor.model
        self._side = max(predictor.imgsz)
        self._batcher = Batcher(
            "detector",
            self._detect,
            max_batch=_MAX_BATCH,
            max_waiting=_MAX_WAITING,
            observer=observer,
        )

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
        words: tuple[str, ...] = ()
        vectors = None
        if self._spec.open_vocabulary:
            # In one order, so that callers who know the same words share a batch.
            words = tuple(sorted(set(categories or self._names.values())))
            vectors = await self._vectors(words)
            classes: Mapping[int, str] = dict(enumerate(words))
        else:
            classes = self._asked(categories)
        if not classes:
            return []
        stride = int(self._network.stride)
        photo = await aside(lambda: letterboxed(image, self._side, stride), image)
        alike = _Alike(photo.pixels.shape, words, vectors)
        (found,) = await self._batcher.run(alike, [_Wanted(photo, classes)])
        return found

    async def warm_up(self) -> None:
        """Runs the model once, so that the first caller doesn't pay for its first run."""
        await self.detect(Image.new("RGB", (self._side, self._side)), ())

    def close(self) -> None:
        """Ends the worker thread."""
        self._batcher.close()

    def _asked(self, categories: Sequence[str]) -> dict[int, str]:
        """The classes of a fixed vocabulary that are wanted, in the caller's spelling."""
        wanted = {word.casefold(): word for word in categories}
        return {
            number: wanted.get(name.casefold(), name)
            for number, name in self._names.items()
            if not wanted or name.casefold() in wanted
        }

    async def _vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """One vector a word, [words, dim]; the encoder is asked only for words that are new."""
        assert self._text_vectors is not None
        # Looked up at once: another call may clear what is known while this one waits.
        known = {word: self._known[word] for word in words if word in self._known}
        new = [word for word in words if word not in known]
        fresh = dict(zip(new, await self._text_vectors(new), strict=True)) if new else {}
        if len(self._known) + len(fresh) > _MAX_KNOWN_WORDS:
            self._known.clear()
        self._known.update(fresh)
        vectors = known | fresh
        return np.stack([vectors[word] for word in words])

    @torch.inference_mode()
    def _detect(self, alike: _Alike, wanted: Sequence[_Wanted]) -> list[list[Detection]]:
        """What each caller asked for, in its photo. Runs on the owner thread."""
        if alike.vectors is not None:
            # What YOLOWorld.set_classes does, without its download of a text encoder.
            self._network.model.txt_feats = torch.from_numpy(alike.vectors)[None].to(self._device)
            self._network.model.model[-1].nc = len(alike.words)
        pixels = torch.from_numpy(np.stack([one.photo.pixels for one in wanted])).to(self._device)
        batch = pixels.permute(0, 3, 1, 2).contiguous().float().div_(255)
        answers = self._network(batch)
        rows = answers[0] if isinstance(answers, list | tuple) else answers
        return [self._regions(rows[n : n + 1], alike, one) for n, one in enumerate(wanted)]

    def _regions(self, rows: torch.Tensor, alike: _Alike, wanted: _Wanted) -> list[Detection]:
        """The network's answer for one photo, once weak and doubled boxes are gone."""
        from ultralytics.utils import nms, ops

        # One photo at a time: for a batch it gives up on the last ones when the machine is busy.
        (kept,) = nms.non_max_suppression(
            rows,
            self._spec.confidence,
            self._spec.iou,
            list(wanted.classes),
            max_det=self._spec.max_detections,
            end2end=getattr(self._network, "end2end", False),
        )
        photo = wanted.photo
        kept[:, :4] = ops.scale_boxes(alike.shape, kept[:, :4], (photo.height, photo.width))
        found = [
            Detection((x1, y1, x2, y2), wanted.classes[int(number)], score)
            for x1, y1, x2, y2, score, number in kept.tolist()
            if x1 < x2 and y1 < y2
        ]
        return sorted(found, key=lambda detection: -detection.score)


def _load(spec: DetectorSpec) -> Any:  # noqa: ANN401 - Ultralytics has no types
    """The checkpoint as an Ultralytics model that never reaches for the network."""
    weights = verify(spec.weights, spec.sha256)
    # Read once, at import: no download, no telemetry, no package installed behind our back.
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
    opener = Image.open
    import ultralytics

    # It puts one of its own in the place of everybody's, which asks for another package where a
    # file is no picture.
    Image.open = opener
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


def _predictor(model: Any, spec: DetectorSpec, device: str) -> Any:  # noqa: ANN401 - the same
    """What Ultralytics makes to predict with: a copy of the network, and the size of its input."""
    threads = torch.get_num_threads()
    model.predict(
        source=Image.new("RGB", (32, 32)),
        imgsz=spec.image_size,
        device=device,
        save=False,
        verbose=False,
    )
    # On the way it has set the number of threads for every other model in this process.
    torch.set_num_threads(threads)
    return model.predictor


def _names(model: Any) -> list[str]:  # noqa: ANN401 - the same
    """The checkpoint's category words, which it keeps as a list or as a mapping."""
    names = model.model.names
    return list(names.values()) if isinstance(names, Mapping) else list(names)
