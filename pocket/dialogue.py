"""Conversations that teach the pocket LLaVA: plain ones, described things, and the personal prompt.

Each is drawn around one scene of a bank. References follow the layout of RAP (photo first,
references in brackets) or Kith's own (references first, so that an engine's prefix cache hits).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from datagen import playroom
from pocket.bank import PORTRAITS, Bank
from pocket.names import draw_name
from services.assistant.prompts import findings, place

RECOGNITION = "Can you see {} in this photo? Answer the question using a single word Yes or No."
RECOGNITIONS = (
    RECOGNITION, RECOGNITION, RECOGNITION,
    "Is {} in this image? Answer with a single word or phrase.",
    "Can you see {} in this photo?", "Is {} here?", "Do you see {} in the picture?",
    "Is {} in this photo?",
)  # fmt: skip
CAPTION = "Please provide a caption for this image."
CAPTIONS = (
    CAPTION, CAPTION, "Give a caption of the image.", "Describe this photo.",
    "What is in this photo?", "Write a caption for this picture.",
)  # fmt: skip
PRIMED = (
    "Can you see {} in the image? Don't answer the question, but remember it, and only respond "
    "with a detailed caption for the image. Your caption:"
)
WHO = ("Who is in this photo?", "Who can you see here?", "Which of them are in this photo?")
NOBODY = "I don't see any of them in this photo."
ASKED = {
    "color": (
        "What color is {}?",
        "Which color is {}?",
        "What is the main color of {}?",
        "What color is {} wearing?",
    ),
    "color2": ("What is the second color of {}?",),
    "pattern": (
        "What pattern does {} have?",
        "Which pattern is on {}?",
        "What pattern does {} wear?",
    ),
    "accessory": ("What accessory does {} have?", "What is {} wearing?"),
    "build": ("What is the shape of {}?", "What build is {}?"),
    "category": ("What is {}?", "What kind of thing is {}?"),
}
LETTERS = "ABCD"
TOLD = 0.8
"""Share of Kith's own prompts that say who was found in the photo: the rest are those in which the
user says whom they are about."""
ALONE = 0.3
"""Share of those in which one concept alone is asked about: the list shows nobody else, though the
others are told of."""
PLACED = 0.85
"""Share of those who were found of whom it is told where."""
APART = 0.75
"""Share of the conversations in which no question hears of the others."""


@dataclass
class Conversation:
    """An opening (``<image>`` marks where pictures go), questions with answers, and the pictures.

    The opening stands right before the first question.
    """

    opening: str
    turns: list[tuple[str, str]]
    images: list[tuple[str, int]] = field(default_factory=list)
    """("scene" | "portrait" | "crop", row of the bank)"""
    photo: int = 0
    """place of the photo among the pictures"""
    numbered: list[int] = field(default_factory=list)
    """identity number of each reference, in order"""
    names: list[str] = field(default_factory=list)
    """what each reference is called, in angle brackets, in order"""
    apart: bool = False
    """each question is the first after the opening, and none hears of the others"""


class Author:
    """Writes conversations about the scenes of a bank.

    In most of them every question is asked as if it were the first: an earlier caption answers a
    later question, and a model that can copy it never learns to look.
    """

    alike: float = 0.55
    """share of look-alikes among those who are asked for and not there"""

    def __init__(self, bank: Bank, seed: int) -> None:
        self.bank = bank
        self.rng = np.random.default_rng([seed, 41])
        self.family_of = {i: house for house in bank.families for i in house}
        groups: dict[str, list[int]] = {}
        for i, concept in enumerate(bank.concepts):
            groups.setdefault(concept.category, []).append(i)
        self.of_category = groups
        self.number = {concept: i for i, concept in enumerate(bank.concepts)}

    def pick(self, options: tuple[str, ...]) -> str:
        """One of the options, all alike likely."""
        return options[int(self.rng.integers(len(options)))]

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < share)

    def plain(self, scene: int) -> Conversation:
        """A photo without references: caption, attributes, counts, described things."""
        apart = self.chance(APART)
        turns = [self.plain_turn(scene) for _ in range(9 if apart else 5)]
        return Conversation("<image>\n", turns, [("scene", scene)], apart=apart)

    def plain_turn(self, scene: int) -> tuple[str, str]:
        """A question and its answer about a photo, nobody named."""
        rows = self.bank.people_of(scene)
        kind = self.rng.random()
        if kind < 0.3 or not rows:
            return self.pick(CAPTIONS), self.bank.caption(scene, {})
        row = rows[int(self.rng.integers(len(rows)))]
        concept = self.bank.concepts[int(self.bank.who[row])]
        category = concept.category
        here = [self.bank.concepts[int(self.bank.who[r])] for r in rows]
        if kind < 0.55:
            return self.described(here)
        if kind < 0.65:
            wanted = category if self.chance(0.6) else self.pick(playroom.CATEGORIES)
            count = sum(c.category == wanted for c in here)
            return f"How many things of kind {wanted} are in this photo?", str(count)
        if sum(c.category == category for c in here) > 1:
            return self.described(here)
        thing = f"the {category}"
        return self.about(thing, row) if self.chance(0.4) else self.attribute(thing, concept)

    def described(self, here: list[playroom.Concept]) -> tuple[str, str]:
        """Is a thing of this description there? Half of the noes differ in one attribute only."""
        seen = {c.describe() for c in here}
        text = here[int(self.rng.integers(len(here)))].describe()
        if self.chance(0.5):
            near = [self.bank.concepts[j] for c in here for j in self.twins_of(c)]
            far = self.bank.concepts[int(self.rng.integers(len(self.bank.concepts)))]
            other = near[int(self.rng.integers(len(near)))] if near and self.chance(0.6) else far
            text = other.describe()
        return self.pick(RECOGNITIONS).format(text), "Yes" if text in seen else "No"

    def twins_of(self, concept: playroom.Concept) -> list[int]:
        """The look-alikes of a concept, by identity number."""
        who = self.number[concept]
        return [j for j in self.family_of[who] if j != who]

    def attribute(
        self, thing: str, concept: playroom.Concept, others: Sequence[int] = ()
    ) -> tuple[str, str]:
        """A question about one attribute of a thing, some with options to choose from."""
        asked = [a for a in ASKED if not (a == "category" and thing.startswith("the "))]
        return self.offered(thing, concept, asked[int(self.rng.integers(len(asked)))], others)

    def offered(
        self, thing: str, concept: playroom.Concept, asked: str, others: Sequence[int]
    ) -> tuple[str, str]:
        """A question about this attribute; in most of them the answer stands among options.

        What others of the conversation are makes the wrong options more often than not: it
        leaves no way around knowing which description, or which picture, is whose.
        """
        question, answer = self.pick(ASKED[asked]).format(thing), concept.attributes[asked]
        near = [int(i) for i in self.rng.permutation(others)] if self.chance(0.6) else []
        far = [int(i) for i in self.rng.integers(len(self.bank.concepts), size=8)]
        wrong = [self.bank.concepts[i].attributes[asked] for i in (*near, *far)]
        return self.with_options(question, answer, wrong)

    def with_options(self, question: str, answer: str, wrong: Sequence[str]) -> tuple[str, str]:
        """The question, mostly with the answer among at most three of the wrong ones, the first."""
        others = [text for text in dict.fromkeys(wrong) if text != answer]
        others = others[: int(self.rng.integers(1, 4))]
        if not others or self.chance(0.4):
            return question, answer
        options = [str(text) for text in self.rng.permutation([answer, *others])]
        return multiple_choice(question, options), LETTERS[options.index(answer)]

    def about(self, thing: str, row: int) -> tuple[str, str]:
        """Where a thing is, or what it does."""
        if self.chance(0.5):
            actions = self.bank.actions
            far = [actions[int(i)] for i in self.rng.integers(len(actions), size=8)]
            return self.with_options(f"What is {thing} doing?", actions[row], far)
        left, _, right, _ = self.bank.boxes[row] / self.bank.images.shape[1]
        scenery = self.bank.concepts[int(self.bank.who[row])].group == "scene"
        where = playroom.place_of(left, right, background=scenery and right - left > 0.99)
        wrong = [str(place) for place in self.rng.permutation(playroom.POSITIONS)]
        return self.with_options(f"Where is {thing}?", where, wrong)

    def references(self, scene: int) -> list[int]:
        """Zero to four identities: some of those present, their look-alikes, and noise."""
        here = list(dict.fromkeys(int(self.bank.who[r]) for r in self.bank.people_of(scene)))
        count = int(self.rng.choice([0, 1, 2, 3, 4], p=[0.04, 0.33, 0.33, 0.2, 0.1]))
        present = [i for i in self.rng.permutation(here) if self.chance(0.7)] if here else []
        chosen = [int(i) for i in present[:count]]
        if self.chance(0.3):
            chosen = chosen[: len(chosen) // 2]
        while len(chosen) < count:
            other = self.absent(here)
            if other not in chosen and other not in here:
                chosen.append(other)
        return [int(i) for i in self.rng.permutation(chosen)]

    def absent(self, here: list[int]) -> int:
        """Someone who is not there: a look-alike, one of a kind, or anyone."""
        twins = [j for i in here for j in self.family_of[i] if j not in here]
        if twins and self.chance(self.alike):
            return twins[int(self.rng.integers(len(twins)))]
        if here and self.chance(0.4):
            who = here[int(self.rng.integers(len(here)))]
            same = self.of_category[self.bank.concepts[who].category]
            return same[int(self.rng.integers(len(same)))]
        return int(self.rng.integers(len(self.bank.concepts)))

    def view(self, identity: int, scene: int) -> tuple[str, int]:
        """One reference view: a portrait, or a crop from another scene."""
        rows = [r for r in self.bank.sightings[identity] if self.bank.scene_of[r] != scene]
        if rows and self.chance(0.35):
            return "crop", int(rows[int(self.rng.integers(len(rows)))])
        return "portrait", identity * PORTRAITS + int(self.rng.integers(PORTRAITS))

    def personal(self, scene: int) -> Conversation:
        """The personal prompt with zero to four references."""
        ids = self.references(scene)
        named = dict(zip(ids, self.names(len(ids)), strict=True))
        photo_first = self.chance(0.4)
        told = "" if photo_first or not self.chance(TOLD) else self.findings(scene, named)
        turn = partial(self.personal_turn, scene, named) if ids else partial(self.plain_turn, scene)
        if told and self.chance(ALONE):
            asked = ids[int(self.rng.integers(len(ids)))]
            ids, named = [asked], {asked: named[asked]}
            turn = partial(self.turn_about, scene, asked, named[asked])
        apart = self.chance(APART)
        turns = [turn() for _ in range(9 if apart else 4)]
        views = [self.view(i, scene) for i in ids]
        listing = "".join(
            f"{k}.<image>\n Name: {name}, Info: {self.info(i, name)}\n"
            for k, (i, name) in enumerate(named.items(), 1)
        )
        if photo_first:
            opening, images, photo = f"<image>\n[{listing}]", [("scene", scene), *views], 0
        else:
            listed = f"[{listing}]" if ids else ""
            opening = f"{listed}<image>\n{told}"
            images, photo = [*views, ("scene", scene)], len(views)
        return Conversation(opening, turns, images, photo, ids, list(named.values()), apart)

    def findings(self, scene: int, named: dict[int, str]) -> str:
        """What Kith's prompt says of who was found in a scene, mostly with the place."""
        rows = {int(self.bank.who[r]): r for r in self.bank.people_of(scene)}
        seen = {
            name.strip("<>"): self.placed(rows[i]) if self.chance(PLACED) else ""
            for i, name in named.items()
            if i in rows
        }
        return findings(seen, [name.strip("<>") for i, name in named.items() if i not in rows])

    def placed(self, row: int) -> str:
        """Where a thing is, as Kith's prompt says it."""
        left, top, right, bottom = map(float, self.bank.boxes[row])
        return place((left, top, right, bottom), self.bank.images.shape[1])

    def names(self, count: int) -> list[str]:
        """Different names in angle brackets."""
        names: dict[str, None] = {}
        while len(names) < count:
            names[f"<{draw_name(self.rng)}>"] = None
        return list(names)

    def info(self, identity: int, name: str) -> str:
        """What the prompt says of a concept: everything, its category, or nothing."""
        concept = self.bank.concepts[identity]
        kind = self.rng.random()
        if kind < 0.45:
            return concept.describe(name)
        return f"{name} is a {concept.category}." if kind < 0.8 else ""

    def personal_turn(self, scene: int, named: dict[int, str]) -> tuple[str, str]:
        """A question about the named references and the photo, and its answer."""
        here = {int(self.bank.who[r]): r for r in self.bank.people_of(scene)}
        present = {i: name for i, name in named.items() if i in here}
        absent = [name for i, name in named.items() if i not in here]
        every = list(named.values())
        kind = self.rng.random()
        if kind < 0.34:
            want = bool(present) and (not absent or self.chance(0.5))
            pool = list(present.values()) if want else absent
            name = pool[int(self.rng.integers(len(pool)))]
            return self.pick(RECOGNITIONS).format(name), "Yes" if want else "No"
        if kind < 0.41 and len(every) > 1:
            asked = [
                str(n)
                for n in self.rng.permutation(every)[: int(self.rng.integers(2, len(every) + 1))]
            ]
            seen = all(n in present.values() for n in asked)
            return RECOGNITION.format(" ".join(asked)), "Yes" if seen else "No"
        if kind < 0.62:
            prompt = self.pick(CAPTIONS) if self.chance(0.8) else PRIMED.format(" ".join(every))
            return prompt, self.bank.caption(scene, present)
        if kind < 0.7:
            found = list(present.values())
            return self.pick(WHO), " and ".join(found) + "." if found else NOBODY
        ids = list(present or named)
        who = ids[int(self.rng.integers(len(ids)))]
        return self.detail(scene, who, named[who], [i for i in named if i != who])

    def turn_about(self, scene: int, who: int, name: str) -> tuple[str, str]:
        """A question about one reference and the photo, and its answer."""
        if self.chance(0.45):
            there = who in {int(self.bank.who[r]) for r in self.bank.people_of(scene)}
            return self.pick(RECOGNITIONS).format(name), "Yes" if there else "No"
        return self.detail(scene, who, name, [])

    def detail(self, scene: int, who: int, name: str, others: list[int]) -> tuple[str, str]:
        """Where a reference is, what it does or what it is like; or that it isn't there."""
        rows = [r for r in self.bank.people_of(scene) if int(self.bank.who[r]) == who]
        if not rows:
            return f"What is {name} doing?", f"I don't see {name} in this photo."
        if self.chance(0.5):
            return self.about(name, rows[-1])
        return self.attribute(name, self.bank.concepts[who], others)

    def hearsay(self) -> Conversation:
        """No photo, but a line on who was found in one, and where: what follows from it."""
        ids = self.rng.choice(len(self.bank.concepts), int(self.rng.integers(2, 5)), replace=False)
        names = self.names(len(ids))
        seen = [name for name in names if self.chance(0.6)]
        unseen = [name for name in names if name not in seen]
        listing = "".join(
            f"{k}. Name: {name}, Info: {self.info(int(i), name)}\n"
            for k, (i, name) in enumerate(zip(ids, names, strict=True), 1)
        )
        where = {n: self.pick(playroom.POSITIONS[:3]) if self.chance(PLACED) else "" for n in seen}
        turns = [self.hearsay_turn(where, unseen) for _ in range(9)]
        told = findings(
            {n.strip("<>"): at for n, at in where.items()}, [n.strip("<>") for n in unseen]
        )
        opening = f"[{listing}]\n{told}"
        return Conversation(opening, turns, photo=-1, names=names, apart=self.chance(APART))

    def hearsay_turn(self, seen: dict[str, str], unseen: list[str]) -> tuple[str, str]:
        """A question that the line answers: who is there, where, and who is to be named."""
        kind = self.rng.random()
        every = [*seen, *unseen]
        placed = [name for name, where in seen.items() if where]
        if kind < 0.25 and placed:
            name = placed[int(self.rng.integers(len(placed)))]
            wrong = [str(at) for at in self.rng.permutation(playroom.POSITIONS)]
            return self.with_options(f"Where is {name}?", seen[name], wrong)
        if kind < 0.45:
            name = every[int(self.rng.integers(len(every)))]
            return self.pick(RECOGNITIONS).format(name), "Yes" if name in seen else "No"
        if kind < 0.52:
            asked = [str(name) for name in self.rng.permutation(every)[:2]]
            return RECOGNITION.format(" ".join(asked)), "Yes" if set(asked) <= set(seen) else "No"
        if kind < 0.64 or not seen:
            return self.pick(WHO), " and ".join(seen) + "." if seen else NOBODY
        *first, last = [str(name) for name in self.rng.permutation(list(seen))]
        told = f"{', '.join(first)} and {last}" if first else last
        return self.pick(CAPTIONS), f"A photo of {told}."

    def spoken(self, *, seen: bool) -> Conversation:
        """No photo: names with descriptions, and questions, some with options to choose from.

        Args:
            seen: each concept has a reference picture beside its description.
        """
        ids = self.rng.choice(len(self.bank.concepts), int(self.rng.integers(1, 5)), replace=False)
        names = self.names(len(ids))
        mark = "<image>\n" if seen else ""
        listing = "".join(
            f"{k}.{mark} Name: {name}, Info: {self.bank.concepts[i].describe(name)}\n"
            for k, (i, name) in enumerate(zip(ids, names, strict=True), 1)
        )
        turns = [self.spoken_turn(ids, names) for _ in range(9)]
        images = [self.view(int(i), -1) for i in ids] if seen else []
        return Conversation(listing, turns, images, -1, names=names, apart=self.chance(APART))

    def spoken_turn(self, ids: NDArray[np.int64], names: list[str]) -> tuple[str, str]:
        """A question about one of the described concepts, and its answer."""
        k = int(self.rng.integers(len(ids)))
        concept = self.bank.concepts[int(ids[k])]
        if self.chance(0.12):
            return f"Describe {names[k]}.", concept.describe(names[k])
        said = [a for a in ASKED if concept.attributes[a] in concept.describe()]
        asked = said[int(self.rng.integers(len(said)))]
        return self.offered(names[k], concept, asked, [int(i) for i in ids if i != ids[k]])


def multiple_choice(question: str, options: list[str]) -> str:
    """RAP's wording of a question with options."""
    lines = "".join(f"{letter}. {text}\n" for letter, text in zip(LETTERS, options, strict=False))
    return (
        f"Question: {question}\nOptions:\n{lines}"
        "Please give a single character from the options above. \n"
    )
