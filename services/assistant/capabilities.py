"""What a method needs and can do: a row of Table 2.1 of the thesis, and our own columns."""

from dataclasses import dataclass


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
