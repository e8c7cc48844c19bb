"""What a system can't be asked is left out, with the reason."""

from dataclasses import replace

from evaluation.plan import Settings, plan
from evaluation.results import Part
from evaluation.samples import Control, Task
from evaluation.suiting import Profile, Suited, suited
from tests.evaluation.stripes import capabilities


def suited_for(settings: Settings, told: bool = False, **can: object) -> Suited:
    planned = plan(settings)
    profile = Profile(capabilities("x", **can), told)
    assert Profile.read(profile.form()) == profile
    return suited(profile, planned.samples, settings.memory_sizes)


def test_who_can_do_everything_is_asked_everything(settings: Settings) -> None:
    found = suited_for(settings)
    assert found.samples.keys() == plan(settings).samples.keys()
    assert found.left_out == {}


def test_the_plain_model_is_asked_what_needs_no_memory(settings: Settings) -> None:
    found = suited_for(settings, retrieval=False, text_only_qa=False)
    assert {part.task for part in found.samples} == {Task.RECOGNITION, Task.CAPTIONING}
    assert {part.control for part in found.samples} == {Control.NOTHING, Control.BLANK_PHOTO}
    assert {part.memory_size for part in found.samples} == {0, 4}
    assert found.left_out["retrieval"] == "it finds no concept by itself"
    assert found.left_out["recognition, no-memory"] == "it draws on no memory"
    assert "whatever its size" in found.left_out["recognition, memory of 8"]


def test_who_has_to_be_trained_is_asked_in_the_smallest_memory(settings: Settings) -> None:
    found = suited_for(
        settings, True, retrieval=False, training=True, real_time_edit=False, max_concepts_at_once=1
    )
    assert {part.memory_size for part in found.samples} == {4}
    assert "only in one memory, of 4" in found.left_out["recognition"]
    recognition = Part("world", Task.RECOGNITION, Control.NOTHING, 4)
    assert {len(one.asked) for one in found.samples[recognition]} == {1}
    assert found.left_out["recognition, multi"] == "it can be told of 1 at once"
    assert found.left_out["captioning, two"] == "it can be told of 1 at once"


def test_who_is_told_the_concepts_anyway_needs_no_true_references(settings: Settings) -> None:
    found = suited_for(settings, True, retrieval=False)
    assert found.left_out["recognition, true-references"] == "it is told the true concepts anyway"
    assert Part("world", Task.RECOGNITION, Control.SHUFFLED_REFERENCES, 0) in found.samples


def test_who_can_be_told_of_one_is_asked_what_captions_of_one_cost(settings: Settings) -> None:
    costs = replace(settings, tasks=(Task.COST,))
    found = suited_for(costs, True, retrieval=False, training=True, max_concepts_at_once=1)
    captions = [one for some in found.samples.values() for one in some if one.setting == "caption"]
    assert captions
    assert {len(one.present) for one in captions} == {1}
