"""The gallery shows a few answers of each kind, small, with boxes where concepts are."""

import io
from pathlib import Path

from PIL import Image

from evaluation.report.gallery import EDGE, MOST, MOST_OF_EACH, Candidates
from evaluation.results import Answered, Part
from evaluation.samples import Control, Said, Sample, Task
from evaluation.tasks.captioning import NEUTRAL


def answered(task: Task, number: int, value: object, photo: Path, **more: object) -> Answered:
    told = {
        "dataset": "d",
        "setting": "single",
        "present": ("bo",),
        "question": NEUTRAL,
        "method": "kith",
    } | more
    method = str(told.pop("method"))
    sample = Sample(f"{task}/{number}", task, photo=photo, **told)  # type: ignore[arg-type]
    return Answered(method, Part("d", task, Control.NOTHING, 0), sample, Said(sample.id, value))


def photo(folder: Path, name: str = "1.jpg", size: tuple[int, int] = (1600, 900)) -> Path:
    Image.effect_noise(size, 80).convert("RGB").save(folder / name)
    return folder / name


def test_few_of_each_kind_are_shown_whatever_comes(tmp_path: Path) -> None:
    there = photo(tmp_path, size=(64, 48))
    candidates = Candidates()
    methods = [f"m{number}" for number in range(20)]
    for method in methods:
        for value in (["bo"], ["mika"]):
            for setting in ("single", "two", "three"):
                candidates.take(
                    Task.CAPTIONING,
                    [
                        answered(
                            Task.CAPTIONING, number, value, there, method=method, setting=setting
                        )
                        for number in range(20)
                    ],
                )
    shown = candidates.gallery(methods).shown
    assert len(shown) == MOST
    of_one = candidates.gallery(methods[:1] + methods[1:])
    assert sum(one.method == "m0" for one in of_one.shown) <= 2 * MOST_OF_EACH
    assert {one.right for one in shown} == {True, False}
    assert {one.method for one in shown} == set(methods)


def test_photos_are_small_and_boxes_tell_who_was_missed(tmp_path: Path) -> None:
    there = photo(tmp_path)
    candidates = Candidates()
    both = {"present": ("bo", "mug")}
    candidates.take(
        Task.GROUNDING,
        [
            answered(Task.GROUNDING, number, None, there, asked=(name,), truth=box, **both)
            for number, (name, box) in enumerate(
                {"bo": [0.1, 0.1, 0.4, 0.9], "mug": [0.5, 0.1, 0.9, 0.9]}.items()
            )
        ],
    )
    candidates.take(Task.CAPTIONING, [answered(Task.CAPTIONING, 0, ["bo"], there, **both)])
    (one,) = candidates.gallery(["kith"]).shown
    with Image.open(io.BytesIO(one.photo)) as opened:
        assert (opened.format, opened.size) == ("WEBP", one.size)
    assert one.size == (EDGE, 180)
    assert len(one.photo) < 60_000  # noise is the worst there is
    assert [(mark.name, mark.missed) for mark in one.marks] == [("bo", False), ("mug", True)]
    assert not one.right


def test_plain_noes_and_lost_photos_are_not_shown(tmp_path: Path) -> None:
    there = photo(tmp_path, size=(64, 48))
    candidates = Candidates()
    candidates.take(
        Task.RECOGNITION,
        [
            answered(Task.RECOGNITION, 0, False, there, truth=False, question="Can you?"),
            answered(Task.RECOGNITION, 1, True, there, truth=True, question="Can you?"),
            answered(Task.RECOGNITION, 2, True, there, truth=False, question="Can you?"),
            answered(Task.RECOGNITION, 3, None, tmp_path / "gone.jpg", truth=True),
        ],
    )
    shown = candidates.gallery(["kith"]).shown
    assert [(one.right, one.truth) for one in shown] == [(False, "no"), (True, "yes")]
