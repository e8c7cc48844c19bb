"""What each idea of asking the language model is worth: ``python -m pocket.measure_asking FOLDER``.

FOLDER is an offline bench of validation identities, as for `pocket.measure_decision`. Each line has
the same questions answered as `kith` does but for one idea, by the shipped models and the protocol
of `kith evaluate`, whose journals it leaves in OUT: stopped, the same call goes on.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import torch
from PIL import ImageDraw
from PIL.Image import Image
from tqdm import tqdm

from evaluation.averages import average
from evaluation.bench import OUTSIDE, OUTSIDE_MULTI, SPLITS
from evaluation.extent import FULL, Extent
from evaluation.plan import Settings
from evaluation.report.cells import NONE
from evaluation.results import Results
from evaluation.run import Progress, run
from evaluation.samples import Control, Task
from evaluation.statistics import Estimate
from evaluation.systems.assistant import Assistant as System
from evaluation.systems.assistant import Remote
from evaluation.tasks.asking import Limits
from evaluation.tasks.queries import QUESTION
from pocket.looking import require_validation
from services.assistant import prompts, servicer
from services.assistant.findings import Retrieval, Used
from services.assistant.memory import Memory
from services.assistant.methods.completing import completed, expected
from services.assistant.methods.kith import Kith, spoken_of
from services.assistant.methods.shown import Shown
from services.assistant.pipeline import Assistant
from services.assistant.prompts import Layout, Reference
from services.assistant.settings import LocalSettings
from services.assistant.stages import Stages
from services.assistant.wiring import Assembly, parts_of, served_here
from services.generation.llava_model import LlavaModel
from services.generation.prompt import render
from services.runtime.profile import Profile
from services.runtime.types import Answer, Box, Turn
from services.runtime.types import Limits as Length

Told = Callable[[Sequence[Turn], Sequence[Reference]], Sequence[Turn]]
"""The chat as the model is to have it."""

TASKS: Final = (Task.CAPTIONING, Task.QUESTIONS, Task.STRANGERS)
"""Not recognition, whose questions grow with the square of the concepts."""
EXTENT: Final = Extent(
    plain=Limits(photos=1, multis=24, outside=50),
    controls=FULL.controls,
    sizes=FULL.sizes,
    few=FULL.few,
)
_SPELT: Final = (["Yes", " Yes"], ["No", " No"])
"""How an answer may begin: after a template's last word, or after a space of its own."""

IN_DOUBT: Final = 0.75
"""Matches less certain than this are asked about: at 0.5 is a stranger."""


def _without_places(turns: Sequence[Turn], references: Sequence[Reference]) -> list[Turn]:
    bare = [one._replace(seen_in=dict.fromkeys(one.seen_in)) for one in references]
    return prompts.with_findings(turns, bare)


def _marked(turns: Sequence[Turn], references: Sequence[Reference]) -> list[Turn]:
    """As `with_findings`, and the first picture has a box around everybody found there."""
    told = prompts.with_findings(turns, references)
    boxes = [one.seen_in[0] for one in references if one.seen_in.get(0)]
    return [Turn(turn.role, tuple(_drawn(part, boxes) for part in turn.parts)) for turn in told]


def _drawn(part: str | Image, boxes: Sequence[Box | None]) -> str | Image:
    if isinstance(part, str):
        return part
    photo = part.copy()
    for box in filter(None, boxes):
        ImageDraw.Draw(photo).rectangle(box, outline="red", width=max(1, photo.width // 100))
    return photo


@dataclass(frozen=True)
class _Idea:
    """A way to ask; what is not said is as `kith` does it."""

    told: Told = prompts.with_findings
    shown: Callable[[Sequence[Turn], Sequence[Reference]], list[Reference]] = spoken_of
    layout: Layout = prompts.kith
    completes: bool = True
    """Whoever an answer leaves out is asked about, and names are put right."""
    checks: bool = False
    """Matches in doubt are put to the model, and dropped where no is likelier than yes."""


IDEAS: Final = {
    "as shipped": _Idea(),
    "nothing is said of who was found": _Idea(told=lambda turns, _: turns),
    "nothing of where": _Idea(told=_without_places),
    "pictures of all who were found": _Idea(shown=lambda _, references: list(references)),
    "the photo before the pictures": _Idea(layout=prompts.rap),
    "answers are left as they come": _Idea(completes=False),
    "boxes drawn on the photo": _Idea(told=_marked),
    "matches in doubt are put to the model": _Idea(checks=True),
}


class _Variant(Kith):
    """`kith` but for one idea."""

    def __init__(self, idea: _Idea) -> None:
        self._idea = idea
        self._model = LlavaModel(Profile.load("pocket").generator) if idea.checks else None
        self.layout = idea.layout  # type: ignore[assignment]

    async def retrieve(self, memory: Memory, stages: Stages, photo: Image) -> Retrieval:
        found = await super().retrieve(memory, stages, photo)
        kept = [one for one in found.accepted if await self._holds(memory, photo, one)]
        return replace(found, accepted=tuple(kept))

    async def _holds(self, memory: Memory, photo: Image, used: Used) -> bool:
        """Whether a match is sure, or yes is likelier than no of its region beside its picture."""
        if self._model is None or used.box is None or used.score > IN_DOUBT:
            return True
        asked = Turn("user", (photo.crop(used.box), QUESTION.format(f"<{used.concept.name}>")))
        references = await self.references(memory, [used._replace(image_index=None)])
        turns = prompts.lay_out([asked], references, self.layout)
        return await asyncio.to_thread(yes_over_no, self._model, turns) > 0

    async def ask(
        self,
        stages: Stages,
        turns: Sequence[Turn],
        references: Sequence[Reference],
        limits: Length,
        cache_key: bytes,
    ) -> Answer:
        idea = self._idea
        shown = idea.shown(turns, references)
        ask = partial(Shown.ask, self, stages, references=shown, cache_key=cache_key)
        told = idea.told(turns, references)
        if not idea.completes:
            return await ask(told, limits=limits)
        return Answer(completed(ask, told, expected(turns, references), limits))


@torch.inference_mode()
def yes_over_no(model: LlavaModel, turns: Sequence[Turn]) -> float:
    """By how much the logit of yes is above that of no where the answer begins."""
    messages, images = render(turns, model.special)
    inputs = model.read([model.prompt(messages)], images)
    logits = model.network(**inputs, logits_to_keep=1).logits[0, -1]
    yes, no = (
        max(
            logits[tokens[0]]
            for tokens in model.tokenizer(spelt, add_special_tokens=False).input_ids
        )
        for spelt in _SPELT
    )
    return float(yes - no)


@contextmanager
def _opened(idea: _Idea, memory: Path) -> Iterator[System]:
    @asynccontextmanager
    async def assembled(settings: LocalSettings) -> AsyncIterator[Assembly]:
        async with parts_of(settings) as parts:
            variant = Assistant(_Variant(idea), parts.stages, parts.stores)
            yield parts.assembly([servicer.service(variant)])

    with served_here(LocalSettings(memory=memory), assembled) as address:
        yield System(Remote(address), memory)


def measure(folder: Path, out: Path) -> Iterator[str]:
    """The table, a line each, and the revisions of the code that answered.

    Args:
        folder: An offline bench of validation identities.
        out: Folder of the run; see `evaluation.run`.

    Raises:
        InvalidInput: `folder` is no such bench.
        Refused: Another run is in `out`.
    """
    require_validation(folder)
    settings = Settings(
        methods=tuple(IDEAS),
        datasets=tuple(folder / name for name in SPLITS),
        outside=folder / OUTSIDE,
        outside_multi=folder / OUTSIDE_MULTI,
        tasks=TASKS,
        controls=(Control.NOTHING,),
        extent=EXTENT,
    )
    systems = {
        name: partial(_opened, idea, out / "memory" / "ideas") for name, idea in IDEAS.items()
    }
    with tqdm(desc="questions") as bar:

        def tell(progress: Progress) -> None:
            bar.total = progress.planned
            bar.set_postfix_str(progress.doing, refresh=False)
            bar.update(progress.done - bar.n)

        found = run(settings, out, systems, tell)
    head = ("what the model is asked", *_COLUMNS)
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for name in IDEAS:
        yield f"| {name} | {' | '.join(_cell(found, name, *of) for of in _COLUMNS.values())} |"
    yield ""
    yield f"Answers of {', '.join(found.asked_under)}."


_COLUMNS: Final = {
    "captions of one concept: F1": (Task.CAPTIONING, "single", "f1"),
    "of three: recall": (Task.CAPTIONING, "three", "recall"),
    "precision": (Task.CAPTIONING, "three", "precision"),
    "questions: accuracy": (Task.QUESTIONS, "visual", "accuracy"),
    "strangers named: one thing": (Task.STRANGERS, "outside", "false_accepts"),
    "several things": (Task.STRANGERS, "outside-multi", "false_accepts"),
}


def _cell(found: Results, method: str, task: Task, setting: str, metric: str) -> str:
    """A figure over both splits with its interval."""
    wanted = (method, task, setting, metric)
    some = [
        one for one in found.figures if (one.method, one.task, one.setting, one.metric) == wanted
    ]
    if not some:
        return NONE
    figure = average(some)
    return str(Estimate(figure.value, figure.low, figure.high))


def main(words: list[str] | None = None) -> int:
    """Read the command line, measure, print the table. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pocket.measure_asking", description=__doc__)
    parser.add_argument("folder", type=Path, help="an offline bench of validation identities")
    parser.add_argument("--out", type=Path, default=Path("runs/asking"), help="folder of the run")
    chosen = parser.parse_args(words)
    sys.stdout.writelines(f"{line}\n" for line in measure(chosen.folder, chosen.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
