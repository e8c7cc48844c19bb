"""MyVLM's head for people: face recognition by insightface.

The library (MIT) and its weights are the operator's to bring: `buffalo_l` is free for
non-commercial research only, and nothing is ever downloaded. Without them people are recognised as
things are, by a head on their CLIP vectors.
"""

import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kith.errors import InvalidInput, Refused

THRESHOLD: Final = 0.675
"""Cosine distance up to which two faces are one person's, as published."""

PEOPLE: Final = frozenset(
    {"person", "man", "woman", "boy", "girl", "child", "baby", "lady", "guy", "face", "people"}
)
"""Categories whose concepts are recognised by their faces."""

_FILES: Final = ("det_10g.onnx", "w600k_r50.onnx")
_SIDE: Final = 640
_DIM: Final = 512

Vectors = NDArray[np.float32]
"""One unit vector a face: float32 [faces, dim]."""


class Faces(Protocol):
    """Finds faces."""

    def __call__(self, photo: Image.Image) -> Vectors:
        """A unit vector for each face in an RGB photo; there may be none."""


class InsightFaces:
    """The faces that insightface's `buffalo_l` finds.

    Args:
        folder: Holds the package's files.

    Raises:
        Refused: The library or a file is missing.
    """

    def __init__(self, folder: Path) -> None:
        absent = [name for name in _FILES if not (folder / name).is_file()]
        if absent:
            raise Refused(
                f"faces: no {absent[0]} in {folder}; put insightface's buffalo_l there, or leave "
                "the setting out",
                reason="WEIGHTS_MISSING",
            )
        try:
            insightface = importlib.import_module("insightface.app")  # for the operator to install
        except ImportError as error:
            raise Refused(
                "faces: insightface is not installed; pip install insightface, or leave the "
                "setting out",
                reason="LIBRARY_MISSING",
            ) from error
        self._analysis: Any = insightface.FaceAnalysis(
            str(folder),
            allowed_modules=["detection", "recognition"],
            providers=["CPUExecutionProvider"],
        )
        self._analysis.prepare(ctx_id=-1, det_size=(_SIDE, _SIDE))

    def __call__(self, photo: Image.Image) -> Vectors:
        """See `Faces`."""
        found = self._analysis.get(np.ascontiguousarray(np.asarray(photo)[..., ::-1]))  # BGR
        rows = [face.normed_embedding for face in found]
        return np.array(rows, np.float32) if rows else np.empty((0, _DIM), np.float32)


@cache
def insight_faces(folder: Path) -> InsightFaces:
    """The one of this folder; loading takes seconds."""
    return InsightFaces(folder)


def own_faces(found: Sequence[Vectors]) -> Vectors:
    """The concept's face in each of its pictures: float32 [pictures, dim].

    Of a picture with several faces it is the one that is near to a face that stands alone in
    another picture (published: by the threshold turned round, cosine above 0.325, which is the
    same).

    Args:
        found: The faces of each picture; pictures without any are left out.

    Raises:
        InvalidInput: No picture shows one face only, or in one with several none, or more than one,
            is near to those.
    """
    alone = [faces[0] for faces in found if len(faces) == 1]
    shown = [faces for faces in found if len(faces)]
    if shown and not alone:
        raise InvalidInput(
            "views: no view shows one face only; add one of the person alone",
            reason="FACE_AMBIGUOUS",
            field="views",
        )
    keys = []
    for faces in shown:
        near = faces if len(faces) == 1 else faces[_distances(np.array(alone), faces) <= THRESHOLD]
        if len(near) != 1:
            raise InvalidInput(
                f"views: in a view with {len(faces)} faces {len(near)} look like the person; "
                "leave it out or crop it",
                reason="FACE_AMBIGUOUS",
                field="views",
            )
        keys.append(near[0])
    return np.array(keys, np.float32)


def certainty(keys: Vectors, faces: Vectors) -> float:
    """How certain one of `faces` is the person with these `keys`: 0 to 1, 0.5 at `THRESHOLD`.

    0 where there are no faces.
    """
    if not len(faces):
        return 0.0
    nearest = float(_distances(keys, faces).min())
    return max(0.0, 1 - nearest / (2 * THRESHOLD))


def _distances(keys: Vectors, faces: Vectors) -> NDArray[np.float32]:
    """The cosine distance of each face to the nearest key, 0 to 2."""
    nearest: NDArray[np.float32] = (1 - faces @ keys.T).min(axis=1)
    return nearest
