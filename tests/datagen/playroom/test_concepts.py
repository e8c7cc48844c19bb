import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen import playroom

SEEDS = st.integers(0, 10_000)
SPLITS = st.sampled_from(playroom.SPLITS)
CATEGORIES = st.sampled_from(playroom.CATEGORIES)


def differing(one: playroom.Concept, other: playroom.Concept) -> list[str]:
    return [name for name, word in one.attributes.items() if other.attributes[name] != word]


def test_a_seed_always_gives_the_same_concept() -> None:
    assert playroom.sample_concept(7, "test") == playroom.sample_concept(7, "test")
    assert playroom.sample_concept(7, "test") != playroom.sample_concept(8, "test")


def test_splits_never_share_a_combination_of_attributes() -> None:
    seen: dict[str, set[tuple[str, ...]]] = {}
    vectors: dict[str, set[tuple[object, ...]]] = {}
    for split in playroom.SPLITS:
        concepts = [playroom.sample_concept(seed, split) for seed in range(3000)]
        concepts += [playroom.stranger(seed, split) for seed in range(500)]
        concepts += [playroom.look_alike(c, 1 + i % 3, i) for i, c in enumerate(concepts[:1000])]
        assert {concept.split for concept in concepts} == {split}
        seen[split] = {tuple(concept.attributes.values()) for concept in concepts}
        vectors[split] = {(*c.attributes.values(), *c.proportions) for c in concepts}
    for one, other in itertools.combinations(playroom.SPLITS, 2):
        assert not seen[one] & seen[other]
        assert not vectors[one] & vectors[other]


def test_a_concept_cannot_be_moved_to_another_split() -> None:
    concept = playroom.sample_concept(3, "train")
    with pytest.raises(ValueError, match=r"^split: "):
        playroom.Concept(**concept.attributes, proportions=concept.proportions, split="test")


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, split=SPLITS, category=CATEGORIES, distance=st.integers(1, 5))
def test_a_look_alike_differs_in_as_many_attributes_as_asked(
    seed: int, split: str, category: str, distance: int
) -> None:
    concept = playroom.sample_concept(seed, split, category)
    twin = playroom.look_alike(concept, distance, seed)
    assert len(differing(concept, twin)) == distance
    assert (twin.category, twin.split) == (concept.category, concept.split)
    assert twin == playroom.look_alike(concept, distance, seed)


def test_every_category_has_several_look_alikes_that_are_seen_to_differ() -> None:
    for category in playroom.CATEGORIES:
        concept = playroom.sample_concept(5, "test", category)
        twins = {playroom.look_alike(concept, seed=seed) for seed in range(12)}
        assert len(twins) >= 4
        picture = playroom.portrait(concept, 2, 64).image.astype(int)
        for twin in twins:
            changed = abs(playroom.portrait(twin, 2, 64).image - picture).max(axis=2) > 25
            assert changed.sum() >= 12, (concept.describe(), twin.describe())


def test_strangers_are_not_the_concepts_of_the_same_seeds() -> None:
    known = {playroom.sample_concept(seed) for seed in range(200)}
    assert not known & {playroom.stranger(seed) for seed in range(200)}


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, split=SPLITS)
def test_a_description_uses_only_words_of_the_concept(seed: int, split: str) -> None:
    concept = playroom.sample_concept(seed, split)
    text = concept.describe("bo")
    assert text.startswith(f"<bo> is a {concept.build} ")
    assert text == f"<bo> is {concept.describe()}."
    assert concept.category in text
    mentioned = {word for word in playroom.COLORS if f" {word} " in text.replace(".", " ")}
    accessory = set(concept.accessory.split())
    assert mentioned - accessory == {concept.color, concept.color2} - accessory


def test_unknown_words_are_refused_by_field() -> None:
    with pytest.raises(ValueError, match=r"^category: 'dragon' is unknown"):
        playroom.sample_concept(1, category="dragon")
    with pytest.raises(ValueError, match=r"^split: 'dev' is unknown"):
        playroom.sample_concept(1, "dev")
    with pytest.raises(ValueError, match=r"^distance: 0"):
        playroom.look_alike(playroom.sample_concept(1), 0)


def test_every_table_of_words_covers_every_category() -> None:
    assert set(playroom.SECOND_PARTS) == set(playroom.CATEGORIES)
    assert set(playroom.GROUPS.values()) == set(playroom.ACTIONS) == set(playroom.ACCESSORIES)
    assert all(words[0] == "none" for words in playroom.ACCESSORIES.values())
