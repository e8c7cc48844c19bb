import asyncio
import threading

import pytest
from PIL import Image

from kith.errors import InvalidInput
from services.assistant.concepts import reject
from services.assistant.memory import Memory
from services.assistant.methods import METHODS
from services.assistant.regions import (
    cut,
    cut_out,
    is_inside,
    overlap,
    require_inside,
    whole,
    without_doubles,
)
from services.assistant.views import Photo
from services.runtime.types import Detection
from tests.assistant.world import Bench, Thing, paint

PHOTO = Image.new("RGB", (100, 80))


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((10, 10, 20, 30), (10, 20)),
        ((10.4, 10.9, 20.1, 30.0), (11, 20)),  # whatever is touched is kept
        ((99.5, 79.5, 100, 80), (1, 1)),
        ((10.2, 10.2, 10.3, 10.3), (1, 1)),
        ((-5, -5, 200, 200), (100, 80)),
    ],
)
def test_a_crop_is_whole_pixels_and_never_empty(
    box: tuple[float, float, float, float], size: tuple[int, int]
) -> None:
    assert cut(PHOTO, box).size == size


@pytest.mark.parametrize(
    "box", [(-1, 0, 10, 10), (0, 0, 101, 10), (0, 0, 10, 81), (10, 0, 10, 10), (9, 9, 5, 20)]
)
def test_a_box_beyond_the_photo_is_refused_with_the_size_of_the_photo(
    box: tuple[float, float, float, float],
) -> None:
    with pytest.raises(InvalidInput, match="100 x 80") as refused:
        require_inside(PHOTO, box, "views[0].box")
    assert refused.value.field == "views[0].box"


def test_the_whole_photo_is_inside_itself() -> None:
    assert require_inside(PHOTO, whole(PHOTO), "box") == (0, 0, 100, 80)


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_a_part_lies_inside_but_for_a_rim() -> None:
    assert is_inside((0, 0, 10, 10), (1, 0, 50, 50))
    assert not is_inside((0, 0, 10, 10), (5, 0, 50, 50))


def test_of_two_boxes_of_one_thing_the_most_certain_stays() -> None:
    dog = Detection((0, 0, 10, 10), "dog", 0.5)
    plush = Detection((0, 0, 10, 11), "plush toy", 0.6)
    far = Detection((50, 50, 60, 60), "dog", 0.2)
    assert without_doubles([dog, plush, far]) == [plush, far]


async def test_large_photos_are_cut_off_the_event_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    crop = Image.Image.crop
    threads: list[int] = []

    def noted(self: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
        threads.append(threading.get_ident())
        return crop(self, box)

    dog = Thing("dog", 0)
    large = paint(dog, size=(800, 600))
    bo = await bench.remember("bo", dog)
    memory = await Memory.read(bench.store)
    monkeypatch.setattr(Image.Image, "crop", noted)
    for name in ("kith", "rap"):
        await METHODS[name].retrieve(memory, bench.stages, large)
    await reject(METHODS["kith"], bench.stages, bench.store, bo.id, Photo(large))
    assert len(threads) >= 4
    assert threading.get_ident() not in threads


def test_what_is_only_looked_at_is_kept_small() -> None:
    photo = Image.new("RGB", (5000, 3000))
    crops = asyncio.run(cut_out(photo, [(0, 0, 5000, 3000), (10, 10, 30, 40)]))
    assert [crop.size for crop in crops] == [(1024, 614), (20, 30)]
