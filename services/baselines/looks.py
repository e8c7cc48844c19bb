"""Text-only conversations: what the base model says of a concept's pictures (thesis 2.1.2).

The answers are learned without the picture, so that the concept's tokens must carry its looks.
"""

import json
import math
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

from services.baselines.base_model import BaseModel, chat
from services.baselines.conversations import LOOKS
from services.baselines.material import Subject
from services.baselines.training import Progress
from services.generation.prompt import IMAGE, neutralised
from services.runtime.types import Ending, Limits

_FILE: Final = "looks.json"
_SHORT: Final = Limits(max_tokens=24)

Looks = Mapping[str, Sequence[tuple[str, str]]]
"""Questions and answers by the id of their subject; `{}` in both stands for the concept."""


def told_looks(
    base: BaseModel, subjects: Sequence[Subject], epochs: int, folder: Path
) -> Generator[Progress, None, Looks]:
    """Asks the base model `LOOKS` about every picture of every subject.

    Yields after each answer. What was answered before a stop is not asked again.

    Args:
        base: The model.
        subjects: Each is spoken of as "the" and its category.
        epochs: Of the training to come, for the progress.
        folder: Where the answers are kept.
    """
    file = folder / _FILE
    known: dict[str, list[tuple[str, str]]] = {}
    if file.exists():
        known = json.loads(file.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    for subject in subjects:
        if subject.id in known:
            continue
        thing = f"the {neutralised(subject.category, base.special) or 'thing'}"
        told = []
        for example in subject.examples:
            for question in LOOKS:
                asked = chat(f"{IMAGE}\n{question.format(thing)}")
                inputs = base.read([base.prompt(asked)], [example.image])
                pieces = [p for p in base.write(inputs, _SHORT) if not isinstance(p, Ending)]
                if answer := "".join(pieces).strip().replace("{", "").replace("}", ""):
                    told.append((question, answer.replace(thing, "{}").replace(thing[4:], "{}")))
                yield Progress(0, epochs, 0.0, math.nan)
        known[subject.id] = told
        file.write_text(json.dumps(known), encoding="utf-8")
    return known
