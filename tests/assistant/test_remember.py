import asyncio
from collections.abc import Sequence

import pytest
from PIL import Image

from kith.errors import AlreadyExists, InvalidInput
from memory_db import Concept, ConceptStore
from services.assistant import prompts
from services.assistant.remember import Remembered, Wish, check, remember
from services.assistant.stages import Stages
from services.assistant.views import Photo
from services.runtime import images
from services.runtime.types import Box, Turn
from tests.assistant.world import Bench, Parrot, Thing, apart, paint

LEFT, RIGHT = (0, 0, 30, 30), (60, 10, 90, 50)


async def told(
    stages: Stages,
    store: ConceptStore,
    *photos: Image.Image,
    box: Box | None = None,
    category: str = "",
    description: str = "",
    name: str = "bo",
) -> Concept:
    taken = [Photo(photo, box, f"views[{number}]") for number, photo in enumerate(photos)]
    return (await remember(stages, store, Wish(name, category, description, taken))).concept


def stored(store: ConceptStore, concept: Concept) -> list[tuple[Box | None, tuple[int, int]]]:
    return [
        (view.box, images.decode(store.photo(view.blob), field="photo").size)
        for view in concept.views
    ]


async def test_a_photo_of_one_thing_is_all_that_is_needed(
    stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    photo = paint(Thing("dog", 10, RIGHT))

    bo = await told(stages, store, photo)

    assert (bo.name, bo.category, bo.description) == ("bo", "dog", "A thing on black.")
    assert stored(store, bo) == [(RIGHT, (30, 40))]
    ((turn,),) = parrot.asked
    assert turn == Turn("user", (photo.crop(RIGHT), "\n" + prompts.CAPTION))


async def test_words_that_are_given_are_taken(
    stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    bo = await told(
        stages, store, paint(Thing("dog", 0)), category=" Puppy ", description="<bo> is small."
    )
    assert (bo.category, bo.description) == ("puppy", "<bo> is small.")
    assert parrot.asked == []


async def test_a_box_is_taken_as_it_is_and_says_the_category(
    stages: Stages, store: ConceptStore
) -> None:
    photo = paint(Thing("dog", 0, LEFT, 0.95), Thing("mug", 0, RIGHT, 0.5))
    mug = await told(stages, store, photo, box=(58.0, 9.0, 91.0, 51.0))
    assert mug.category == "mug"
    assert stored(store, mug) == [((58, 9, 91, 51), (33, 42))]


async def test_a_box_around_nothing_known_is_a_thing(stages: Stages, store: ConceptStore) -> None:
    photo = paint(Thing("dog", 0, LEFT))
    assert (await told(stages, store, photo, box=(50.0, 40.0, 70.0, 60.0))).category == "thing"


async def test_without_a_region_the_whole_photo_is_the_view(
    stages: Stages, store: ConceptStore
) -> None:
    hill = await told(stages, store, paint(), name="hill")
    assert hill.category == "thing"
    assert stored(store, hill) == [(None, (100, 80))]


async def test_a_region_the_detector_doubts_is_no_region(
    stages: Stages, store: ConceptStore
) -> None:
    bo = await told(stages, store, paint(Thing("dog", 0, LEFT, 0.15)))
    assert stored(store, bo) == [(None, (100, 80))]


async def test_several_things_alike_likely_are_listed(stages: Stages, store: ConceptStore) -> None:
    photo = paint(Thing("dog", 0, LEFT, 0.9), Thing("mug", 0, RIGHT, 0.8))
    with pytest.raises(InvalidInput, match=r"dog 0,0,30,30; mug 60,10,90,50") as refused:
        await told(stages, store, photo)
    assert refused.value.reason == "SEVERAL_REGIONS"
    assert refused.value.field == "views[0].box"
    assert refused.value.metadata == {"boxes": "0,0,30,30 60,10,90,50"}


@pytest.mark.parametrize(
    ("things", "box"),
    [
        # The other thing is far less certain.
        ([Thing("dog", 0, LEFT, 0.9), Thing("mug", 0, RIGHT, 0.4)], LEFT),
        # A small thing on a large one is a part of it.
        ([Thing("dog", 0, (0, 0, 80, 80), 0.8), Thing("mug", 0, (20, 20, 40, 40), 0.9)], None),
    ],
)
async def test_one_thing_that_stands_out_is_meant(
    stages: Stages, store: ConceptStore, things: Sequence[Thing], box: Box | None
) -> None:
    bo = await told(stages, store, paint(*things))
    assert bo.category == "dog"
    assert bo.views[0].box == (box or (0, 0, 80, 80))


async def test_a_category_picks_its_most_certain_region(
    stages: Stages, store: ConceptStore
) -> None:
    photo = paint(
        Thing("mug", 0, LEFT, 0.9),
        Thing("dog", 0, RIGHT, 0.8),
        Thing("dog", 9, (35, 0, 50, 9), 0.7),
    )
    assert (await told(stages, store, photo, category="dog")).views[0].box == RIGHT


async def test_later_photos_are_searched_for_what_the_first_one_shows(
    stages: Stages, store: ConceptStore
) -> None:
    both = paint(Thing("mug", 0, LEFT, 0.9), Thing("dog", 0, RIGHT, 0.8))
    bo = await told(stages, store, paint(Thing("dog", 0, LEFT)), both)
    assert [view.box for view in bo.views] == [LEFT, RIGHT]


async def test_the_same_photo_twice_does_no_harm(stages: Stages, store: ConceptStore) -> None:
    photo = paint(Thing("dog", 0))
    bo = await told(stages, store, photo, photo)
    assert len(bo.views) == 2
    assert bo.views[0].blob == bo.views[1].blob


async def test_a_box_outside_its_photo_is_refused(stages: Stages, store: ConceptStore) -> None:
    with pytest.raises(InvalidInput, match="100 x 80") as refused:
        await told(stages, store, paint(), box=(0.0, 0.0, 300.0, 20.0))
    assert refused.value.field == "views[0].box"


@pytest.mark.parametrize("name", ["", "image", "</s>", "a|b"])
async def test_a_name_that_can_not_be_is_refused_before_any_model_works(
    stages: Stages, store: ConceptStore, name: str
) -> None:
    with pytest.raises(InvalidInput, match="display_name"):
        await told(stages, store, paint(Thing("dog", 0)), name=name)
    assert stages.detector.asked == []  # type: ignore[attr-defined]


async def test_a_retry_makes_one_concept(stages: Stages, store: ConceptStore) -> None:
    wish = Wish("bo", "dog", "A dog.", [Photo(paint(Thing("dog", 0)))], request_id="r1")
    first, second = await asyncio.gather(
        remember(stages, store, wish), remember(stages, store, wish)
    )
    assert first.concept.id == second.concept.id
    assert len(store.list().concepts) == 1


async def test_what_looks_alike_is_told_and_remembered_all_the_same(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    for name, looks in (("far", 60), ("bo", 10), ("rex", 20)):
        await bench.remember(name, Thing("dog", looks))
    wish = Wish("new", "dog", "A dog.", [Photo(paint(Thing("dog", 5)))])

    asked = await check(stages, store, wish)

    assert [one.concept.name for one in asked] == ["bo", "rex"]
    assert [one.distance for one in asked] == pytest.approx([apart(5), apart(15)], abs=1e-5)
    assert store.find("new") is None
    made = await remember(stages, store, wish)
    assert isinstance(made, Remembered)
    assert [one.concept.name for one in made.similar] == ["bo", "rex"]


async def test_a_check_refuses_what_remember_would(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    with pytest.raises(AlreadyExists):
        await check(stages, store, Wish("bo", "", "", [Photo(paint())]))
    with pytest.raises(InvalidInput, match="description"):
        await check(stages, store, Wish("rex", "", "x" * 2001, [Photo(paint())]))
