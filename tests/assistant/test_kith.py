from dataclasses import replace

import pytest
from PIL import Image

from memory_db import ConceptStore, Neighbour
from services.assistant.findings import Retrieval
from services.assistant.memory import Memory
from services.assistant.methods import method
from services.assistant.methods.deciding import (
    CALIBRATED,
    CROWD,
    SEVERAL,
    Candidate,
    Weights,
    candidates,
    decide,
)
from services.assistant.stages import Stages
from services.runtime.types import Turn
from tests.assistant.world import STRANGER_DISTANCE, Bench, PaintDetector, Thing, apart, paint

kith = method("kith")

WEIGHTS = Weights.of({})
"""Of a memory that is no crowd."""

LEFT, MIDDLE, RIGHT = (0, 0, 20, 20), (30, 0, 50, 20), (60, 0, 80, 20)


async def look(stages: Stages, store: ConceptStore, photo: Image.Image) -> Retrieval:
    return await kith.retrieve(await Memory.read(store), stages, photo)


def names(found: Retrieval) -> list[str]:
    return [used.concept.name for used in found.accepted]


# The decision alone


def row(**distances: float) -> dict[str, Candidate]:
    return {name: Candidate(name, f"view of {name}", d, False) for name, d in distances.items()}


def test_a_pair_at_the_stranger_distance_is_a_stranger() -> None:
    assert decide([row(bo=0.5)], 0.5) == {}
    assert decide([row(bo=0.49)], 0.5) == {0: row(bo=0.49)["bo"]}


def test_a_concept_is_in_the_region_that_is_nearest_to_it_and_in_no_other() -> None:
    rows = [row(bo=0.20, rex=0.25), row(bo=0.10, rex=0.45), row(rex=0.3)]
    assert decide(rows, 0.5) == {1: rows[1]["bo"], 2: rows[2]["rex"]}
    assert decide(rows[:2], 0.5) == {1: rows[1]["bo"]}  # a part of bo is not who looks like it
    assert decide([row(bo=0.1), row(bo=0.1)], 0.5) == {0: row(bo=0.1)["bo"]}


def test_a_rejected_pair_is_never_kept() -> None:
    rejected = {"bo": Candidate("bo", "view", 0.1, True)}
    assert decide([rejected], 0.5) == {}
    assert decide([rejected | row(rex=0.4)], 0.5)[0].concept_id == "rex"


@pytest.mark.parametrize("rows", [[], [{}], [{}, {}]])
def test_nothing_near_is_nothing_kept(rows: list[dict[str, Candidate]]) -> None:
    assert decide(rows, 0.5) == {}


def test_a_concept_is_as_near_as_its_nearest_view_unless_a_rejected_one_is_nearer() -> None:
    found = candidates(
        [
            Neighbour("rex", "r1", 0.3, True),
            Neighbour("bo", "b1", 0.2, False),
            Neighbour("bo", "b2", 0.25, False),
            Neighbour("bo", "b3", 0.4, True),
            Neighbour("rex", "r2", 0.35, False),
            Neighbour("max", "m1", 0.1, True),
        ],
        {"bo": 2, "rex": 1},
        WEIGHTS,
    )
    assert list(found.values()) == [
        Candidate("bo", "b1", 0.2, False),
        Candidate("rex", "r2", 0.35, True),
    ]


def test_of_many_views_the_nearest_quarter_counts_in_the_mean() -> None:
    row = [Neighbour("bo", f"b{n}", d, False) for n, d in enumerate((0.1, 0.2, 0.3, 0.5))]
    row.append(Neighbour("rex", "r", 0.6, False))
    for views, distance in ((4, 0.1), (5, 0.15), (9, 0.2), (13, 0.275)):
        found = candidates(row, {"bo": views, "rex": 1}, WEIGHTS)["bo"]
        assert found.distance == pytest.approx(SEVERAL * distance)


def test_a_single_view_counts_as_near_as_it_is() -> None:
    row = [Neighbour("bo", "b", 0.1, False)]
    assert candidates(row, {"bo": 1}, WEIGHTS)["bo"].distance == 0.1
    assert candidates(row, {"bo": 2}, WEIGHTS)["bo"].distance == 0.1


def test_views_that_no_search_brought_up_count_as_far_away_as_the_last_one() -> None:
    row = [Neighbour("bo", "b", 0.1, False), Neighbour("rex", "r", 0.7, False)]
    found = candidates(row, {"bo": 8, "rex": 1}, WEIGHTS)["bo"]
    assert found.distance == pytest.approx(SEVERAL * 0.4)


def test_a_concept_is_further_the_more_are_known_as_well_as_it() -> None:
    few = {f"few {n}": 1 + n % 2 for n in range(4 * CALIBRATED)}
    several = {f"several {n}": 3 for n in range(2 * CALIBRATED)}
    assert Weights.of(few) == (pytest.approx(4**CROWD), SEVERAL)
    assert Weights.of(few | several) == (
        pytest.approx(4**CROWD),
        pytest.approx(SEVERAL * 2**CROWD),
    )
    row = [Neighbour("few 0", "v", 0.1, False)]
    found = candidates(row, few, Weights.of(few))["few 0"]
    assert found.distance == pytest.approx(0.1 * 4**CROWD)


def test_in_no_memory_do_distances_count_less_than_they_are() -> None:
    for views in ({}, {"bo": 1}, {"bo": 5}, dict.fromkeys(map(str, range(CALIBRATED)), 1)):
        assert Weights.of(views) == (1, SEVERAL)


# Over a store and the painted world


async def test_all_concepts_of_a_photo_are_found_each_in_its_place(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("bo", Thing("dog", 10))
    await bench.remember("tom", Thing("cat", 40))
    await bench.remember("cup", Thing("mug", 70))
    photo = paint(Thing("mug", 71, LEFT), Thing("dog", 13, MIDDLE), Thing("cat", 42, RIGHT))

    found = await look(stages, store, photo)

    assert [(used.concept.name, used.box) for used in found.accepted] == [
        ("cup", LEFT),
        ("tom", RIGHT),
        ("bo", MIDDLE),
    ]
    assert (found.width, found.height) == (100, 80)
    scores = [used.score for used in found.accepted]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(stages.certainty(apart(1)), abs=1e-3)


async def test_a_stranger_gets_no_name(bench: Bench, stages: Stages, store: ConceptStore) -> None:
    await bench.remember("bo", Thing("dog", 0))
    found = await look(stages, store, paint(Thing("dog", 45)))
    assert found.accepted == ()
    (region,) = found.regions
    assert [(m.concept.name, m.accepted) for m in region.matches] == [("bo", False)]


async def test_a_second_view_makes_a_concept_known_from_there_too(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    assert names(await look(stages, store, paint(Thing("dog", 60)))) == []
    store.add_views(bo.id, await bench.new_views(Thing("dog", 62)))
    found = await look(stages, store, paint(Thing("dog", 60)))
    assert names(found) == ["bo"]
    assert found.accepted[0].view_id == store.get(bo.id).views[1].id


async def test_a_rejected_region_is_never_that_concept_again(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    assert names(await look(stages, store, paint(Thing("dog", 20)))) == ["bo"]
    store.reject(bo.id, (await bench.new_views(Thing("dog", 20)))[0])
    assert names(await look(stages, store, paint(Thing("dog", 18)))) == []
    assert names(await look(stages, store, paint(Thing("dog", 4)))) == ["bo"]


async def test_what_is_rejected_for_one_may_be_the_other(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    await bench.remember("rex", Thing("dog", 25))
    assert names(await look(stages, store, paint(Thing("dog", 12)))) == ["bo"]
    store.reject(bo.id, (await bench.new_views(Thing("dog", 12)))[0])
    assert names(await look(stages, store, paint(Thing("dog", 12)))) == ["rex"]


async def test_a_concept_is_in_a_photo_once(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    found = await look(stages, store, paint(Thing("dog", 2, LEFT), Thing("dog", 1, RIGHT)))
    assert [(used.concept.name, used.box) for used in found.accepted] == [("bo", RIGHT)]


async def test_the_whole_photo_is_looked_at_when_nothing_is_detected(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    store.update(bo.id, category="wolpertinger")
    found = await look(stages, store, paint(Thing("dog", 5)))
    (region,) = found.regions
    assert (region.box, region.category, region.score) == ((0, 0, 100, 80), "", 0)
    assert names(found) == ["bo"]


async def test_what_the_detector_has_no_word_for_is_looked_for_in_the_whole_photo_too(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    twin = await bench.remember("rex", Thing("dog", 9))
    beast = await bench.remember("beast", Thing("cat", 0))
    store.update(beast.id, category="wolpertinger")
    # The photo is as good as all cat, beside which a dog is detected.
    photo = paint(Thing("cat", 5, (0, 0, 90, 70)), Thing("dog", 1, (92, 72, 98, 78)))
    found = await look(stages, store, photo)
    assert [(used.concept.name, used.box) for used in found.accepted] == [
        ("bo", (92, 72, 98, 78)),
        ("beast", (0, 0, 100, 80)),
    ]
    # The whole photo is for such concepts alone: a twin gets no second chance by it.
    found = await look(stages, store, paint(Thing("dog", 0, (0, 0, 90, 70))))
    assert names(found) == ["bo"]
    assert twin.id not in {m.concept.id for m in found.regions[-1].matches}


async def test_an_empty_memory_looks_at_nothing(
    stages: Stages, store: ConceptStore, detector: PaintDetector
) -> None:
    found = await look(stages, store, paint(Thing("dog", 0)))
    assert (found.regions, found.accepted, detector.asked) == ((), (), [])


async def test_the_five_nearest_are_reported_and_the_accepted_one_always(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    dogs = [await bench.remember(f"d{looks}", Thing("dog", looks)) for looks in range(8)]
    (region,) = (await look(stages, store, paint(Thing("dog", 0)))).regions
    assert [m.concept.name for m in region.matches] == ["d0", "d1", "d2", "d3", "d4"]
    assert [m.accepted for m in region.matches] == [True] + [False] * 4
    for dog in dogs[:5]:
        store.reject(dog.id, (await bench.new_views(Thing("dog", 0)))[0])
    (region,) = (await look(stages, store, paint(Thing("dog", 0)))).regions
    assert [m.distance for m in region.matches] == sorted(m.distance for m in region.matches)
    assert [m.accepted for m in region.matches] == [False] * 5 + [True]


async def test_present_means_accepted_and_a_score_above_half(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    looks = {"bo": 0, "rex": 20, "max": 70}
    concepts = [await bench.remember(name, Thing("dog", d)) for name, d in looks.items()]
    memory = await Memory.read(store)

    found = await kith.recognize(memory, stages, paint(Thing("dog", 8, LEFT)), concepts)

    assert [one.present for one in found] == [True, False, False]
    assert found[0].box == LEFT
    assert found[0].score == pytest.approx(stages.certainty(apart(8)), abs=1e-3)
    assert found[0].view_id == concepts[0].views[0].id
    # The only region is taken, so that there is none left which could be rex.
    assert (found[1].score, found[1].box) == (0, None)

    both = paint(Thing("dog", 8, LEFT), Thing("dog", 18, RIGHT))
    found = await kith.recognize(memory, stages, both, concepts)
    assert [(one.present, one.box) for one in found[:2]] == [(True, LEFT), (True, RIGHT)]


async def test_what_is_absent_still_has_its_likeliest_place(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    photo = paint(Thing("dog", 40, LEFT), Thing("dog", 60, RIGHT))
    (found,) = await kith.recognize(await Memory.read(store), stages, photo, [bo])
    assert (found.present, found.box) == (False, LEFT)
    assert found.score == pytest.approx(stages.certainty(apart(40)), abs=1e-3)
    assert found.score < 0.5


@pytest.mark.parametrize(
    ("question", "recalled"),
    [
        ("Is <bo> here?", ["bo"]),
        ("Is bo here?", ["bo"]),
        ("Is Bo here?", []),
        ("A bottle, a hobo.", []),
        ("bo, and my cup!", ["bo", "my cup"]),
        ("<my cup> or <bo>?", ["bo", "my cup"]),
        ("What is it?", []),
    ],
)
async def test_what_the_question_names_is_recalled(
    bench: Bench, stages: Stages, store: ConceptStore, question: str, recalled: list[str]
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    await bench.remember("my cup", Thing("mug", 0))
    used = await kith.recall(await Memory.read(store), stages, [Turn("user", (question,))])
    assert [one.concept.name for one in used] == recalled
    assert all((one.score, one.box, one.image_index) == (0, None, None) for one in used)


async def test_a_chat_recalls_the_concepts_of_all_its_photos_the_oldest_first(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    for name, thing in (("a", Thing("dog", 0)), ("b", Thing("cat", 0)), ("c", Thing("mug", 0))):
        await bench.remember(name, thing)
    chat = [
        Turn("user", (paint(Thing("cat", 5, LEFT)), "Who?")),
        Turn("assistant", ("<c>",)),  # what the model says is no question
        Turn("user", (paint(Thing("cat", 1, RIGHT), Thing("dog", 3, LEFT)), "And here?")),
    ]
    used = await kith.recall(await Memory.read(store), stages, chat)
    assert [(one.concept.name, one.image_index, one.box) for one in used] == [
        ("a", 1, LEFT),
        ("b", 1, RIGHT),
        ("b", 0, LEFT),
    ]


async def test_a_name_may_look_like_a_pattern(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("c++ (old)", Thing("dog", 0))
    used = await kith.recall(
        await Memory.read(store), stages, [Turn("user", ("Is c++ (old) here?",))]
    )
    assert [one.concept.name for one in used] == ["c++ (old)"]


def test_certainty_is_half_at_the_stranger_distance_and_falls(stages: Stages) -> None:
    assert stages.certainty(STRANGER_DISTANCE) == 0.5
    assert stages.certainty(STRANGER_DISTANCE + 0.1) == pytest.approx(0.2689, abs=1e-4)
    assert stages.certainty(0) > 0.99
    assert 0 <= stages.certainty(2) < 0.01
    steep = replace(stages, distance_scale=1e-6)
    assert steep.certainty(2) == pytest.approx(0)
