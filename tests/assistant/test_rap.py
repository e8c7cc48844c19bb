"""RAP to the letter: against a re-statement of its retriever over a flat array, as FAISS has it."""

import numpy as np
import pytest
from PIL import Image

from memory_db import ConceptStore, Neighbour
from services.assistant.memory import Memory
from services.assistant.methods import method
from services.assistant.methods.rap import choose
from services.assistant.stages import Stages
from services.runtime.types import Detection, Turn
from tests.assistant.world import Bench, PaintDetector, Thing, apart, floats, paint

rap = method("rap")


def published(
    database: np.ndarray, crops: np.ndarray, mentioned: list[int], top_k: int
) -> dict[int, float]:
    """RAP's `retrieve`: database row to squared distance, in the order of its result."""
    result = dict.fromkeys(mentioned, 0.0)
    squared = ((crops[:, None] - database[None]) ** 2).sum(axis=2)  # IndexFlatL2
    nearest = np.argsort(squared, axis=1, kind="stable")[:, :2]
    flat_ids = nearest.flatten()
    flat = np.take_along_axis(squared, nearest, axis=1).flatten()
    for position in np.argsort(flat, kind="stable"):
        if len(result) >= top_k:
            break
        if int(flat_ids[position]) not in result:
            result[int(flat_ids[position])] = float(flat[position])
    return result


def unit(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    rows = rng.normal(size=(count, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(100))
def test_the_choice_is_that_of_the_published_retriever(seed: int) -> None:
    rng = np.random.default_rng(seed)
    database, crops = unit(rng, int(rng.integers(1, 12)), 8), unit(rng, int(rng.integers(0, 7)), 8)
    some = int(rng.integers(0, min(4, len(database) + 1)))
    mentioned = rng.permutation(len(database))[:some].tolist()
    top_k = int(rng.integers(1, 5))

    distances = np.linalg.norm(crops[:, None] - database[None], axis=2)
    rows = [
        [Neighbour(str(i), f"view {i}", float(row[i]), False) for i in np.argsort(row)[:2]]
        for row in distances
    ]
    chosen = choose(rows, [str(i) for i in mentioned], top_k)

    expected = published(database, crops, mentioned, top_k)
    assert [*mentioned, *(int(hit.neighbour.concept_id) for hit in chosen)] == list(expected)
    assert [hit.neighbour.distance**2 for hit in chosen] == pytest.approx(
        list(expected.values())[len(mentioned) :]
    )


async def test_every_stranger_gets_the_names_of_the_two_nearest(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    await bench.remember("rex", Thing("dog", 80))
    await bench.remember("cup", Thing("mug", 0))
    memory = await Memory.read(store)

    found = await rap.retrieve(memory, stages, paint(Thing("dog", 45)))

    assert [used.concept.name for used in found.accepted] == ["rex", "bo"]
    (region,) = found.regions
    assert [match.concept.name for match in region.matches] == ["rex", "bo"]
    assert [match.distance for match in region.matches] == pytest.approx([apart(35), apart(45)])
    assert all(match.accepted for match in region.matches)


async def test_two_neighbours_a_crop_and_the_nearest_two_of_all(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    for name, looks in (("a", 0), ("b", 10), ("c", 60), ("d", 70)):
        await bench.remember(name, Thing("dog", looks))
    photo = paint(Thing("dog", 2, (0, 0, 20, 20)), Thing("dog", 61, (50, 50, 70, 70)))

    found = await rap.retrieve(await Memory.read(store), stages, photo)

    matches = {region.box: region.matches for region in found.regions}
    assert [m.concept.name for m in matches[0, 0, 20, 20]] == ["a", "b"]
    assert [m.concept.name for m in matches[50, 50, 70, 70]] == ["c", "d"]
    assert [(used.concept.name, used.box) for used in found.accepted] == [
        ("c", (50, 50, 70, 70)),
        ("a", (0, 0, 20, 20)),
    ]


async def test_only_the_first_view_counts_and_rejected_ones_never_do(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0), Thing("dog", 80))
    await bench.remember("rex", Thing("dog", 40))
    view = (await bench.new_views(Thing("dog", 81)))[0]
    store.reject(bo.id, view)

    found = await rap.retrieve(await Memory.read(store), stages, paint(Thing("dog", 80)))

    assert [used.concept.name for used in found.accepted] == ["rex", "bo"]
    assert found.accepted[1].view_id == bo.views[0].id


async def test_a_photo_without_a_box_finds_nothing(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    found = await rap.retrieve(await Memory.read(store), stages, Image.new("RGB", (50, 50)))
    assert found.regions == ()
    assert found.accepted == ()


async def test_the_detector_is_asked_for_the_categories_in_the_order_they_came(
    bench: Bench, stages: Stages, store: ConceptStore, detector: PaintDetector
) -> None:
    for name, category in (("a", "teapot"), ("b", "dog"), ("c", "teapot"), ("d", "cat")):
        await bench.remember(name, Thing(category, 0))
    await rap.retrieve(await Memory.read(store), stages, paint())
    assert detector.asked[-1] == ("teapot", "dog", "cat")


async def test_an_empty_memory_asks_nobody(
    stages: Stages, store: ConceptStore, detector: PaintDetector
) -> None:
    found = await rap.retrieve(await Memory.read(store), stages, paint(Thing("dog", 0)))
    assert (found.regions, found.accepted, detector.asked) == ((), (), [])


async def test_boxes_are_rounded_to_two_decimals_and_slivers_left_out(
    bench: Bench, stages: Stages, store: ConceptStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.remember("bo", Thing("dog", 0))

    async def detect(*_: object) -> list[Detection]:
        return [
            Detection((20.1234, 20.5678, 59.999, 60.001), "dog", 0.9),
            Detection((1.0, 1.0, 1.2, 30.0), "dog", 0.2),
        ]

    monkeypatch.setattr(stages.detector, "detect", detect)
    found = await rap.retrieve(await Memory.read(store), stages, paint(Thing("dog", 0)))
    assert [region.box for region in found.regions] == [(20.12, 20.57, 60.0, 60.0)]


async def recalled(
    store: ConceptStore, stages: Stages, *parts: str | Image.Image
) -> list[tuple[str, float]]:
    used = await rap.recall(await Memory.read(store), stages, [Turn("user", parts)])
    return [(one.concept.name, one.score) for one in used]


async def test_bracketed_names_come_first_and_count_towards_the_list(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    for name, looks in (("a", 0), ("b", 30), ("c", 60)):
        await bench.remember(name, Thing("dog", looks))
    photo = paint(Thing("dog", 60))

    # A caption: the two nearest. A question that names one: that one, as in RAP's own scripts.
    assert [name for name, _ in await recalled(store, stages, photo, "Who?")] == ["c", "b"]
    assert await recalled(store, stages, photo, "Is <a> here?") == [("a", 0)]
    assert await recalled(store, stages, photo, "<c> <b> <a>?") == [("a", 0), ("b", 0), ("c", 0)]
    # A name without brackets is not seen, nor one in other letters.
    assert [name for name, _ in await recalled(store, stages, photo, "Is a here?")] == ["c", "b"]
    assert [name for name, _ in await recalled(store, stages, photo, "Is <A> here?")] == ["c", "b"]
    assert await recalled(store, stages, "What is <b>?") == [("b", 0)]
    assert await recalled(store, stages, "What is it?") == []


async def test_only_the_first_turn_is_looked_at(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    chat = [
        Turn("user", ("Hello",)),
        Turn("assistant", ("Hello",)),
        Turn("user", (paint(Thing("dog", 0)), "Is <bo> here?")),
    ]
    assert await rap.recall(await Memory.read(store), stages, chat) == []


async def test_present_is_what_is_on_the_list(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    concepts = [
        await bench.remember(name, Thing("dog", looks))
        for name, looks in (("a", 0), ("b", 30), ("c", 60))
    ]
    photo = paint(Thing("dog", 55))
    found = await rap.recognize(await Memory.read(store), stages, photo, concepts)
    assert [one.present for one in found] == [False, True, True]
    assert found[2].box == floats((20, 20, 60, 60))
    assert found[2].score == pytest.approx(np.cos(np.radians(5)), abs=1e-3)
