"""What can be said and asked about a picture, in short sentences from the closed vocabulary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datagen.playroom.concept import Concept, tag
from datagen.playroom.render import Picture, Thing
from datagen.playroom.vocabulary import CATEGORIES, plural

PRESENCE_QUESTION = (
    "Can you see {name} in this photo? Answer the question using a single word Yes or No."
)
POSITIONS = ("on the left", "in the middle", "on the right", "in the background")
# Below this share of a thing nobody could be asked about its details.
_CLEAR = 0.4
_ACTORS = ("person", "pet", "character")


@dataclass(frozen=True)
class Question:
    """A question with its true answer.

    `kind` is "presence", "color", "pattern", "position", "count" or "action".
    """

    text: str
    answer: str
    kind: str


def hidden_attributes(thing: Thing, picture: Picture) -> frozenset[str]:
    """The attributes of a thing that the clothes it wears cover."""
    kinds = {t.concept.category for t in picture.things if t.wearer == thing.concept}
    group, accessory = thing.concept.group, thing.concept.accessory
    upper = bool(kinds & {"shirt", "dress"})
    hidden = set()
    if group == "person":
        if upper:
            hidden |= {"color", "pattern"}
        if kinds & {"trousers", "dress"} or (upper and thing.concept.pattern != "plain"):
            hidden.add("color2")
        if upper and accessory in ("red scarf", "yellow bag"):
            hidden.add("accessory")
    else:
        if group == "pet" and upper:
            hidden.add("pattern")
        if group == "character" and upper:
            hidden |= {"color2"} if thing.concept.pattern == "plain" else set()
        covered = (upper and accessory == "bow tie") or (
            "hat" in kinds and accessory in ("yellow bow", "horns", "crown")
        )
        if covered:
            hidden.add("accessory")
        if thing.concept.category == "cat" and "hat" in kinds:
            hidden.add("color2")
    return frozenset(hidden)


def caption(picture: Picture, names: Mapping[Concept, str] | None = None, seed: int = 0) -> str:
    """One sentence about the picture.

    Things with a name are called by it in angle brackets, all others are described. Things with
    no visible pixel are not mentioned.

    Args:
        picture: what to tell of.
        names: what some or all of the concepts are called.
        seed: chooses among the wordings.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 59]))
    called = names or {}
    shown = [thing for thing in picture.things if thing.visible > 0]
    standing = [thing for thing in shown if not thing.wearer and not thing.background]
    scene = next((thing for thing in shown if thing.background), None)
    place = f" in front of {_call(scene, picture, called)}" if scene else ""
    if not standing:
        view = _call(scene, picture, called) if scene else "an empty place"
        return (f"A photo of {view}.", f"A view of {view}.", f"This is {view}.")[rng.integers(3)]
    phrases = [_dressed(thing, picture, called) for thing in standing]
    order = [int(i) for i in rng.permutation(len(standing))]
    first, rest = order[0], order[1:]
    verb = standing[first].action
    if not rest:
        wordings = [
            f"{phrases[first]} is {verb}{place}.",
            f"A photo of {phrases[first]} {verb}{place}.",
            f"Here {phrases[first]} is {verb}{place}.",
        ]
    else:
        others = _listed([phrases[i] for i in rest])
        everyone = _listed([phrases[i] for i in order])
        wordings = [
            f"{phrases[first]} is {verb} next to {others}{place}.",
            f"A photo of {everyone}{place}.",
            f"{everyone} are together{place}.",
        ]
    chosen = wordings[rng.integers(3)]
    return chosen[0].upper() + chosen[1:]


def questions(
    picture: Picture,
    names: Mapping[Concept, str],
    absent: Sequence[tuple[str, Concept]],
    seed: int,
) -> list[Question]:
    """Questions with true answers about the named concepts, in an order drawn from the seed.

    Args:
        picture: what they are about.
        names: what the concepts in the picture are called; only these are asked about.
        absent: names and concepts that are not in the picture.
        seed: which wordings and which order.

    Raises:
        ValueError: an "absent" concept that is in the picture.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 61]))
    present = {thing.concept for thing in picture.things}
    asked: list[Question] = []
    for name, concept in absent:
        if concept in present:
            raise ValueError(f"absent: {name!r} is in the picture")
        asked.append(Question(PRESENCE_QUESTION.format(name=tag(name)), "No", "presence"))
    for thing in picture.things:
        if thing.concept in names and thing.visible > 0:
            asked += _about(thing, tag(names[thing.concept]), picture)
    asked += _counts(picture, rng)
    return [asked[i] for i in rng.permutation(len(asked))]


def position(thing: Thing, picture: Picture) -> str:
    """Where a thing is, one of `POSITIONS`."""
    return place_of(thing.box[0] / picture.size, thing.box[2] / picture.size, thing.background)


def place_of(left: float, right: float, background: bool) -> str:
    """Where something is whose box begins and ends at these shares of the picture's width."""
    if background:
        return POSITIONS[3]
    middle = (left + right) / 2
    return POSITIONS[0 if middle < 0.4 else 2 if middle > 0.6 else 1]


def _about(thing: Thing, name: str, picture: Picture) -> list[Question]:
    asked = [Question(PRESENCE_QUESTION.format(name=name), "Yes", "presence")]
    asked.append(Question(f"Where is {name}?", position(thing, picture), "position"))
    if thing.visible < _CLEAR:
        return asked
    hidden = hidden_attributes(thing, picture)
    wears = " wearing" if thing.concept.category == "person" else ""
    if "color" not in hidden:
        text = f"What color is {name}{wears}?"
        asked.append(Question(text, thing.concept.color, "color"))
    if "pattern" not in hidden:
        text = f"What pattern does {name} {'wear' if wears else 'have'}?"
        asked.append(Question(text, thing.concept.pattern, "pattern"))
    if thing.concept.group in _ACTORS:
        asked.append(Question(f"What is {name} doing?", thing.action, "action"))
    return asked


def _counts(picture: Picture, rng: np.random.Generator) -> list[Question]:
    seen: dict[str, int] = {}
    unclear = set()
    for thing in picture.things:
        kind = thing.concept.category
        if thing.visible > 0:
            seen[kind] = seen.get(kind, 0) + 1
        if thing.visible < 0.1:
            unclear.add(kind)
    missing = [kind for kind in CATEGORIES if kind not in seen and kind not in unclear]
    seen[missing[rng.integers(len(missing))]] = 0
    return [
        Question(f"How many {plural(kind)} are in this photo?", str(number), "count")
        for kind, number in seen.items()
        if kind not in unclear
    ]


def _call(thing: Thing, picture: Picture, names: Mapping[Concept, str]) -> str:
    if thing.concept in names:
        return tag(names[thing.concept])
    return thing.concept.phrase(hidden_attributes(thing, picture))


def _dressed(thing: Thing, picture: Picture, names: Mapping[Concept, str]) -> str:
    worn = [t for t in picture.things if t.wearer == thing.concept and t.visible > 0]
    phrase = _call(thing, picture, names)
    if not worn:
        return phrase
    return f"{phrase} wearing {_listed([_call(garment, picture, names) for garment in worn])}"


def _listed(phrases: Sequence[str]) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"
