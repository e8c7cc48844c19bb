import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as known

from evaluation.manifest import Box
from evaluation.metrics import Counts, iou, named, option, pr_curve, yes_or_no

ANSWERS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)


@settings(deadline=None)
@given(ANSWERS)
def test_measures_are_those_of_scikit_learn(answers: list[tuple[bool, bool]]) -> None:
    truths, said = zip(*answers, strict=True)
    found = sum((Counts.of(*one) for one in answers), Counts())
    assert found.total == len(answers)
    assert found.accuracy == pytest.approx(known.accuracy_score(truths, said))
    for name, score in (
        ("precision", known.precision_score),
        ("recall", known.recall_score),
        ("f1", known.f1_score),
    ):
        own = getattr(found, name)
        nan = score(truths, said, zero_division=np.nan)
        assert (np.nan if own is None else own) == pytest.approx(nan, nan_ok=True), name
    shares = [
        known.accuracy_score([t for t in truths if t == truth],
                             [s for t, s in answers if t == truth])
        for truth in set(truths)
    ]  # fmt: skip
    assert found.balanced_accuracy == pytest.approx(np.mean(shares))


def test_a_share_of_nothing_is_undefined() -> None:
    none = Counts()
    for measure in ("accuracy", "precision", "recall", "f1", "balanced_accuracy"):
        assert getattr(none, measure) is None, measure
    silent = Counts(tn=3, fn=2)
    assert (silent.precision, silent.recall, silent.f1) == (None, 0, 0)


def test_what_can_not_be_read_is_wrong_and_counted() -> None:
    found = Counts.of(True, None) + Counts.of(False, None) + Counts.of(True, True)
    assert found == Counts(tp=1, fp=1, fn=1, unparsed=2)
    assert found.accuracy == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yes", True),
        ("yes.", True),
        (" Yes, I can see <bo>.", True),
        ("**Yes**", True),
        ("__yes__", True),
        ("YES\nIt is", True),
        ("No", False),
        ("no.", False),
        ("'No'", False),
        ("**No**", False),
        ("No one is there. No.", False),
        ("Answer: Yes", True),
        ("**Answer**: no", False),
        ("The answer is no.", False),
        ("The answer is: **yes**", True),
        ("<bo> Yes", True),
        ("<bo>, <mika>: no", False),
        ("<yes>", True),
        ("Yes, <bo> and nobody else. There is no dog.", True),
        ("Yes, and no-one else", True),
        ("", None),
        ("Yes/No", None),
        ("yes or no", None),
        ("No or yes?", None),
        ("Yes or No question", None),
        ("Yes|No", None),
        ("Yes and no", None),
        ("Yes,no", None),
        ("Yes (no)", None),
        ("Yes\nNo", None),
        ("yes_no", None),
        ("No, but yes", None),
        ("No problem: yes", None),
        ("The answer is yes or no", None),
        ("The answer is not yes", None),
        ("Answer yes if you see <bo>", None),
        ("yesterday", None),
        ("Nothing", None),
        ("None", None),
        ("I think so", None),
    ],
)
def test_the_first_word_says_yes_or_no_unless_another_says_the_opposite(
    text: str, said: bool | None
) -> None:
    assert yes_or_no(text) is said


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        ("B", "Dog"),
        ("b", "Dog"),
        ("(B)", "Dog"),
        ("B.", "Dog"),
        (" B\n", "Dog"),
        ("B. Dog", "Dog"),
        ("B) dog.", "Dog"),
        ("B: a dog", "Dog"),
        ("dog", "Dog"),
        ("Dog.", "Dog"),
        ("on  the LEFT!", "On the left"),
        ("A. Dog", None),
        ("D", None),
        ("A dog", None),
        ("Cat or dog", None),
        ("The answer is B", "Dog"),
        ("The answer is (B).", "Dog"),
        ("the correct answer is: B. Dog", "Dog"),
        ("Answer: dog", "Dog"),
        ("**Answer:** B", "Dog"),
        ("The answer is A. Dog", None),
        ("The answer is a dog", None),
        ("", None),
        ("?", None),
    ],
)
def test_an_option_is_picked_by_letter_or_words(text: str, picked: str | None) -> None:
    assert option(text, ("Cat", "Dog", "On the left")) == picked


WORDS = st.text(st.characters(categories=["L", "N"]), min_size=2)


@settings(deadline=None)
@given(st.lists(WORDS, min_size=2, max_size=26, unique_by=str.casefold), st.data())
def test_every_option_can_be_picked(options: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(options) - 1))
    letter = chr(ord("A") + place)
    for text in (letter, f"({letter})", f"{letter}. {options[place]}", options[place]):
        assert option(text, options) == options[place]


def test_words_win_over_letters() -> None:
    assert option("B", ("B", "A")) == "B"


def test_names_stand_in_angle_brackets() -> None:
    caption = "<bo> and < mika > are beside <bo>, <Ghost> and <ZOE\u0301>; bo is < >, a<b."
    assert named(caption, {"bo", "mika", "zoé"}) == ["bo", "mika", "Ghost", "zoé"]


def test_capitals_matter_where_names_differ_in_them_alone() -> None:
    assert named("<Bo> and <BO>", {"bo", "Bo"}) == ["Bo", "BO"]


EDGES = st.tuples(*[st.integers(0, 12)] * 4).map(lambda e: (e[0], e[1], e[0] + e[2], e[1] + e[3]))


@settings(deadline=None)
@given(EDGES, EDGES)
def test_iou_is_that_of_the_pixels(a: Box, b: Box) -> None:
    masks = np.zeros((2, 24, 24), np.bool_)
    for mask, box in zip(masks, (a, b), strict=True):
        x1, y1, x2, y2 = map(int, box)
        mask[y1:y2, x1:x2] = True
    union = (masks[0] | masks[1]).sum()
    assert iou(a, b) == pytest.approx((masks[0] & masks[1]).sum() / union if union else 0)
    assert iou(a, b) == iou(b, a)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1).filter(
    lambda rows: any(truth for _, truth in rows)
))  # fmt: skip
def test_the_curve_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores, truths = zip(*rows, strict=True)
    curve = pr_curve(scores, truths)
    precisions, recalls, thresholds = known.precision_recall_curve(truths, scores)
    np.testing.assert_allclose(curve.thresholds, thresholds[::-1])
    np.testing.assert_allclose(curve.precisions, precisions[:-1][::-1])
    np.testing.assert_allclose(curve.recalls, recalls[:-1][::-1])


@pytest.mark.parametrize(
    ("scores", "truths"), [([0.5], [True, False]), ([float("nan")], [True]), ([0.5], [False])]
)
def test_a_curve_of_nothing_is_refused(scores: list[float], truths: list[bool]) -> None:
    with pytest.raises(ValueError, match=r"scores|truths"):
        pr_curve(scores, truths)
