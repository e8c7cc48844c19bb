"""The training bank: Playroom pictures drawn once, kept as memory-mapped arrays.

Training steps are short on two cores, so pictures are drawn ahead of time (by two processes,
resumable shard by shard) and every recipe reads the same arrays.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from datagen import playroom
from pocket.staging import dressed, stage

PIXELS = 160
"""A side of every picture, but for the detector's: what the vision tower looks at."""
GRID = 8
"""Patches a side of a picture: the vision tower's 20 px patches."""
PORTRAITS = 3
SHARP = 320
"""A side of what is drawn, before it is made smaller or cut: photos are large."""
SHARD = 500
ATTRIBUTES = ("category", "color", "color2", "pattern", "accessory", "build")


@dataclass(frozen=True)
class Plan:
    """How large a bank is and whose identities it draws."""

    split: str
    families: int
    """An identity together with its look-alikes is a family."""
    scenes: int
    seed: int = 0
    staged: float = 0.0
    """Share of scenes whose things stand in given boxes, see `pocket.staging`."""
    pixels: int = PIXELS
    """A side of a scene as it is kept; views cut from it are always of `PIXELS`."""
    letterboxed: bool = False
    """Views keep their shape, black beside them, as the CLIP sees them; else they are squashed, as
    the LLaVA sees them."""

    @property
    def folder(self) -> str:
        """The bank's own folder under the root."""
        words = [self.split, self.families, self.scenes, self.seed, self.staged or "",
                 f"{self.pixels}px", "letterboxed" if self.letterboxed else ""]  # fmt: skip
        return "-".join(str(word) for word in words if word != "")


def family(plan: Plan, index: int) -> list[playroom.Concept]:
    """An identity and one to three look-alikes at growing distance."""
    rng = np.random.default_rng([plan.seed, index, 11])
    category = str(rng.choice(playroom.CATEGORIES))
    founder = playroom.sample_concept(plan.seed * 1_000_003 + index, plan.split, category)
    members = [founder]
    for k in range(int(rng.integers(1, 4))):
        twin = playroom.look_alike(founder, distance=1 + k % 2, seed=index * 7 + k)
        if twin not in members:
            members.append(twin)
    return members


def identities(plan: Plan) -> list[playroom.Concept]:
    """All identities of a bank, family by family, without repeats."""
    every = (member for i in range(plan.families) for member in family(plan, i))
    return list(dict.fromkeys(every))


def cast(
    rng: np.random.Generator, ids: list[playroom.Concept], members: list[list[int]]
) -> list[int]:
    """Draws who is in a scene: one to four identities, sometimes with a look-alike beside."""
    count = int(rng.choice([1, 2, 3, 4], p=[0.3, 0.35, 0.25, 0.1]))
    chosen: list[int] = []
    while len(chosen) < count:
        house = members[int(rng.integers(len(members)))]
        wanted = 2 if rng.random() < 0.2 else 1
        for i in rng.permutation(house)[:wanted]:
            scenic = playroom.GROUPS[ids[i].category] == "scene"
            has_scene = any(playroom.GROUPS[ids[j].category] == "scene" for j in chosen)
            if i not in chosen and not (scenic and has_scene):
                chosen.append(int(i))
    return chosen[:4]


def draw_scenes(job: tuple[Plan, int, str]) -> None:
    """Draws one shard of scenes with the views cut out of them."""
    plan, shard, target = job
    ids = identities(plan)
    number = {concept: i for i, concept in enumerate(ids)}
    by_family = [[number[m] for m in family(plan, i)] for i in range(plan.families)]
    of_category: dict[str, list[int]] = {}
    for i, concept in enumerate(ids):
        of_category.setdefault(concept.category, []).append(i)
    images, grids, things, actions, texts, crops = [], [], [], [], [], []
    for index in range(shard * SHARD, min((shard + 1) * SHARD, plan.scenes)):
        rng = np.random.default_rng([plan.seed, index, 13])
        seed = plan.seed * 5_000_011 + index
        if plan.staged and rng.random() < plan.staged:
            who = (
                dressed(rng, ids, of_category) if rng.random() < 0.55 else cast(rng, ids, by_family)
            )
            composition = stage([ids[i] for i in who], seed, rng)
        else:
            composition = playroom.compose([ids[i] for i in cast(rng, ids, by_family)], seed)
        picture = playroom.render(composition, size=SHARP)
        photo = Image.fromarray(picture.image)
        images.append(
            np.asarray(photo.resize((plan.pixels, plan.pixels), Image.Resampling.BICUBIC))
        )
        grids.append(patch_owners(picture))
        texts.append(playroom.caption(picture, placeholders(picture), seed=index))
        for order, thing in enumerate(picture.things):
            if thing.concept not in number or thing.visible < 0.3:
                continue
            box = np.array(thing.box) * plan.pixels / SHARP
            things.append((index, order, number[thing.concept], *box, thing.visible))
            actions.append(thing.action)
            crops.append(cut(photo, thing.box, rng, plan.letterboxed))
    np.savez(
        target,
        images=np.stack(images),
        grids=np.stack(grids),
        things=np.array(things, np.float32),
        actions=np.array(actions),
        crops=np.stack(crops),
        texts=np.array(texts),
    )


def draw_portraits(job: tuple[Plan, int, str]) -> None:
    """Draws one shard of reference views, ``PORTRAITS`` an identity."""
    plan, shard, target = job
    ids = identities(plan)[shard * SHARD : (shard + 1) * SHARD]
    images = []
    for i, concept in enumerate(ids):
        for k in range(PORTRAITS):
            seed = (shard * SHARD + i) * 31 + k + plan.seed
            picture = playroom.portrait(concept, seed=seed, size=SHARP)
            rng = np.random.default_rng([seed, 17])
            main = max(picture.things, key=lambda t: (t.concept == concept, t.mask.sum()))
            whole = (0.0, 0.0, SHARP, SHARP)
            box = main.box if rng.random() < 0.6 else whole
            images.append(cut(Image.fromarray(picture.image), box, rng, plan.letterboxed))
    np.savez(target, images=np.stack(images))


def cut(
    photo: Image.Image, box: tuple[float, ...], rng: np.random.Generator, letterboxed: bool
) -> NDArray[np.uint8]:
    """Cuts a box as a detector would find it, a little off: [160, 160, 3]."""
    x1, y1, x2, y2 = box
    slack = rng.uniform(-0.06, 0.08, 4) * np.array([x2 - x1, y2 - y1, x2 - x1, y2 - y1])
    region = (
        max(0.0, x1 - slack[0]),
        max(0.0, y1 - slack[1]),
        min(float(photo.width), x2 + slack[2]),
        min(float(photo.height), y2 + slack[3]),
    )
    wide, high = region[2] - region[0], region[3] - region[1]
    scale = PIXELS / max(wide, high)
    shape = (max(1, round(scale * wide)), max(1, round(scale * high)))
    size = shape if letterboxed else (PIXELS, PIXELS)
    view = photo.resize(size, Image.Resampling.BICUBIC, box=region)
    return np.asarray(ImageOps.pad(view, (PIXELS, PIXELS)))


def patch_owners(picture: playroom.Picture) -> NDArray[np.int8]:
    """Which thing covers each patch of the 8 x 8 grid: its place in ``things``, or -1."""
    size = picture.size
    edges = np.linspace(0, size, GRID + 1).round().astype(int)
    shares = np.zeros((len(picture.things), GRID, GRID), np.float32)
    for i, thing in enumerate(picture.things):
        sums = np.add.reduceat(np.add.reduceat(thing.mask, edges[:-1], 0, int), edges[:-1], 1, int)
        weight = 0.25 if playroom.GROUPS[thing.concept.category] == "scene" else 1.0
        shares[i] = weight * sums / (size / GRID) ** 2
    best = shares.argmax(0)
    return np.where(shares.max(0) >= 0.2, best, -1).astype(np.int8)


def placeholders(picture: playroom.Picture) -> dict[playroom.Concept, str]:
    """A caption's ``<{k}>`` for the thing at place k: a name or a description goes there."""
    return {thing.concept: f"{{{k}}}" for k, thing in enumerate(picture.things)}


class Bank:
    """Read access to a drawn bank: N scenes, T things (views cut from scenes), I identities."""

    def __init__(self, root: Path, plan: Plan) -> None:
        self.plan = plan
        self.concepts = identities(plan)
        folder = root / plan.folder
        self.images: NDArray[np.uint8] = np.load(folder / "images.npy", mmap_mode="r")
        """[N, pixels, pixels, 3]"""
        self.grids: NDArray[np.int8] = np.load(folder / "grids.npy")
        """[N, 8, 8]: place of the thing that covers the patch, -1 for the backdrop"""
        self.crops: NDArray[np.uint8] = np.load(folder / "crops.npy", mmap_mode="r")
        """[T, 160, 160, 3]"""
        things: NDArray[np.float32] = np.load(folder / "things.npy")
        self.scene_of, self.order_of, self.who = things[:, :3].astype(np.int64).T
        self.boxes = things[:, 3:7]
        """[T, 4] x1, y1, x2, y2 in pixels of the scene"""
        self.portraits: NDArray[np.uint8] = np.load(folder / "portraits.npy", mmap_mode="r")
        """[3 I, 160, 160, 3]"""
        words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        self.texts: list[str] = words["texts"]
        """[N] captions; ``<{k}>`` stands for the thing at place k"""
        self.actions: list[str] = words["actions"]
        """[T]"""

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """[I, 6] attribute numbers, columns as in ``ATTRIBUTES``."""
        vocabulary = attribute_words()
        return np.array(
            [[vocabulary[a].index(c.attributes[a]) for a in ATTRIBUTES] for c in self.concepts]
        )

    def people_of(self, scene: int) -> list[int]:
        """Rows of the things in a scene."""
        low, high = np.searchsorted(self.scene_of, [scene, scene + 1])
        return list(range(int(low), int(high)))

    def caption(self, scene: int, names: dict[int, str]) -> str:
        """The scene's caption; things (by identity number) without a name are described."""
        text = self.texts[scene]
        for row in self.people_of(scene):
            who = int(self.who[row])
            spoken = names.get(who) or self.concepts[who].describe()
            text = text.replace(f"<{{{self.order_of[row]}}}>", spoken)
        return text[:1].upper() + text[1:]

    @cached_property
    def families(self) -> list[list[int]]:
        """Identity numbers, family by family."""
        number = {concept: i for i, concept in enumerate(self.concepts)}
        return [[number[m] for m in family(self.plan, i)] for i in range(self.plan.families)]

    @cached_property
    def sightings(self) -> list[NDArray[np.int64]]:
        """For each identity the things (rows of ``crops``) that show it."""
        order = np.argsort(self.who, kind="stable")
        bounds = np.searchsorted(self.who[order], np.arange(len(self.concepts) + 1))
        return [order[a:b] for a, b in pairwise(bounds)]


def attribute_words() -> dict[str, list[str]]:
    """Every closed attribute vocabulary, in a fixed order (read off many sampled concepts)."""
    seen: dict[str, set[str]] = {a: set() for a in ATTRIBUTES}
    for category in playroom.CATEGORIES:
        for seed in range(400):
            concept = playroom.sample_concept(seed, "train", category)
            for a in ATTRIBUTES:
                seen[a].add(concept.attributes[a])
    return {a: sorted(words) for a, words in seen.items()}


def make(root: Path, plan: Plan, workers: int = 2) -> Bank:
    """Draws what is missing of a bank, then opens it."""
    folder = root / plan.folder
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        scene_jobs = list(jobs(plan, folder, "scenes", plan.scenes))
        portrait_jobs = list(jobs(plan, folder, "portraits", len(identities(plan))))
        with ProcessPoolExecutor(workers) as pool:
            run(pool, draw_scenes, scene_jobs, f"scenes ({plan.split})")
            run(pool, draw_portraits, portrait_jobs, f"portraits ({plan.split})")
        join(folder, [Path(j[2]) for j in scene_jobs], [Path(j[2]) for j in portrait_jobs])
    return Bank(root, plan)


def jobs(plan: Plan, folder: Path, kind: str, count: int) -> Iterator[tuple[Plan, int, str]]:
    """The shards of one kind: (plan, shard, file)."""
    for shard in range(-(-count // SHARD)):
        yield plan, shard, str(folder / f"{kind}-{shard:04d}.npz")


def run(
    pool: ProcessPoolExecutor,
    work: Callable[[tuple[Plan, int, str]], None],
    todo: list[tuple[Plan, int, str]],
    title: str,
) -> None:
    """Draws the shards that are not there yet."""
    missing = [job for job in todo if not Path(job[2]).exists()]
    for _ in tqdm(pool.map(work, missing), total=len(missing), desc=title):
        pass


def join(folder: Path, scenes: list[Path], portraits: list[Path]) -> None:
    """Joins the shards into single arrays, so that training can map them into memory."""
    for name in ("images", "grids", "things", "crops"):
        np.save(folder / f"{name}.npy", np.concatenate([np.load(p)[name] for p in scenes]))
    np.save(folder / "portraits.npy", np.concatenate([np.load(p)["images"] for p in portraits]))
    words = {
        name: [str(t) for p in scenes for t in np.load(p)[name]] for name in ("texts", "actions")
    }
    (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")
    for shard in scenes + portraits:
        shard.unlink()
    (folder / "done").touch()
