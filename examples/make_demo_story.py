"""Draws the pictures of `kith demo`, and writes down the truth about them: kith/demo/story/.

The identities are Playroom's *test* identities: the pocket models never saw them. The seeds were
chosen for looks and variety before any model had seen a picture, and are not changed after it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from datagen import playroom
from datagen.playroom import Concept, Picture

ROOT = Path(__file__).resolve().parents[1]
STORY = ROOT / "kith" / "demo" / "story"
PICTURES = ROOT / "examples" / "pictures"
SIZE = 256


def drawn(category: str, seed: int) -> Concept:
    """A test identity."""
    return playroom.sample_concept(seed, "test", category)


CAST = {
    "bo": drawn("dog", 4),
    "sunny": drawn("teapot", 0),
    "mia": drawn("cat", 3),
    "pip": drawn("plush toy", 2),
    "rocket": drawn("toy car", 2),
}
BO_TWIN = playroom.look_alike(CAST["bo"], 2, seed=2)
MIA_TWIN = playroom.look_alike(CAST["mia"], 2, seed=1)
SUNNY_TWIN = playroom.look_alike(CAST["sunny"], 1, seed=3)
PERSON = playroom.stranger(5, "test", "person")
LANTERN = playroom.stranger(8, "test", "lantern")
OTHER_DOG = playroom.stranger(6, "test", "dog")
BARN = playroom.stranger(1, "test", "barn")
MOUNTAIN = playroom.stranger(3, "test", "mountain")


@dataclass(frozen=True)
class Scene:
    """A picture to draw, and what to ask about it."""

    title: str
    concepts: Sequence[Concept]
    seed: int
    questions: Sequence[tuple[str, str]]
    """Kind of question and whom it is about, as Playroom has them."""
    background: Concept | None = None
    caption: bool = False


BO, SUNNY, MIA, PIP, ROCKET = CAST.values()
SCENES = (
    Scene("Bo alone", [BO], 11, [("presence", "bo"), ("action", "bo")]),
    Scene("Sunny at the barn", [SUNNY], 12, [("presence", "rocket"), ("pattern", "sunny")], BARN),
    Scene("Bo and Sunny together", [BO, SUNNY], 13, [("position", "sunny")], caption=True),
    Scene("Mia beside a look-alike", [MIA, MIA_TWIN], 14, [("presence", "mia")]),
    Scene("Pip and a stranger", [PIP, PERSON], 15, [("color", "pip")], MOUNTAIN),
    Scene("Three at once", [BO, ROCKET, MIA], 16, [("presence", "pip")], caption=True),
    Scene("Only look-alikes", [BO_TWIN, SUNNY_TWIN], 17, [("presence", "bo")]),
    Scene("Only strangers", [OTHER_DOG, LANTERN], 18, [("presence", "bo")]),
)
FROM_MEMORY = (
    ("bo", "color", "What color is <bo>?"),
    ("rocket", "pattern", "What pattern does <rocket> have?"),
)
"""Asked without a picture: about whom, which attribute, in which words."""


def save(picture: Picture, path: Path) -> None:
    """Write the picture, as small as it can be without a visible loss."""
    image = Image.fromarray(picture.image)
    if path.suffix == ".webp":
        image.save(path, quality=92, method=6)
    else:
        image.save(path, optimize=True)


def asked(scene: Scene, picture: Picture) -> list[dict[str, str]]:
    """The questions about a scene, with the true answers."""
    names = {concept: name for name, concept in CAST.items()}
    present = {thing.concept for thing in picture.things}
    absent = [(name, concept) for name, concept in CAST.items() if concept not in present]
    named = {concept: name for concept, name in names.items() if concept in present}
    pool = playroom.questions(picture, named, absent, scene.seed)
    chosen = [
        next(one for one in pool if one.kind == kind and playroom.tag(name) in one.text)
        for kind, name in scene.questions
    ]
    told = [{"text": one.text, "answer": one.answer, "kind": one.kind} for one in chosen]
    if scene.caption:
        truth = " ".join(playroom.tag(name) for name in sorted(named.values()))
        text = "Please provide a caption for this image."
        told.append({"text": text, "answer": truth, "kind": "caption"})
    return told


def draw_scene(number: int, scene: Scene) -> dict[str, object]:
    """Draw one scene; return what the story says of it."""
    composition = playroom.compose(scene.concepts, scene.seed, background=scene.background)
    picture = playroom.render(composition, SIZE)
    file = f"scene-{number}.webp"
    save(picture, STORY / file)
    boxes = {thing.concept: list(thing.box) for thing in picture.things}
    return {
        "title": scene.title,
        "picture": file,
        "present": {name: boxes[one] for name, one in CAST.items() if one in boxes},
        "questions": asked(scene, picture),
    }


def main() -> None:
    """Write story, pictures and the three pictures of the README."""
    for folder in (STORY, PICTURES):
        folder.mkdir(parents=True, exist_ok=True)
    concepts = []
    for seed, (name, concept) in enumerate(CAST.items()):
        save(playroom.portrait(concept, seed, SIZE), STORY / f"{name}.webp")
        told = {"category": concept.category, "description": concept.describe(name)}
        concepts.append({"name": name, **told, "picture": f"{name}.webp"})
    questions = [
        {"text": text, "answer": CAST[name].attributes[kind], "kind": kind}
        for name, kind, text in FROM_MEMORY
    ]
    scenes = [draw_scene(number, scene) for number, scene in enumerate(SCENES, start=1)]
    story = {"concepts": concepts, "scenes": scenes, "questions": questions}
    text = json.dumps(story, indent=2, ensure_ascii=False)
    (STORY / "story.json").write_text(text + "\n", encoding="utf-8")
    for name in ("bo", "sunny"):
        save(playroom.portrait(CAST[name], 40, SIZE), PICTURES / f"{name}.png")
    both = playroom.compose([CAST["bo"], CAST["sunny"]], 41)
    save(playroom.render(both, SIZE), PICTURES / "both.png")


if __name__ == "__main__":
    main()
