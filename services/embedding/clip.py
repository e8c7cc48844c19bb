"""The embedder: an open_clip model in the layout model hubs publish (config JSON, safetensors)."""

import asyncio
import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip.model import CLIP, CustomTextCLIP
from PIL import Image
from safetensors import SafetensorError

from kith.errors import Refused
from services.embedding.preprocess import Preprocess
from services.runtime.aside import each_aside
from services.runtime.batching import Batcher
from services.runtime.profile import EncoderSpec
from services.runtime.timing import Observer
from services.runtime.weights import verify

Vectors = NDArray[np.float32]
"""One unit vector a row: float32 [n, dim]."""

_MAX_BATCH: Final = 32
"""Pictures or texts that go through the network at once; bounds its memory."""


class _Tower(Enum):
    """The two halves of the model."""

    IMAGES = "images"
    TEXTS = "texts"


class ClipEmbedder:
    """Turns pictures and texts into unit vectors of one space. Safe to share between tasks.

    Pictures of several callers go through the network together, and so do texts.

    Args:
        spec: The model. Loading it blocks for seconds.
        device: A torch device.
        observer: Told how long calls wait and the network works; left out, Prometheus is.

    Raises:
        Refused: A file is missing, not the pinned one, or does not fit the profile.
    """

    def __init__(
        self, spec: EncoderSpec, device: str = "cpu", observer: Observer | None = None
    ) -> None:
        weights = verify(spec.weights, spec.sha256)
        config = _read_config(spec)
        model_config = config["model_cfg"]
        self.name = spec.name
        self.dim = spec.dim
        self._device = device
        self._model = _build(model_config)
        try:
            open_clip.load_checkpoint(self._model, str(weights))
        except (RuntimeError, SafetensorError) as error:
            raise Refused(
                f"embedder: {weights} is not the whole of what {spec.config.name} beside it "
                f"describes ({type(error).__name__}); fetch it again",
                reason="WEIGHTS_DAMAGED",
            ) from error
        self._model.eval().requires_grad_(requires_grad=False).to(device)
        kind = torch.device(device).type
        # Half precision is several times as fast there (docs/performance.md).
        self._precision = torch.autocast(kind, torch.float16, enabled=kind != "cpu")
        self._preprocess = Preprocess.from_config(
            model_config["vision_cfg"]["image_size"], config.get("preprocess_cfg", {})
        )
        # Its vocabulary ships inside open_clip's wheel.
        self._tokenize = open_clip.SimpleTokenizer(
            context_length=model_config["text_cfg"]["context_length"]
        )
        self._batcher = Batcher(
            f"embedder-{spec.name}", self._embed, max_batch=_MAX_BATCH, observer=observer
        )

    async def embed_images(self, images: Sequence[Image.Image]) -> Vectors:
        """A unit vector an RGB image: float32 [images, dim].

        The same alone and in any batch; on an accelerator, but for rounding.

        Raises:
            Overloaded: Too many calls wait for the model.
        """
        inputs = await each_aside(self._preprocess, images, self._preprocess.size**2)
        return self._rows(await self._batcher.run(_Tower.IMAGES, inputs))

    async def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """A unit vector a text: float32 [texts, dim]. What exceeds the model's context is cut off.

        Raises:
            Overloaded: Too many calls wait for the model.
        """
        inputs = await asyncio.to_thread(lambda: self._tokenize(list(texts)).numpy())
        return self._rows(await self._batcher.run(_Tower.TEXTS, list(inputs)))

    async def warm_up(self) -> None:
        """Runs both towers once, so that the first caller doesn't pay for their first run."""
        side = self._preprocess.size
        await self.embed_images([Image.new("RGB", (side, side))])
        await self.embed_texts(["warm"])

    def close(self) -> None:
        """Ends the worker thread."""
        self._batcher.close()

    @torch.inference_mode()
    def _embed(self, tower: _Tower, inputs: Sequence[NDArray[Any]]) -> list[Vectors]:
        """A unit vector an input: squares of pixels or tokens. Runs on the owner thread."""
        batch = torch.from_numpy(np.stack(inputs)).to(self._device)
        with self._precision:
            if tower is _Tower.IMAGES:
                rows = self._model.encode_image(self._preprocess.normalised(batch))
            else:
                rows = self._model.encode_text(batch)
        return list(torch.nn.functional.normalize(rows.float(), dim=-1).cpu().numpy())

    def _rows(self, vectors: Sequence[Vectors]) -> Vectors:
        return np.array(vectors, np.float32).reshape(-1, self.dim)


def _read_config(spec: EncoderSpec) -> dict[str, Any]:
    """The published configuration, once it is known to fit the profile and this class."""
    if not spec.config.is_file():
        raise Refused(
            f"embedder: no file {spec.config}; fetch the profile's models or correct --weights",
            reason="WEIGHTS_MISSING",
        )
    config: dict[str, Any] = json.loads(spec.config.read_text(encoding="utf-8"))
    model = config["model_cfg"]
    if "hf_tokenizer_name" in model["text_cfg"]:
        raise Refused(
            f"embedder: {spec.name} brings a tokenizer of its own; take a CLIP with OpenAI's",
            reason="EMBEDDER_CONFIG_UNSUPPORTED",
        )
    if model["embed_dim"] != spec.dim:
        raise Refused(
            f"embedder: {spec.name} has {model['embed_dim']} dimensions, the profile says "
            f"{spec.dim}; correct the profile",
            reason="EMBEDDER_CONFIG_UNSUPPORTED",
        )
    return config


def _build(config: dict[str, Any]) -> Any:  # noqa: ANN401 - open_clip's models share no type
    """The untrained network.

    Not by `open_clip.create_model`, which logs through the root logger on the way.
    """
    options = {key: value for key, value in config.items() if key != "custom_text"}
    kind = CustomTextCLIP if config.get("custom_text") else CLIP
    return kind(**options)
