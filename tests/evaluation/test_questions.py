"""Multiple choice: RAP's words, shuffled options, a letter back."""

from dataclasses import replace

from evaluation.manifest import Dataset, Question
from evaluation.samples import Task
from evaluation.tasks import questions
from evaluation.tasks.asking import Limits
from tests.evaluation.answering import answered, values
from tests.evaluation.test_queries import dataset

SEEN = Question("What color is <c0>?", ("red", "blue", "green"), "red", ("c0",), True)
UNSEEN = Question("What is <c0>?", ("a cup", "a dog"), "a dog", ("c0",), False)


def with_questions() -> Dataset:
    made = dataset(concepts=12, photos=1, settings=0, together=0, outside=0)
    photos = [replace(one, questions=(SEEN, UNSEEN)) for one in made.photos]
    return replace(made, photos=tuple(photos))


def test_options_are_shuffled_and_worded_as_raps() -> None:
    samples = questions.samples(with_questions(), Limits(), seed=0)
    assert len(samples) == 24
    visual = [one for one in samples if one.setting == "visual"]
    assert {one.truth["answer"] for one in visual} == {"red"}
    places = {one.truth["options"].index("red") for one in visual}
    assert places == {0, 1, 2}
    first = visual[0]
    options = first.truth["options"]
    assert first.question == (
        f"Question: What color is <c0>?\nOptions:\nA. {options[0]}\nB. {options[1]}\n"
        f"C. {options[2]}\nPlease give a single character from the options above. \n"
    )
    assert [one.photo for one in samples if one.setting == "text"] == [None] * 12
    again = questions.samples(with_questions(), Limits(), seed=0)
    assert [one.truth for one in again] == [one.truth for one in samples]
    other = questions.samples(with_questions(), Limits(), seed=1)
    assert [one.truth for one in other] != [one.truth for one in samples]


def test_an_unclear_answer_is_wrong_and_told() -> None:
    truth = {"answer": "red", "options": ["red", "blue"]}
    figures = questions.figures(
        [
            answered(Task.QUESTIONS, "red", truth, setting="visual"),
            answered(Task.QUESTIONS, None, truth, setting="visual", photo="2"),
            answered(Task.QUESTIONS, "blue", truth, setting="text", photo=""),
        ]
    )
    assert values(figures) == {("visual", "accuracy"): 0.5, ("text", "accuracy"): 0.0}
    assert [(one.unparsed, one.detail["chance"]) for one in figures] == [(1, 0.5), (0, 0.5)]
