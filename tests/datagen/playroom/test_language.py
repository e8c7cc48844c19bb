import re

import pytest

from datagen import playroom
from datagen.playroom import Composition, Placement


def picture_of(seed: int) -> tuple[playroom.Picture, dict[playroom.Concept, str]]:
    concepts = [playroom.sample_concept(500 * seed + i) for i in range(1 + seed % 4)]
    picture = playroom.render(playroom.compose(concepts, seed), 64)
    return picture, {concept: f"n{i}" for i, concept in enumerate(concepts)}


def test_a_caption_with_names_names_exactly_the_given() -> None:
    for seed in range(60):
        picture, names = picture_of(seed)
        text = playroom.caption(picture, names, seed)
        assert sorted(re.findall(r"<(\w+)>", text)) == sorted(names.values())
        some = dict(list(names.items())[:1])
        assert re.findall(r"<(\w+)>", playroom.caption(picture, some, seed)) == ["n0"]


def test_a_caption_without_names_describes_everything() -> None:
    for seed in range(40):
        picture, _ = picture_of(seed)
        text = playroom.caption(picture, seed=seed)
        assert "<" not in text
        assert text[0].isupper()
        assert text.endswith(".")
        assert all(thing.concept.category in text for thing in picture.things)


def test_captions_come_in_several_wordings() -> None:
    picture, names = picture_of(2)
    assert len({playroom.caption(picture, names, seed) for seed in range(30)}) >= 3


def test_what_clothes_hide_is_not_told_or_asked() -> None:
    person = playroom.sample_concept(4, category="person")
    dress = playroom.sample_concept(4, category="dress")
    placed = Placement(person, (0.1, 0.1, 0.9, 0.9), worn=(dress,))
    picture = playroom.render(Composition((placed,), None, 1))
    text = playroom.caption(picture, seed=1)
    assert f"in {person.color}" not in text
    assert f" wearing {dress.describe()}" in text
    asked = playroom.questions(picture, {person: "ann"}, [], 0)
    assert not {"color", "pattern"} & {question.kind for question in asked}


def test_answers_are_true() -> None:
    kinds = set()
    for seed in range(60):
        picture, names = picture_of(seed)
        stranger = playroom.stranger(seed)
        by_name = {f"<{name}>": concept for concept, name in names.items()}
        things = {thing.concept: thing for thing in picture.things}
        for question in playroom.questions(picture, names, [("zed", stranger)], seed):
            kinds.add(question.kind)
            if question.kind == "count":
                holders = [c for c in things if c.category in question.text]
                singular = {"person": "people"}
                holders += [c for c in things if singular.get(c.category, "-") in question.text]
                assert question.answer == str(len(set(holders))), question
                continue
            (name,) = re.findall(r"<\w+>", question.text)
            concept = by_name.get(name)
            if concept is None:
                assert (question.kind, question.answer, name) == ("presence", "No", "<zed>")
                continue
            truth = {
                "presence": "Yes",
                "color": concept.color,
                "pattern": concept.pattern,
                "action": things[concept].action,
                "position": playroom.position(things[concept], picture),
            }
            assert question.answer == truth[question.kind]
    assert kinds == {"presence", "color", "pattern", "position", "count", "action"}


def test_positions_are_read_from_the_box() -> None:
    ball, can = (playroom.sample_concept(2, category=word) for word in ("ball", "can"))
    places = (Placement(ball, (0, 0.4, 0.3, 0.9)), Placement(can, (0.7, 0.4, 1, 0.9)))
    picture = playroom.render(Composition(places, None, 1))
    assert [playroom.position(t, picture) for t in picture.things] == [
        "on the left",
        "on the right",
    ]


def test_an_absent_concept_that_is_present_is_refused() -> None:
    picture, names = picture_of(1)
    concept = next(iter(names))
    with pytest.raises(ValueError, match=r"^absent: 'bo'"):
        playroom.questions(picture, {}, [("bo", concept)], 0)
