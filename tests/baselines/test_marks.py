"""Marks stand where a concept's own patches find it, on photos of any shape, and can be read."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops
from torch.nn import functional as F  # noqa: N812

from services.baselines.marks import (
    Finder,
    Mark,
    centred,
    drawn,
    found,
    over_photo,
    similarity,
)

SIDE, GRID, WIDTH = 48, 6, 5


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_similarity_is_the_mean_cosine_with_the_bank() -> None:
    seen, banks = random(GRID * GRID, WIDTH), [random(3, WIDTH, seed=1), random(7, WIDTH, seed=2)]
    maps = similarity(seen, banks)
    assert maps.shape == (2, GRID, GRID)
    for number, bank in enumerate(banks):
        for row, column in ((0, 0), (2, 5), (5, 1)):
            patch = seen[row * GRID + column].numpy()
            cosines = [
                float(patch @ known / np.sqrt((patch**2).sum()) / np.sqrt((known**2).sum()))
                for known in bank.numpy()
            ]
            assert float(maps[number, row, column]) == pytest.approx(np.mean(cosines), rel=1e-9)


def test_the_mean_over_the_bank_may_come_before_the_enlargement() -> None:
    """The published order: a map for each patch of the bank, enlarged and cut, then their mean."""
    seen, bank = random(GRID * GRID, WIDTH), random(9, WIDTH, seed=1)
    cosines = (F.normalize(bank, dim=1) @ F.normalize(seen, dim=1).T).view(1, 9, GRID, GRID)
    large = F.interpolate(cosines, (SIDE, SIDE), mode="bilinear", align_corners=False)[0]
    expected = large[:, 12:36].mean(0)  # a photo twice as wide as high
    ours = over_photo(similarity(seen, [bank]), SIDE, (400, 200))[0]
    assert torch.allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("size", "shape"),
    [((77, 77), (48, 48)), ((400, 200), (24, 48)), ((200, 400), (48, 24)), ((1000, 10), (1, 48))],
)
def test_maps_have_the_shape_of_the_photo(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert over_photo(random(2, GRID, GRID), SIDE, size).shape == (2, *shape)


def test_centring_is_the_published_formula() -> None:
    maps = random(3, 4, 7)
    plain = maps.numpy()
    for number, ours in enumerate(centred(maps).numpy()):
        s = plain[number]
        a = s - (plain[0] + plain[1] + plain[2]) / 3
        share = (a - a.min()) / (a.max() - a.min())
        assert ours == pytest.approx(s.min() + share * (s.max() - s.min()), abs=1e-12)


def test_a_single_concept_keeps_its_map_and_so_do_equal_ones() -> None:
    one = random(1, 4, 7)
    assert torch.equal(centred(one), one)
    twice = one.expand(2, 4, 7)
    assert torch.equal(centred(twice), twice)


@pytest.mark.parametrize(("width", "height"), [(90, 90), (120, 60), (60, 120)])
def test_a_mark_stands_in_the_patch_that_is_most_like_the_concept(width: int, height: int) -> None:
    seen, row, column = random(GRID * GRID, WIDTH), 3, 2
    own = seen[row * GRID + column][None]
    maps = over_photo(similarity(seen, [own, -own]), SIDE, (width, height))
    mark, other = found(maps, (width, height), Finder(tau=0.9, gamma=0))
    assert mark is not None
    assert other is None
    patch = max(width, height) / GRID
    left = (column * patch) - (max(width, height) - width) / 2
    top = (row * patch) - (max(width, height) - height) / 2
    assert left <= mark.x <= left + patch
    assert top <= mark.y <= top + patch
    x1, y1, x2, y2 = mark.box
    assert 0 <= x1 <= mark.x <= x2 <= width
    assert 0 <= y1 <= mark.y <= y2 <= height


def test_a_concept_is_seen_from_tau_and_gamma_on() -> None:
    one = torch.zeros(1, 10, 10)
    one[0, 4, 2:6] = 0.5  # four hundredths of the photo
    assert found(one, (20, 20), Finder(0.49, 0.039)) != [None]
    assert found(one, (20, 20), Finder(0.49, 0.041)) == [None]
    assert found(one, (20, 20), Finder(0.51, 0.0)) == [None]


def test_the_published_settings_are_the_defaults() -> None:
    assert Finder() == Finder(tau=0.318, gamma=100 / 256**2)


def test_the_box_bounds_the_region_around_the_place_and_no_other() -> None:
    one = torch.zeros(2, 10, 20)
    one[1, 2:4, 3:8] = 0.6
    one[1, 3, 5] = 0.7
    one[1, 8, 15] = 0.65
    _, mark = found(one, (200, 100), Finder(0.5, 0))
    assert mark == Mark(2, 55.0, 35.0, (30.0, 20.0, 80.0, 40.0))


@pytest.mark.parametrize("color", ["white", "black", "gray", "red"])
def test_a_number_can_be_read_on_any_color(color: str) -> None:
    photo = Image.new("RGB", (160, 120), color)
    marked = drawn(photo, [Mark(3, 80, 60, (0, 0, 1, 1))])
    changed = ImageChops.difference(photo.resize(marked.size), marked).getbbox()
    around = marked.convert("L").crop((68, 48, 92, 72))
    assert np.ptp(np.asarray(around).astype(int)) > 180
    assert changed is not None
    assert changed[2] - changed[0] < 40
    assert photo.getcolors() == [(160 * 120, photo.getpixel((0, 0)))]  # itself untouched


@pytest.mark.parametrize("place", [(0, 0), (159, 0), (0, 119), (159.5, 119.5)])
def test_a_mark_at_the_edge_is_inside(place: tuple[float, float]) -> None:
    photo = Image.new("RGB", (160, 120), "gray")
    middle = drawn(photo, [Mark(12, 80, 60, (0, 0, 1, 1))])
    edge = drawn(photo, [Mark(12, *place, (0, 0, 1, 1))])

    def changed(marked: Image.Image) -> int:
        return sum(pixel != (128, 128, 128) for pixel in marked.get_flattened_data())

    assert changed(edge) == pytest.approx(changed(middle), rel=0.15)


def test_different_numbers_look_different_and_none_changes_nothing() -> None:
    photo = Image.new("RGB", (160, 120), "gray")
    one, two = (drawn(photo, [Mark(n, 80, 60, (0, 0, 1, 1))]) for n in (1, 2))
    assert one.tobytes() != two.tobytes()
    assert drawn(photo, []).tobytes() == photo.tobytes()
    assert drawn(Image.new("RGB", (3, 2)), [Mark(1, 1, 1, (0, 0, 1, 1))]).size == (3, 2)
