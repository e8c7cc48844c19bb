import re

import pytest

from datagen import playroom
from pocket.bank import Bank
from pocket.dialogue import RECOGNITION, Author, multiple_choice

ANSWERED = re.compile(r"Can you see (<[^>]+>) in this photo\? Answer")


@pytest.fixture
def author(bank: Bank) -> Author:
    return Author(bank, seed=5)


def test_recognition_answers_follow_who_is_in_the_photo(author: Author, bank: Bank) -> None:
    asked = {"Yes": 0, "No": 0}
    for k in range(300):
        scene = k % len(bank.images)
        talk = author.personal(scene)
        here = {int(bank.who[row]) for row in bank.people_of(scene)}
        names = re.findall(r"Name: (<[^>]+>),", talk.opening)
        present = {n for n, who in zip(names, talk.numbered, strict=True) if who in here}
        for question, answer in talk.turns:
            if found := ANSWERED.search(question):
                asked[answer] += 1
                assert (answer == "Yes") == (found[1] in present)
    assert min(asked.values()) > 0.3 * sum(asked.values())


def test_captions_name_only_who_is_there(author: Author, bank: Bank) -> None:
    for k in range(200):
        scene = k % len(bank.images)
        talk = author.personal(scene)
        here = {int(bank.who[row]) for row in bank.people_of(scene)}
        names = re.findall(r"Name: (<[^>]+>),", talk.opening)
        absent = {n for n, who in zip(names, talk.numbered, strict=True) if who not in here}
        for question, answer in talk.turns:
            if "caption" in question.lower():
                assert not absent & set(re.findall(r"<[^>]+>", answer))


def test_every_mark_has_its_picture(author: Author, bank: Bank) -> None:
    for k in range(60):
        seen = author.personal(k % len(bank.images)), author.spoken(seen=True)
        for talk in (*seen, author.plain(0), author.spoken(seen=False)):
            assert talk.opening.count("<image>") == len(talk.images)
            assert not any("<image>" in question for question, _ in talk.turns)


def test_both_layouts_are_drawn(author: Author) -> None:
    photos = {author.personal(0).photo > 0 for _ in range(40)}
    assert photos == {True, False}


def test_a_reference_is_never_cut_from_the_photo_itself(author: Author, bank: Bank) -> None:
    for k in range(200):
        scene = k % len(bank.images)
        for kind, row in author.personal(scene).images:
            assert kind != "crop" or bank.scene_of[row] != scene


def test_options_stand_in_the_published_wording() -> None:
    text = multiple_choice("What color is <bo>?", ["red", "blue"])
    assert text == (
        "Question: What color is <bo>?\nOptions:\nA. red\nB. blue\n"
        "Please give a single character from the options above. \n"
    )
    assert RECOGNITION.endswith("using a single word Yes or No.")


def test_a_letter_stands_for_the_true_answer_about_the_photo(author: Author, bank: Bank) -> None:
    letters = []
    for row in range(len(bank.boxes)):
        question, answer = author.about("<bo>", row)
        if not question.startswith("Question: "):
            continue
        letters.append(answer)
        chosen = dict(re.findall(r"^([A-D])\. (.*)$", question, re.MULTILINE))
        assert 2 <= len(chosen) == len(set(chosen.values()))
        if "doing" in question:
            assert chosen[answer] == bank.actions[row]
        else:
            left, _, right, _ = bank.boxes[row] / bank.images.shape[1]
            assert chosen[answer] == playroom.place_of(left, right, background=False)
    assert {"A", "B", "C"} <= set(letters)
