"""Shows whether the baselines learn: ``python -m pocket.measure_baselines [METHOD ...]``.

Ten Playroom test identities, look-alikes among them, by ten pictures each; negatives are mined from
a pool of training identities, as a service mines them. Asked are unseen pictures of one thing each:
of the concept (yes), of the nine others and of strangers (no). The balanced accuracy, chance 0.5,
stands beside that of random numbers in place of what was learned. ``mc-llava`` learns three
concepts together, two of them look-alikes; its figures are over these three and strangers. The last
column is how many times longer a training takes than ``Remember`` by RAP.

Artefacts, checkpoints and answers stand in ``runs/pocket/baselines``: a stopped run goes on. The
table goes to ``docs/baselines.md``.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from datagen import playroom
from kith import Client
from pocket.bank import PIXELS
from pocket.measure import table, write_card
from pocket.train import RUNS
from services.baselines.artefacts import Artefact, load
from services.baselines.base_model import BaseModel, Worn
from services.baselines.joint import certainties
from services.baselines.material import Example, Material, Subject
from services.baselines.methods import method
from services.baselines.methods.base import Learned, Method, Models
from services.baselines.methods.mc_llava import MCLLaVA, begin_as_words, fresh_rows
from services.baselines.patches import concept_patches
from services.baselines.pool import Pool
from services.baselines.tokens import Rows
from services.baselines.training import Progress
from services.baselines.wording import WORDINGS
from services.embedding.clip import ClipEmbedder
from services.runtime.profile import Profile

FOLDER: Final = RUNS / "baselines"
PAGE: Final = Path("docs/baselines.md")
POSITIVES: Final = 10
ASKED: Final = 12
"""Unseen pictures of each concept, and of strangers."""
POOL: Final = 800
NAMES: Final = ("bo", "mimi", "rex", "lulu", "tao", "kiki", "otto", "nene", "zaza", "fifi")


@dataclass(frozen=True)
class World:
    """Who is to be known, and what is seen of them.

    Args:
        seed: Another one is another ten; the figures are those of seed 0.
    """

    seed: int = 0

    @cached_property
    def concepts(self) -> list[playroom.Concept]:
        """Ten: three, three, two and two look-alikes of one another."""
        rng = np.random.default_rng([self.seed, 71])
        kinds = [kind for kind in playroom.CATEGORIES if playroom.GROUPS[kind] != "scene"]
        found: list[playroom.Concept] = []
        for family, kind in enumerate(rng.choice(kinds, 4, replace=False)):
            founder = playroom.sample_concept(self._seed(family), "test", str(kind))
            found.append(founder)
            for distance in (1, 2) if family < 2 else (1,):
                found.append(playroom.look_alike(founder, distance=distance, seed=family))
        return found

    def subject(self, number: int) -> Subject:
        """A concept's ten pictures: portraits, and scenes in which it is alone or beside others."""
        concept = self.concepts[number]
        pictures = []
        for i in range(POSITIVES):
            seed = self._seed(100, number, i)
            if i % 2:
                image = playroom.portrait(concept, seed=seed, size=192).image
                pictures.append(Image.fromarray(image))
            else:
                beside = [playroom.stranger(seed + k) for k in range(i // 2 % 2)]
                pictures.append(photo([concept, *beside], seed))
        examples = tuple(map(Example, pictures))
        return Subject(f"{self.seed}-{number}", NAMES[number], concept.category, examples)

    @cached_property
    def unseen(self) -> list[list[Image.Image]]:
        """``ASKED`` pictures of each concept, then as many of strangers."""
        own = [
            [photo([concept], self._seed(200, number, i)) for i in range(ASKED)]
            for number, concept in enumerate(self.concepts)
        ]
        strange = [self._seed(300, i) for i in range(ASKED)]
        return [*own, [photo([playroom.stranger(seed)], seed) for seed in strange]]

    def pool(self) -> Path:
        """A folder of pictures of training identities, half of the ten's categories."""
        folder = FOLDER / f"pool-{self.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        kinds = [concept.category for concept in self.concepts]
        rng = np.random.default_rng([self.seed, 73])
        for i in tqdm(range(POOL), desc="pool"):
            kind = kinds[i // 2 % len(kinds)] if i % 2 else str(rng.choice(playroom.CATEGORIES))
            file = folder / f"{i:04d}.png"
            if not file.exists():
                seed = self._seed(400, i)
                photo([playroom.sample_concept(seed, "train", kind)], seed).save(file)
        return folder

    def _seed(self, *numbers: int) -> int:
        return int(np.random.SeedSequence([self.seed, *numbers]).generate_state(1)[0] >> 1)


def photo(concepts: list[playroom.Concept], seed: int) -> Image.Image:
    """A picture of these."""
    drawn = playroom.render(playroom.compose(concepts, seed=seed), size=PIXELS)
    return Image.fromarray(drawn.image)


class Marks:
    """Answers to the question whether a photo shows a concept."""

    def __init__(self) -> None:
        self._right: dict[bool, list[bool]] = {True: [], False: []}

    def add(self, *, shown: bool, told: bool) -> None:
        """Takes note of an answer."""
        self._right[shown].append(shown == told)

    def share(self, *, shown: bool) -> float:
        """How many are right of those that should be yes, or no."""
        return float(np.mean(self._right[shown]))

    @property
    def balanced(self) -> float:
        """The mean of both."""
        return (self.share(shown=True) + self.share(shown=False)) / 2


class School:
    """Teaches a world's concepts by a method, and examines them."""

    def __init__(self, world: World, teaches: Method) -> None:
        profile = Profile.load("pocket")
        embedder = ClipEmbedder(profile.embedder, profile.device)
        base = BaseModel(profile.generator, profile.device, teaches.soft_tokens)
        self.world, self.method = world, teaches
        self.models = Models(base, lambda images: asyncio.run(embedder.embed_images(images)))
        self.pool = Pool(world.pool(), embedder, FOLDER)
        self.folder = FOLDER / f"{teaches.name}-{world.seed}"

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

    def examine(self, concepts: Sequence[Learned], numbers: Sequence[int], marks: Marks) -> None:
        """Asks for each of some concepts in the pictures of all.

        A joint method is asked in those of its own concepts and of strangers.
        """
        everyone = range(len(self.world.unseen))
        for owner in (*numbers, everyone[-1]) if self.method.joint else everyone:
            for picture in self.world.unseen[owner]:
                found = self.method.recognize(self.models, picture, concepts)
                for number, one in zip(numbers, found, strict=True):
                    marks.add(shown=owner == number, told=one.present)


DRAWS: Final = 10
"""Of random numbers for a joint method: of the others each of the ten concepts has a draw."""
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
                        marks.add(shown=number == owner, told=score > 0.5)
        rows.append(f"| {form} | {marks.balanced:.3f} | {np.mean(order):.3f} |")
    return table(["told by", "balanced accuracy (chance 0.5)", "most certain (chance 0.333)"], rows)


def measure(name: str, seed: int) -> str:
    """A row of the table."""
    school = School(World(seed), LEARNERS[name])
    groups = TRIPLES if school.method.joint else [(number,) for number in range(10)]
    after, before, seconds = Marks(), Marks(), []
    for numbers in groups:
        concepts, took = school.teach(numbers)
        seconds.append(took)
        school.examine(concepts, numbers, after)
        for draw in range(DRAWS if school.method.joint else 1):
            school.examine(untrained(concepts, draw), numbers, before)
    shares = (after.share(shown=True), after.share(shown=False))
    figures = [f"{share:.3f}" for share in (after.balanced, *shares, before.balanced)]
    each = float(np.mean(seconds))
    ratio = each / seconds_to_remember(school.world)
    return f"| {name} | {' | '.join(figures)} | {each:.0f} | {ratio:.0f} |"


def untrained(concepts: Sequence[Learned], draw: int) -> list[Learned]:
    """The same with numbers of the same size drawn at random in place of all that was learned."""
    rng = torch.Generator().manual_seed(draw)

    def drawn(learned: Tensor) -> Tensor:
        noise = torch.randn(learned.shape, generator=rng)
        return noise * learned.float().std(correction=0) if learned.numel() else learned

    return [
        one._replace(
            artefact=replace(
                one.artefact, tensors={k: drawn(v) for k, v in one.artefact.tensors.items()}
            )
        )
        for one in concepts
    ]


def seconds_to_remember(world: World) -> float:
    """What RAP takes for a concept: the mean of three, models loaded."""
    with TemporaryDirectory() as folder, Client(method="rap", memory=folder) as kith:
        kith.remember("first", world.unseen[-1][0], category="hat")
        started = time.perf_counter()
        for number in range(3):
            kith.remember(NAMES[number], world.subject(number).examples[0].image, category="hat")
        return (time.perf_counter() - started) / 3


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
    chosen = parser.parse_args()
    if chosen.wordings:
        sys.stdout.write(measure_wordings(chosen.seed) + "\n")
        return
    rows = [measure(name, chosen.seed) for name in chosen.methods or LEARNERS]
    head = [
        "method",
        "balanced accuracy",
        "yes",
        "no",
        "untrained",
        "seconds a concept",
        "times RAP",
    ]
    figures = table(head, rows)
    sys.stdout.write(figures + "\n")
    if not chosen.methods and chosen.seed == 0:
        write_card(PAGE, figures)


if __name__ == "__main__":
    main()
