"""Profiles: which models to run, as data.

A profile is one TOML file under `profiles/`. Paths in it are relative to the weights folder: the
one that ships with Kith for `pocket`, the one the operator names for `full`. Reading a profile
loads no model; `path.exists()` is checked where a model is loaded.
"""

import importlib.util
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from kith.errors import InvalidInput, Refused
from services.runtime.device import best_device

Dtype = Literal["float32", "bfloat16", "float16"]

_PROFILES = Path(__file__).with_name("profiles")


@dataclass(frozen=True)
class DetectorSpec:
    """An Ultralytics checkpoint."""

    weights: Path
    sha256: str
    """Of the weights file. A `.pt` is a pickle; where this is empty, the list of trusted files
    decides whether it is opened."""
    image_size: int
    """Longest side of the picture the network sees, in pixels."""
    open_vocabulary: bool
    """True for YOLO-World, whose classes are set by text vectors at run time."""
    confidence: float = 0.1
    iou: float = 0.7
    """Overlap above which the weaker of two boxes is dropped."""
    max_detections: int = 300


@dataclass(frozen=True)
class EncoderSpec:
    """An open_clip model."""

    name: str
    """Identifies the vectors: vectors of two names are never compared."""
    config: Path
    """`open_clip_config.json` as model hubs publish it beside the weights."""
    weights: Path
    sha256: str
    """Of the weights file; may be empty for safetensors, which can't run code."""
    dim: int


@dataclass(frozen=True)
class EmbedderSpec(EncoderSpec):
    """The open_clip model whose vectors the memory holds."""

    stranger_distance: float
    """L2 distance of unit vectors (0 to 2) from which on a match is a stranger."""
    distance_scale: float
    """How fast certainty falls with distance: it goes from 0.5 to 0.27 over one scale."""


@dataclass(frozen=True)
class GeneratorSpec:
    """A folder with a LLaVA of transformers (1.5 or 1.6) in safetensors and its processor."""

    directory: Path
    dtype: Dtype
    """The precision to compute in, whatever the weights are stored in."""
    max_new_tokens: int
    """The longest answer, whatever a caller asks for."""
    chat_template: str = ""
    """One of those in services/generation/templates; empty: the folder's own."""
    concepts_told: Literal["sentences", "list"] = "sentences"
    """How MC-LLaVA's prompt tells of concepts: as published, or by RAP's list for a model that was
    trained on it."""
    training_batch: int = 1
    """Samples a step where a baseline learns with this model; the papers have 1."""


@dataclass(frozen=True)
class Profile:
    """The models of one deployment."""

    name: str
    device: str
    """A torch device: "cpu", "cuda", "cuda:1". In a file also "auto": an accelerator if any."""
    detector: DetectorSpec
    embedder: EmbedderSpec
    generator: GeneratorSpec
    detector_text: EncoderSpec | None
    """What turns category words into the detector's classes; None when it has its own."""

    @classmethod
    def load(cls, name: str, weights: Path | None = None) -> Self:
        """The profile called `name`, with the paths in it resolved under `weights`.

        Args:
            name: "pocket" or "full".
            weights: The folder that holds the models; None for the one that ships with Kith.

        Raises:
            InvalidInput: There is no such profile.
            Refused: `weights` is needed and was not given.
        """
        file = _PROFILES / f"{name}.toml"
        known = sorted(path.stem for path in _PROFILES.glob("*.toml"))
        if name not in known:
            raise InvalidInput(
                f"profile: no profile {name!r}; take one of {', '.join(known)}",
                reason="PROFILE_UNKNOWN",
                field="profile",
            )
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        root = weights or _shipped_weights(name)
        text = data.get("detector_text")
        return cls(
            name=name,
            device=best_device() if data["device"] == "auto" else data["device"],
            detector=DetectorSpec(**_resolved(data["detector"], root)),
            embedder=EmbedderSpec(**_resolved(data["embedder"], root)),
            generator=GeneratorSpec(**_resolved(data["generator"], root)),
            detector_text=EncoderSpec(**_resolved(text, root)) if text else None,
        )


def _resolved(table: dict[str, Any], root: Path) -> dict[str, Any]:
    paths = {"weights", "config", "directory"}
    return {key: root / value if key in paths else value for key, value in table.items()}


def _shipped_weights(name: str) -> Path:
    """The `weights` folder of the package `pocket`, found without importing it (and torch)."""
    package = importlib.util.find_spec("pocket")
    if name != "pocket" or package is None or not package.submodule_search_locations:
        raise Refused(
            f"weights: the profile {name!r} ships without its models; give their folder "
            "with --weights",
            reason="WEIGHTS_FOLDER_MISSING",
            field="weights",
        )
    return Path(package.submodule_search_locations[0]) / "weights"
