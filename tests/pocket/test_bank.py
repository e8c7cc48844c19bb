from pathlib import Path

import numpy as np

from datagen import playroom
from pocket.bank import GRID, PORTRAITS, Bank, Plan, identities, make, patch_owners


def test_families_hold_an_identity_and_its_look_alikes(bank: Bank) -> None:
    for house in bank.families:
        categories = {bank.concepts[i].category for i in house}
        assert len(house) >= 2
        assert len(categories) == 1


def test_training_and_test_identities_are_disjoint() -> None:
    train = identities(Plan("train", families=60, scenes=0))
    test = identities(Plan("test", families=60, scenes=0))
    assert not set(train) & set(test)
    assert {c.split for c in train} == {"train"}


def test_every_identity_has_its_portraits(bank: Bank) -> None:
    assert len(bank.portraits) == PORTRAITS * len(bank.concepts)


def test_sightings_point_at_crops_of_that_identity(bank: Bank) -> None:
    for identity, rows in enumerate(bank.sightings):
        assert all(bank.who[row] == identity for row in rows)
    assert sum(map(len, bank.sightings)) == len(bank.crops)


def test_a_caption_names_who_has_a_name_and_describes_the_rest(bank: Bank) -> None:
    scene = next(s for s in range(len(bank.images)) if len(bank.people_of(s)) >= 2)
    first, *others = (int(bank.who[row]) for row in bank.people_of(scene))
    text = bank.caption(scene, {first: "<bo>"})
    assert "<bo>" in text
    assert "{" not in text
    for other in others:
        assert bank.concepts[other].category in text


def test_a_patch_belongs_to_the_thing_that_covers_it() -> None:
    concept = playroom.sample_concept(3, "test", "ball")
    picture = playroom.render(
        playroom.compose([concept], seed=1, boxes=[(0.5, 0.5, 1.0, 1.0)]), 160
    )
    owners = patch_owners(picture)
    assert owners.shape == (GRID, GRID)
    assert owners[5, 5] == 0
    assert owners[0, 0] == -1


def test_drawing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    plan = Plan("validation", families=3, scenes=6)
    whole = make(tmp_path / "a", plan, workers=1)
    folder = tmp_path / "b" / plan.folder
    folder.mkdir(parents=True)
    (folder / "scenes-0000.npz.partial").write_bytes(b"killed half-way")
    again = make(tmp_path / "b", plan, workers=1)
    assert np.array_equal(whole.images, again.images)
    assert np.array_equal(whole.crops, again.crops)
