"""What each method needs and can do: Table 2.1 of the thesis, and our own rows, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Capabilities:
    """The fields of `kith.v1.Capabilities` that depend on the method alone."""

    method: str
    positives_min: int
    positives_max: int
    negatives: int = 0
    captions: bool = False
    description: bool = True
    masks: bool = False
    training: bool = False
    real_time_edit: bool = True
    text_only_qa: bool = True
    retrieval: bool = True
    max_concepts_at_once: int = 0


TABLE: Final[Mapping[str, Capabilities]] = MappingProxyType(
    {
        row.method: row
        for row in (
            Capabilities("kith", positives_min=1, positives_max=16),
            Capabilities("rap", positives_min=1, positives_max=1),
            Capabilities(
                "none",
                positives_min=1,  # Remember works as everywhere; it is only never drawn on
                positives_max=1,
                description=False,
                text_only_qa=False,
                retrieval=False,
            ),
        )
    }
)
"""By method. Each of the baselines that train brings its own row."""
