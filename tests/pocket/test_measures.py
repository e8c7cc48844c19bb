import numpy as np
from PIL import Image

from pocket.measure_clip import Distances
from pocket.measure_llava import Sample, balanced_accuracy, blank, concept_f1, shuffled


def sample(truth: set[str], shade: int = 0) -> Sample:
    pictures = [Image.new("RGB", (4, 4), (shade + k,) * 3) for k in range(3)]
    return Sample("", pictures, 1, frozenset(truth))


def test_auroc_is_one_when_strangers_are_further_and_half_when_alike() -> None:
    near, far = np.linspace(0.1, 0.4, 50), np.linspace(0.5, 0.9, 50)
    right = np.ones(50, bool)
    assert Distances(near, right, far).auroc == 1.0
    rng = np.random.default_rng(0)
    same = Distances(rng.random(2000), np.ones(2000, bool), rng.random(2000))
    assert abs(same.auroc - 0.5) < 0.03


def test_a_name_takes_a_distance_below_the_strangers() -> None:
    found = Distances(np.array([0.2, 0.5]), np.array([True, False]), np.array([0.4, 0.7]))
    assert found.at(0.3) == (0.5, 0.0)
    assert found.at(0.6) == (0.5, 0.5)


def test_balanced_accuracy_of_always_yes_is_a_half() -> None:
    samples = [sample({"Yes"})] * 9 + [sample({"No"})]
    assert balanced_accuracy(samples, ["Yes."] * 10) == 0.5
    assert balanced_accuracy(samples, ["perhaps"] * 10) == 0.0


def test_concept_f1_counts_names_in_brackets_only() -> None:
    samples = [sample({"<bo>", "<mia>"}), sample({"<bo>"})]
    assert concept_f1(samples, ["<bo> sits beside mia.", "<bo> and <tom>."]) == 2 * 2 / (3 + 3)


def test_controls_take_away_the_photo_or_swap_the_references() -> None:
    first, second = sample({"Yes"}, 10), sample({"No"}, 100)
    grey, _ = blank([first, second])
    assert grey.pictures[1].getpixel((0, 0)) == (128, 128, 128)
    assert grey.pictures[0] is first.pictures[0]
    _, swapped = shuffled([first, second])
    assert swapped.pictures == [first.pictures[0], second.pictures[1], first.pictures[2]]
