"""Shows whether the baselines learn: ``python -m pocket.measure_baselines [METHOD ...]``.

Ten Playroom test identities, look-alikes among them, by ten pictures each; negatives are mined from
a pool of training identities, as a service mines them. Asked are unseen pictures of one thing each:
of the concept (yes), of the nine others and of strangers (no). The balanced accuracy, chance 0.5,
stands beside that of random numbers in place of what is learned: the mean of ten draws, the least
and the most. ``mc-llava`` learns three concepts together, two of them look-alikes; its figures are
over these three and strangers, and each draw of its random numbers is asked about three others. The
last column is how many times longer a training takes than ``Remember`` by RAP, which is timed once
a table; trainings of an earlier run keep the seconds that they took then.

Artefacts, checkpoints and answers stand in ``runs/pocket/baselines``: a stopped run goes on. The
table goes to ``docs/baselines.md``.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import torch
from tqdm import tqdm

from kith import Client
from pocket.baseline_exam import FOLDER, NAMES, POSITIVES, Marks, World
from pocket.measure import table, write_card
from services.baselines.artefacts import Artefact, Header, load
from services.baselines.base_model import BaseModel, Worn
from services.baselines.joint import certainties
from services.baselines.material import Material, Subject
from services.baselines.methods import method
from services.baselines.methods.base import Learned, Method, Models
from services.baselines.methods.mc_llava import MCLLaVA, begin_as_words, fresh_rows
from services.baselines.patches import concept_patches
from services.baselines.pool import Pool
from services.baselines.tokens import Rows
from services.baselines.training import PUBLISHED_SCALE, Progress
from services.baselines.wording import WORDINGS
from services.embedding.clip import ClipEmbedder
from services.runtime.profile import Profile

PAGE: Final = Path("docs/baselines.md")


class School:
    """Teaches a world's concepts by a method, and examines them."""

    def __init__(self, world: World, teaches: Method) -> None:
        profile = Profile.load("pocket")
        embedder = ClipEmbedder(profile.embedder, profile.device)
        base = BaseModel(profile.generator, profile.device, teaches.soft_tokens)
        self.world, self.method = world, teaches
        self.models = Models(base, lambda images: asyncio.run(embedder.embed_images(images)))
        self.embedder = embedder
        self.folder = FOLDER / f"{teaches.name}-{world.seed}"

    @cached_property
    def pool(self) -> Pool:
        """Where negatives are mined."""
        return Pool(self.world.pool(), self.embedder, FOLDER)

    def material(self, subjects: Sequence[Subject]) -> Material:
        """The subjects beside negatives from the pool, half of them hard."""
        views = self.models.embed([e.image for subject in subjects for e in subject.examples])
        half = self.method.capabilities.negatives // 2
        mined = asyncio.run(self.pool.mine(views, half, half, self.world.seed))
        hard, soft = (tuple(self.pool.read(names)) for names in (mined.hard, mined.soft))
        return Material(tuple(subjects), hard, soft)

    def teach(self, numbers: Sequence[int]) -> tuple[list[Learned], float]:
        """These concepts, trained, and the seconds a concept.

        Of a run that was stopped these are the seconds of its last piece.
        """
        subjects = [self.world.subject(number) for number in numbers]
        files = [self.folder / f"{subject.id}.safetensors" for subject in subjects]
        clock = files[0].with_suffix(".json")
        if not clock.exists():
            started = time.perf_counter()
            training = self.method.train(
                self.models, self.material(subjects), self.folder / files[0].stem
            )
            for artefact, file in zip(watched(training, files[0].stem), files, strict=True):
                artefact.save(file)
            clock.write_text(json.dumps((time.perf_counter() - started) / len(subjects)))
        base = self.models.base.fingerprint
        artefacts = [load(file, self.method.name, base) for file in files]
        return named(subjects, artefacts), json.loads(clock.read_text(encoding="utf-8"))


def examine(
    school: School, world: World, concepts: Sequence[Learned], numbers: Sequence[int], marks: Marks
) -> None:
    """Asks for each of some concepts of a world in the pictures of all.

    A joint method is asked in those of its own concepts and of strangers.
    """
    strangers = len(world.unseen) - 1
    everyone = range(strangers + 1)
    for owner in (*numbers, strangers) if school.method.joint else everyone:
        for picture in world.unseen[owner]:
            found = school.method.recognize(school.models, picture, concepts)
            for number, one in zip(numbers, found, strict=True):
                other = "strangers" if owner == strangers else "others"
                marks.add("own" if owner == number else other, told=one.present)


DRAWS: Final = 10
"""Of random numbers. Each is asked about another of the ten, or about three of another world."""
LEARNERS: Final[Mapping[str, Method]] = {
    "yollava-s": method("yollava-s"),
    "mc-llava": method("mc-llava"),
    "mc-llava, no marks on photos": MCLLaVA(finder=None),
    "myvlm": method("myvlm"),
}
"""``yollava-m`` learns and recognises as ``yollava-s`` does."""
TRIPLES: Final = ((0, 1, 3),)
"""Who learns together by a joint method: look-alikes among them."""


def measure_wordings(seed: int) -> str:
    """Before any training: whom MC-LLaVA's first tokens tell apart, by the form of the prompt."""
    school = School(World(seed), MCLLaVA())
    base, rows = school.models.base, []
    for form, wording in WORDINGS.items():
        marks, order = Marks(), []
        for numbers in TRIPLES:
            subjects = [school.world.subject(number) for number in numbers]
            banks = [concept_patches(base, subject.examples) for subject in subjects]
            first = fresh_rows(base, banks, seed=0)
            if form == "list":
                begin_as_words(base, first, [subject.name for subject in subjects])
            worn = Worn(Rows(first["read"], first["written"]), ("",) * 3)
            slots = base.slots[:3]
            for owner in numbers:
                for picture in school.world.unseen[owner]:
                    asked = [(wording.name(slot), picture) for slot in slots]
                    with base.wearing(worn):
                        scores = certainties(base, wording.told(slots), asked)
                    order.append(numbers[int(np.argmax(scores))] == owner)
                    for number, score in zip(numbers, scores, strict=True):
                        marks.add("own" if number == owner else "others", told=score > 0.5)
        rows.append(f"| {form} | {marks.balanced:.3f} | {np.mean(order):.3f} |")
    return table(["told by", "balanced accuracy (chance 0.5)", "most certain (chance 0.333)"], rows)


def measure(name: str, seed: int, remembering: float) -> str:
    """A row of the table; `remembering` are the seconds that RAP takes for a concept."""
    school = School(World(seed), LEARNERS[name])
    groups = TRIPLES if school.method.joint else [(number,) for number in range(10)]
    marks, seconds = Marks(), []
    for numbers in groups:
        concepts, took = school.teach(numbers)
        seconds.append(took)
        examine(school, school.world, concepts, numbers, marks)
    shares = (marks.balanced, marks.yes("own"), 1 - marks.yes("others", "strangers"))
    before = ranged([draw.balanced for draw in untrained(school)])
    figures = [*(f"{share:.3f}" for share in shares), before]
    each = float(np.mean(seconds))
    return f"| {name} | {' | '.join(figures)} | {each:.0f} | {each / remembering:.0f} |"


def measure_untrained(name: str, seed: int) -> str:
    """What random numbers reach, and why: whose pictures are said to show whoever is asked for."""
    drawn = untrained(School(World(seed), LEARNERS[name]))
    figures = [ranged([marks.balanced for marks in drawn])]
    figures += [ranged([m.yes(whose) for m in drawn]) for whose in ("own", "others", "strangers")]
    return f"| {name} | {' | '.join(figures)} |"


def untrained(school: School) -> list[Marks]:
    """The examination of random numbers in place of what is learned, a draw each.

    Whether the model says yes then depends on the picture alone, and some three things it sees in
    their own pictures more often than in those of strangers, others less often: a joint method is
    therefore asked about three things of another world in each draw.
    """
    joint, drawn = school.method.joint, []
    for draw in tqdm(range(DRAWS), desc="untrained"):
        world = World(school.world.seed + draw) if joint else school.world
        numbers = TRIPLES[0] if joint else (draw,)
        rng = torch.Generator().manual_seed(draw)
        concepts = [random_numbers(school, NAMES[number], rng) for number in numbers]
        drawn.append(Marks())
        examine(school, world, concepts, numbers, drawn[-1])
    return drawn


def random_numbers(school: School, name: str, rng: torch.Generator) -> Learned:
    """A concept of which nothing is learned, in numbers as large as a training begins with."""
    base = school.models.base
    rows = (school.method.soft_tokens + 1, base.own_embedding.shape[1])
    tensors = {
        "read": torch.randn(rows, generator=rng) * base.scale,
        "written": torch.randn(rows, generator=rng) * PUBLISHED_SCALE,
        "patches": torch.randn(
            POSITIVES, base.network.config.vision_config.hidden_size, generator=rng
        ),
        "head.weight": torch.randn(2, school.embedder.dim, generator=rng),
        "head.bias": torch.zeros(2),
    }
    header = Header(school.method.name, base.fingerprint, (f"<{name}>",), {}, "")
    return Learned(name, name, Artefact(header, tensors))


def ranged(figures: Sequence[float]) -> str:
    """The mean, and between what the figures lie."""
    return f"{np.mean(figures):.3f} ({min(figures):.3f} to {max(figures):.3f})"


def seconds_to_remember(world: World) -> float:
    """What RAP takes for a concept: the mean of nine, models loaded."""
    with TemporaryDirectory() as folder, Client(method="rap", memory=folder) as kith:
        kith.remember("first", world.unseen[-1][0], category="hat")
        started = time.perf_counter()
        for number in range(9):
            kith.remember(NAMES[number], world.subject(number).examples[0].image, category="hat")
        return (time.perf_counter() - started) / 9


def named(subjects: Sequence[Subject], artefacts: Sequence[Artefact]) -> list[Learned]:
    """Concepts as a question sees them."""
    pairs = zip(subjects, artefacts, strict=True)
    return [Learned(subject.id, subject.name, artefact) for subject, artefact in pairs]


def watched(training: Generator[Progress, None, list[Artefact]], title: str) -> list[Artefact]:
    """What a training leaves behind, with a bar while it runs."""
    with tqdm(
        total=1000, desc=title, bar_format="{desc}: {percentage:3.0f}% {elapsed}{postfix}"
    ) as bar:
        while True:
            try:
                progress = next(training)
            except StopIteration as end:
                artefacts: list[Artefact] = end.value
                return artefacts
            bar.update(round(1000 * progress.share) - bar.n)
            bar.set_postfix(loss=f"{progress.loss:.3g}", refresh=False)


def main() -> None:
    """Reads the command line, teaches, examines, prints and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m pocket.measure_baselines", description=__doc__)
    parser.add_argument("methods", nargs="*", help="rows of the table; all of them if none")
    parser.add_argument("--seed", type=int, default=0, help="which ten; the page has those of 0")
    parser.add_argument("--wordings", action="store_true", help="only that table, of mc-llava")
    parser.add_argument("--untrained", action="store_true", help="only what random numbers reach")
    chosen = parser.parse_args()
    if chosen.wordings:
        sys.stdout.write(measure_wordings(chosen.seed) + "\n")
        return
    if chosen.untrained:
        rows = [measure_untrained(name, chosen.seed) for name in chosen.methods or LEARNERS]
        yes = [f"yes in {whose} pictures" for whose in ("own", "others'", "strangers'")]
        sys.stdout.write(table(["method", "balanced accuracy", *yes], rows) + "\n")
        return
    remembering = seconds_to_remember(World(chosen.seed))
    rows = [measure(name, chosen.seed, remembering) for name in chosen.methods or LEARNERS]
    head = [
        "method",
        "balanced accuracy",
        "yes",
        "no",
        "untrained",
        "seconds a concept",
        f"times RAP ({remembering:.2f} s)",
    ]
    figures = table(head, rows)
    sys.stdout.write(figures + "\n")
    if not chosen.methods and chosen.seed == 0:
        write_card(PAGE, figures)


if __name__ == "__main__":
    main()
