"""Each concept is named or lost once, by the first stage that fails it."""

from pathlib import Path
from typing import Any

import pytest

from evaluation.report.budget import STAGES, Budgets, Caption, ends_at, shares, table
from evaluation.results import Answered, Part
from evaluation.samples import Control, Said, Sample, Task
from evaluation.tasks.captioning import NEUTRAL, PRIMED

BOX = (0.0, 0.0, 0.5, 1.0)


def found(box: object = BOX, nearest: str = "bo", accepted: tuple[str, ...] = ()) -> dict[str, Any]:
    matches = [{"concept": nearest, "distance": 0.4, "accepted": False}]
    return {
        "regions": [{"box": list(box), "category": "dog", "score": 1, "matches": matches}],  # type: ignore[call-overload]
        "accepted": [{"concept": name, "score": 1, "box": None} for name in accepted],
    }


@pytest.mark.parametrize(
    ("seen", "named", "stage"),
    [
        (found(accepted=("bo",)), ["bo"], "named"),
        (found((0.5, 0, 1, 1)), ["bo"], "named"),
        (found((0.5, 0, 1, 1)), [], "detector"),
        (found((0.0, 0, 1.0, 1.0)), [], "decision"),  # half of it is the concept
        (found((0.0, 0, 1.0, 1.0), "mika"), [], "retriever"),
        (found(nearest="mika"), ["mika"], "retriever"),
        (found(), [], "decision"),
        (found(accepted=("bo",)), ["mika"], "generator"),
        (found((0.5, 0, 1, 1), accepted=("bo",)), [], "generator"),
        ({"regions": [], "accepted": []}, [], "detector"),
    ],
)
def test_a_concept_ends_at_the_first_stage_that_fails_it(
    seen: dict[str, Any], named: list[str], stage: str
) -> None:
    caption = Caption(named, " and ".join(f"<{name}>" for name in named), 2)
    assert ends_at("bo", BOX, seen, caption) == stage


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("<bo> sits.\n<mika>: lying", "named"),
        ("<mika> lies.\nAnd <bo> sits.", "named"),
        ("<mika> lies.\n<bo>: sitting", "named after it"),
    ],
)
def test_whom_a_line_after_the_caption_names_is_told_apart(text: str, stage: str) -> None:
    assert ends_at("bo", BOX, found(), Caption(["bo", "mika"], text, 2)) == stage


def answered(
    task: Task,
    value: object,
    *,
    photo: str,
    truth: object = None,
    **more: Any,  # noqa: ANN401 - of a sample
) -> Answered:
    asked = {"setting": "two", "present": ("bo", "mug"), "photo": Path(photo), "dataset": "d"}
    sample = Sample(f"{task}/{photo}/{more}", task, truth=truth, **(asked | more))  # type: ignore[arg-type]
    part = Part("d", task, Control.NOTHING, 0)
    text = " and ".join(f"<{name}>" for name in value) if isinstance(value, list) else ""
    return Answered("kith", part, sample, Said(sample.id, value, text=text))


def test_a_budget_adds_up_over_the_photos_that_all_three_journals_tell_of() -> None:
    budgets = Budgets()
    mug = (0.5, 0.0, 1.0, 1.0)
    for photo in ("1.jpg", "2.jpg"):
        budgets.take(
            Task.GROUNDING,
            [
                answered(Task.GROUNDING, None, photo=photo, truth=list(box), asked=(name,))
                for name, box in (("bo", BOX), ("mug", mug))
            ],
        )
    budgets.take(
        Task.CAPTIONING,
        [
            answered(Task.CAPTIONING, ["bo"], photo="1.jpg", question=NEUTRAL),
            answered(Task.CAPTIONING, ["bo", "mug"], photo="1.jpg", question=PRIMED),
            answered(Task.CAPTIONING, [], photo="2.jpg", question=NEUTRAL),
            answered(Task.CAPTIONING, [], photo="unseen.jpg", question=NEUTRAL),
            answered(Task.CAPTIONING, [], photo="3.jpg", question=NEUTRAL, present=("bo",)),
        ],
    )
    seen = found(accepted=("bo",))
    budgets.take(
        Task.IDENTIFICATION,
        [
            answered(Task.IDENTIFICATION, seen, photo="1.jpg"),
            answered(Task.IDENTIFICATION, seen, photo="2.jpg"),
        ],
    )
    budgets.settle("kith")
    budgets.settle("none")
    assert budgets.of == {"kith": {"named": 1, "detector": 2, "generator": 1}}
    assert budgets.of_photos == {2: budgets.of}
    assert [group.title for group in table(budgets, ["kith"], "").groups] == [""]
    parts = dict(zip(STAGES, shares(budgets.of["kith"]), strict=True))
    assert parts == {
        "named": 0.25,
        "named after it": 0,
        "detector": 0.5,
        "retriever": 0,
        "decision": 0,
        "generator": 0.25,
    }


def test_photos_of_two_and_of_three_stand_apart() -> None:
    budgets = Budgets()
    for photo, present in (("2.jpg", ("bo", "mug")), ("3.jpg", ("bo", "mug", "cup"))):
        shown: Any = {"photo": photo, "present": present}
        box = answered(Task.GROUNDING, None, truth=list(BOX), asked=("bo",), **shown)
        budgets.take(Task.GROUNDING, [box])
        names = ["bo"] if len(present) == 2 else []
        said = answered(Task.CAPTIONING, names, question=NEUTRAL, **shown)
        budgets.take(Task.CAPTIONING, [said])
        seen = answered(Task.IDENTIFICATION, found(accepted=("bo",)), **shown)
        budgets.take(Task.IDENTIFICATION, [seen])
    budgets.settle("kith")
    assert budgets.of_photos == {2: {"kith": {"named": 1}}, 3: {"kith": {"generator": 1}}}
    titles = [group.title for group in table(budgets, ["kith"], "").groups]
    assert titles == ["", "photos that show 2 concepts", "photos that show 3 concepts"]
