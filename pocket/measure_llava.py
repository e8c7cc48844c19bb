"""How well the pocket LLaVA does its personal task when it is given the right references.

Every figure is of the first turn, greedy, on test identities, and stands beside its blind controls:
the photo replaced by a blank one, and the reference pictures replaced by those of other samples
(names and texts stay). What a control scores too was never read from the pictures.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm
from transformers import LlavaForConditionalGeneration, LlavaProcessor

from pocket.bank import Bank
from pocket.dialogue import CAPTION, RECOGNITION, Author, multiple_choice
from pocket.llava_format import render

BLANK = Image.new("RGB", (160, 160), (128, 128, 128))


@dataclass(frozen=True)
class Sample:
    """One first turn with its pictures in order, and what is right."""

    prompt: str
    pictures: list[Image.Image]
    photo: int
    """place of the photo among the pictures, -1 for none"""
    truth: frozenset[str]
    """the right answer, or the names a caption should hold"""


class Talker:
    """Greedy answers from an exported folder."""

    def __init__(self, folder: Path) -> None:
        self.processor = LlavaProcessor.from_pretrained(folder)
        self.model = LlavaForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32
        ).eval()

    @torch.inference_mode()
    def answer(self, samples: list[Sample], most: int, title: str) -> list[str]:
        """One answer a sample, at most ``most`` tokens."""
        answers: list[str] = []
        for start in tqdm(range(0, len(samples), 16), desc=title):
            chunk = samples[start : start + 16]
            pictures = [p for s in chunk for p in s.pictures] or None
            inputs = self.processor(
                text=[s.prompt for s in chunk], images=pictures, padding=True,
                return_tensors="pt", add_special_tokens=False,
            )  # fmt: skip
            out = self.model.generate(**inputs, max_new_tokens=most, do_sample=False)
            told = out[:, inputs["input_ids"].shape[1] :]
            answers += self.processor.batch_decode(told, skip_special_tokens=True)
        return [text.strip() for text in answers]


class Exam:
    """Draws samples from a bank of test identities."""

    def __init__(
        self, bank: Bank, seed: int, *, photo_first: bool = False, told: bool = False
    ) -> None:
        self.bank, self.photo_first, self.told = bank, photo_first, told
        self.author = Author(bank, seed)
        self.rng = np.random.default_rng([seed, 51])

    def picture(self, kind: str, row: int) -> Image.Image:
        """A picture of the bank."""
        source = {
            "scene": self.bank.images,
            "portrait": self.bank.portraits,
            "crop": self.bank.crops,
        }
        return Image.fromarray(source[kind][row])

    def listing(self, ids: list[int], names: list[str]) -> str:
        """The references as the prompt lists them, with uninformative texts."""
        rows = zip(ids, names, strict=True)
        lines = (
            f"{k}.<image>\n Name: {name}, Info: {name} is a {self.bank.concepts[i].category}.\n"
            for k, (i, name) in enumerate(rows, 1)
        )
        return f"[{''.join(lines)}]"

    def sample(
        self, scene: int, ids: list[int], names: list[str], question: str, truth: set[str]
    ) -> Sample:
        """A first turn in this exam's layout."""
        listing, photo = self.listing(ids, names), self.picture("scene", scene)
        views = [self.picture(*self.author.view(i, scene)) for i in ids]
        if self.photo_first:
            text, pictures, place = f"<image>\n{listing}{question}", [photo, *views], 0
        else:
            named = dict(zip(ids, names, strict=True))
            found = self.author.findings(scene, named) if self.told else ""
            text, pictures, place = (
                f"{listing}<image>\n{found}{question}",
                [*views, photo],
                len(views),
            )
        return Sample(render(text), pictures, place, frozenset(truth))

    def recognition(self) -> Sample:
        """One reference asked for, present or (mostly a look-alike) absent, with equal chance."""
        scene = self.scene_of(1)
        here = self.present(scene)
        want = bool(self.rng.random() < 0.5)
        asked = here[int(self.rng.integers(len(here)))] if want else self.missing(here)
        name = self.author.names(1)
        return self.sample(
            scene, [asked], name, RECOGNITION.format(name[0]), {"Yes" if want else "No"}
        )

    def caption(self, count: int) -> Sample:
        """``count`` concepts of the photo are given, and one that is not there."""
        scene = self.scene_of(count)
        here = self.present(scene)
        shown = [int(i) for i in self.rng.permutation(here)[:count]]
        ids = [*shown, self.missing(here)]
        names = self.author.names(len(ids))
        order = self.rng.permutation(len(ids))
        truth = set(names[:count])
        return self.sample(
            scene, [ids[k] for k in order], [names[k] for k in order], CAPTION, truth
        )

    def photo_question(self) -> Sample:
        """Where one of two references is, or what it does; the other is not there.

        The answer is a letter of two to four options.
        """
        scene = self.scene_of(1)
        rows = self.bank.people_of(scene)
        row = rows[int(self.rng.integers(len(rows)))]
        ids = [int(self.bank.who[row]), self.missing(self.present(scene))]
        names = self.author.names(2)
        question, letter = self.author.about(names[0], row)
        if not question.startswith("Question: "):
            return self.photo_question()
        order = self.rng.permutation(2)
        return self.sample(
            scene, [ids[k] for k in order], [names[k] for k in order], question, {letter}
        )

    def text_question(self, *, told: bool, options: bool = True) -> Sample:
        """A question about one of three references; no photo.

        Args:
            told: whether the references come with their descriptions.
            options: whether the answer is to be chosen from two, its own and another's.
        """
        ids = [int(i) for i in self.rng.choice(len(self.bank.concepts), 3, replace=False)]
        names = self.author.names(3)
        shown = [self.bank.concepts[i] for i in ids]
        infos = [
            c.describe(n) if told else f"{n} is a {c.category}."
            for c, n in zip(shown, names, strict=True)
        ]
        listing = "".join(
            f"{k}.<image>\n Name: {n}, Info: {info}\n"
            for k, (n, info) in enumerate(zip(names, infos, strict=True), 1)
        )
        asked = int(self.rng.integers(3))
        own, other = (self.bank.concepts[ids[(asked + k) % 3]].attributes["color"] for k in (0, 1))
        if own == other:
            return self.text_question(told=told, options=options)
        letter = "AB"[int(self.rng.integers(2))]
        question, truth = f"What color is {names[asked]}?", own
        if options:
            pair = [own, other] if letter == "A" else [other, own]
            question, truth = multiple_choice(question, pair), letter
        views = [self.picture(*self.author.view(i, -1)) for i in ids]
        return Sample(render(listing + question), views, -1, frozenset({truth}))

    def present(self, scene: int) -> list[int]:
        """Identity numbers of who is in a scene."""
        rows = self.bank.people_of(scene)
        return list(dict.fromkeys(int(self.bank.who[r]) for r in rows))

    def scene_of(self, least: int) -> int:
        """A scene in which at least so many identities can be seen."""
        scene = int(self.rng.integers(len(self.bank.images)))
        return scene if len(self.present(scene)) >= least else self.scene_of(least)

    def missing(self, here: list[int]) -> int:
        """Someone who is not there."""
        other = self.author.absent(here)
        return other if other not in here else self.missing(here)


def blank(samples: list[Sample]) -> list[Sample]:
    """The same questions with a grey photo."""
    return [
        replace(s, pictures=[BLANK if i == s.photo else p for i, p in enumerate(s.pictures)])
        for s in samples
    ]


def shuffled(samples: list[Sample]) -> list[Sample]:
    """The same questions with the reference pictures of the sample before."""
    found = []
    for i, sample in enumerate(samples):
        other = iter(p for k, p in enumerate(samples[i - 1].pictures) if k != samples[i - 1].photo)
        pictures = [p if k == sample.photo else next(other) for k, p in enumerate(sample.pictures)]
        found.append(replace(sample, pictures=pictures))
    return found


def balanced_accuracy(samples: list[Sample], answers: list[str]) -> float:
    """Mean of the accuracy on yes and on no; an answer that is neither is wrong."""
    by_truth: dict[str, list[bool]] = {"Yes": [], "No": []}
    for sample, answer in zip(samples, answers, strict=True):
        (truth,) = sample.truth
        by_truth[truth].append(answer.strip(" .").lower() == truth.lower())
    return float(np.mean([np.mean(hits) for hits in by_truth.values()]))


def concept_f1(samples: list[Sample], answers: list[str]) -> float:
    """F1 of the names in angle brackets, over all captions together."""
    named = [set(re.findall(r"<[^<>\s]+>", answer)) for answer in answers]
    right = sum(len(n & s.truth) for n, s in zip(named, samples, strict=True))
    return 2 * right / max(1, sum(map(len, named)) + sum(len(s.truth) for s in samples))


def exact(samples: list[Sample], answers: list[str]) -> float:
    """Share of answers that are right to the letter."""
    hits = [a.strip(" .") in s.truth for s, a in zip(samples, answers, strict=True)]
    return float(np.mean(hits))


Score = Callable[[list[Sample], list[str]], float]


class Row(NamedTuple):
    """One task's figure beside its controls (None where there is no picture to take away)."""

    task: str
    figure: float
    blank: float | None = None
    shuffled: float | None = None


def measure(folder: Path, bank: Bank, count: int) -> Iterator[Row]:
    """Yields a row a task, ``count`` samples each, for the layouts of the personal prompt."""
    talker = Talker(folder)
    for layout, photo_first, found_told in (
        ("references first, findings told", False, True),
        ("references first", False, False),
        ("photo first", True, False),
    ):
        exam = Exam(bank, seed=1, photo_first=photo_first, told=found_told)
        tasks: list[tuple[str, Callable[[], Sample], Score, int]] = [
            ("recognition, balanced accuracy", exam.recognition, balanced_accuracy, 3),
            ("caption, one concept, F1", partial(exam.caption, 1), concept_f1, 60),
            ("caption, two concepts, F1", partial(exam.caption, 2), concept_f1, 60),
            ("where it is and what it does, by letter", exam.photo_question, exact, 3),
        ]
        for name, draw, score, most in tasks:
            samples = [draw() for _ in range(count)]
            shown = {"as is": samples, "blank": blank(samples), "shuffled": shuffled(samples)}
            figures = (
                score(asked, talker.answer(asked, most, f"{name} ({layout}, {kind})"))
                for kind, asked in shown.items()
            )
            yield Row(f"{name} ({layout})", *figures)
    for what, told, options in (
        ("text-only QA, two options", True, True),
        ("the same, descriptions left out", False, True),
        ("text-only QA, no options", True, False),
        ("the same, descriptions left out", False, False),
    ):
        exam = Exam(bank, seed=2)
        questions = [exam.text_question(told=told, options=options) for _ in range(count)]
        yield Row(what, exact(questions, talker.answer(questions, 6, what)))
