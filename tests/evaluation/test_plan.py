"""The plan: which parts there are, about what, and with which memory."""

import json
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from evaluation import folder
from evaluation.check import problems
from evaluation.datasets import read
from evaluation.extent import FULL, QUICK, WHOLE, Extent
from evaluation.plan import Planned, Settings, laid_down, plan
from evaluation.results import Part
from evaluation.samples import Control, Task
from evaluation.systems.system import Memory
from kith.errors import InvalidInput
from tests.evaluation.making import pictures, write
from tests.evaluation.stripes import write_further, write_world


def names(memory: Memory) -> set[str]:
    return {one.name for one in memory.concepts}


def memory_of(planned: Planned, part: Part) -> Memory:
    """The memory that all of a part is asked with."""
    (turn,) = planned.turns[part]
    return turn.memory


def test_every_part_has_its_samples_and_its_memory(settings: Settings) -> None:
    planned = plan(replace(settings, tasks=()))
    parts = planned.samples.keys()
    assert planned.memories.keys() == parts
    assert {part.control for part in parts} == set(Control)
    assert {part.memory_size for part in parts} == {0, 4, 8}
    assert not any(part.control and part.memory_size for part in parts)
    own = Part("world", Task.RECOGNITION, Control.NOTHING, 0)
    assert len(planned.samples[own]) == 5 * 2 * 5 + (2 * 3 + 4) + 3 * 5 + 3 * 5
    assert names(memory_of(planned, own)) == {"bo", "mika", "lina", "tor", "ada"}
    larger = memory_of(planned, own._replace(memory_size=8))
    assert names(larger) > names(memory_of(planned, own))
    # Each size is asked about the photos of the smallest one's concepts.
    sized = [planned.samples[own._replace(memory_size=size)] for size in (4, 8)]
    assert [one.id for one in sized[0]] == [one.id for one in sized[1]]
    smallest = names(memory_of(planned, own._replace(memory_size=4)))
    assert {name for one in sized[0] for name in one.present} <= smallest
    # A control asks nothing that the method as it is was not asked.
    everything = {one.id for one in planned.samples[own]}
    for control in Control:
        under = planned.samples[own._replace(control=control)]
        assert {one.id for one in under} <= everything
    edited = memory_of(planned, Part("world", Task.EDITS, Control.NOTHING, 0))
    assert edited.fingerprint not in {
        memory_of(planned, part).fingerprint for part in parts if part.task is not Task.EDITS
    }
    assert planned.total == sum(map(len, planned.samples.values()))


def test_the_whole_of_it_is_every_photo_and_all_queries_of_the_thesis(
    settings: Settings, tmp_path: Path
) -> None:
    world = write_world(tmp_path, singles=80)
    asked = replace(settings, datasets=(world,), memory_sizes=())
    own = Part("world", Task.RECOGNITION, Control.NOTHING, 0)
    counted = {
        extent: len(plan(replace(asked, extent=extent)).samples[own]) for extent in (FULL, WHOLE)
    }
    outside = 3 * 5 + 3 * 5
    assert counted[WHOLE] == 5 * 80 * 5 + (2 * 3 + 4) + outside  # 4.2.2: C·T·C, joint, outside
    assert counted[FULL] < counted[WHOLE]


def test_what_there_is_nothing_to_ask_of_is_told(settings: Settings, tmp_path: Path) -> None:
    assert {one["task"] for one in plan(replace(settings, tasks=())).nothing_to_ask} == {
        "questions",
        "grounding",
    }
    world = write_world(tmp_path)
    told = json.loads((world / "manifest.json").read_text("utf-8"))
    for one in told["concepts"].values():
        one.pop("alike", None)
    (world / "manifest.json").write_text(json.dumps(told), "utf-8")
    bare = replace(settings, datasets=(world,), outside=None, outside_multi=None, tasks=())
    assert [*plan(bare).nothing_to_ask] == [
        {"dataset": "world", "task": task, "why": f"there is no {why}"}
        for task, why in (
            ("questions", "question with options"),
            ("strangers", "photo of nobody"),
            ("look-alikes", "photo of one concept that has a look-alike"),
            ("grounding", "photo that tells where a concept is"),
        )
    ]


@pytest.mark.parametrize("asked", [QUICK, FULL])
def test_controls_ask_what_the_method_as_it_is_is_asked(
    asked: Extent, settings: Settings, tmp_path: Path
) -> None:
    """Though there is more of everything than a run asks about."""
    world = write_world(tmp_path, singles=6)
    for kind, number in product(("outside", "outside-multi"), range(3, 60)):
        shutil.copy(tmp_path / kind / "0.png", tmp_path / kind / f"{number}.png")
    planned = plan(
        replace(
            settings,
            datasets=(world,),
            outside=tmp_path / "outside",
            outside_multi=tmp_path / "outside-multi",
            memory_sizes=(),
            extent=asked,
        )
    )
    controls = [part for part in planned.samples if part.control]
    assert len(controls) >= 10
    for part in controls:
        own = {one.id for one in planned.samples[part._replace(control=Control.NOTHING)]}
        assert {one.id for one in planned.samples[part]} <= own


def test_several_memories_of_the_smallest_size_are_asked_about_what_each_holds(
    settings: Settings,
) -> None:
    asked = replace(settings.asked, memories=3)
    planned = plan(replace(settings, tasks=(), memory_sizes=(2, 8), extent=asked))
    part = Part("world", Task.RETRIEVAL, Control.NOTHING, 2)
    assert {len(turn.memory.concepts) for turn in planned.turns[part]} == {2}
    held = [names(turn.memory) for turn in planned.turns[part]]
    assert len(held) == 2, "the fifth concept is left over"
    assert not held[0] & held[1]
    for memory, samples in planned.turns[part]:
        assert {one for sample in samples for one in (*sample.asked, *sample.present)} == names(
            memory
        )
    # The larger memory is one, and is asked the same.
    larger = part._replace(memory_size=8)
    assert [one.id for one in planned.samples[part]] == [one.id for one in planned.samples[larger]]
    assert len({turn.memory.fingerprint for turn in planned.turns[larger]}) == 1
    for one, samples in planned.samples.items():
        assert len({sample.id for sample in samples}) == len(samples), one.file
    # A stranger is nobody's, whoever is remembered; the price is that of one memory.
    for task in (Task.STRANGERS, Task.COST):
        assert len(planned.turns[part._replace(task=task)]) == 1


def test_no_stranger_is_asked_about_twice_of_one_memory(
    settings: Settings, world: Path, tmp_path: Path
) -> None:
    again = shutil.copytree(world, tmp_path / "again")
    further = write_further(tmp_path)
    shared = replace(settings, datasets=(world, further, again), tasks=(Task.STRANGERS,))
    planned = plan(shared)
    for size in (0, 4, 8):
        asked = {
            part.dataset: [(one.setting, one.photo) for one in samples]
            for part, samples in planned.samples.items()
            if part.memory_size == size and not part.control
        }
        assert asked.keys() == {"world", "further"}
        both = [*asked["world"], *asked["further"]]
        assert len(set(both)) == len(both) == 3 + 3 + 6


def test_tasks_and_controls_can_be_chosen(settings: Settings) -> None:
    chosen = replace(
        settings, tasks=(Task.CAPTIONING,), controls=(Control.NOTHING,), memory_sizes=()
    )
    assert list(plan(chosen).samples) == [Part("world", Task.CAPTIONING, Control.NOTHING, 0)]
    chosen = replace(chosen, controls=(Control.BLANK_PHOTO,))
    assert [part.control for part in plan(chosen).samples] == ["", "blank-photo"]


def test_a_plan_is_the_same_for_the_same_things_and_no_others(
    settings: Settings, tmp_path: Path
) -> None:
    told = plan(settings).told
    assert plan(replace(settings, shard=(1, 2), concurrency=9)).told == told
    copy = write_world(tmp_path)
    assert plan(replace(settings, datasets=(copy,))).told == told
    for other in (
        replace(settings, seed=1),
        replace(settings, methods=("other",)),
        replace(settings, memory_sizes=(4,)),
        replace(settings, extent=None, quick=True),
        replace(settings, datasets=(write_world(tmp_path / "more", singles=3),)),
    ):
        assert plan(other).told != told


@pytest.mark.parametrize("controls", [(), (Control.NOTHING,), (Control.BLANK_PHOTO,)])
def test_settings_that_were_laid_down_ask_the_same(
    settings: Settings, controls: tuple[Control, ...], tmp_path: Path
) -> None:
    planned = plan(replace(settings, extent=None, quick=True, seed=3, controls=controls))
    folder.lay_down(tmp_path, planned.told, planned.places)
    assert laid_down(tmp_path).told == planned.told


def test_a_fingerprint_is_of_all_that_changes_an_answer(settings: Settings) -> None:
    planned = plan(settings)
    part = Part("world", Task.RECOGNITION, Control.NOTHING, 0)
    prints = [
        planned.fingerprint(part, {"models": ["a"]}),
        planned.fingerprint(part, {"models": ["b"]}),
        planned.fingerprint(part._replace(control=Control.NO_MEMORY), {"models": ["a"]}),
        planned.fingerprint(part._replace(memory_size=4), {"models": ["a"]}),
        plan(replace(settings, seed=1)).fingerprint(part, {"models": ["a"]}),
    ]
    assert len(set(prints)) == len(prints)


def test_the_extent_follows_from_quick_unless_it_is_given(settings: Settings) -> None:
    assert replace(settings, extent=None).asked is FULL
    assert replace(settings, extent=None, quick=True).asked is QUICK


def test_a_dataset_that_nothing_can_be_asked_of_is_refused_as_check_tells_it(
    settings: Settings, tmp_path: Path
) -> None:
    entry = {"category": "dog", "train": ["1.png"], "test": ["2.png"]}
    pictures(tmp_path, "1.png", "2.png")

    def refused(*names: str) -> str:
        write(tmp_path / "manifest.json", {"concepts": dict.fromkeys(names, entry)})
        with pytest.raises(InvalidInput) as caught:
            plan(replace(settings, datasets=(tmp_path,)))
        assert caught.value.field == "data"
        return str(caught.value)

    assert "there is no concept; add one, or leave the folder out" in refused()
    assert "concept '<bo>' holds angle brackets" in refused("<bo>")
    assert "call it 'bo' in the dataset" in refused("<bo>")


def test_a_control_that_one_concept_can_not_have_is_left_out_unless_it_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    entry = {"category": "dog", "train": ["1.png"], "test": ["2.png"]}
    write(tmp_path / "manifest.json", {"concepts": {"bo": entry}})
    pictures(tmp_path, "1.png", "2.png")
    alone = replace(settings, datasets=(tmp_path,), memory_sizes=())
    planned = plan(alone)
    controls = {part.control for part in planned.samples}
    assert controls == {*Control} - {Control.SHUFFLED_REFERENCES}
    left_out = {
        "dataset": tmp_path.name,
        "task": "shuffled-references",
        "why": "it takes two concepts",
    }
    assert left_out in planned.nothing_to_ask
    out = tmp_path / "out"
    folder.lay_down(out, planned.told, planned.places)
    assert laid_down(out).nothing_to_ask == planned.nothing_to_ask
    chosen = replace(alone, controls=(Control.BLANK_PHOTO,))
    assert left_out not in plan(chosen).nothing_to_ask
    with pytest.raises(InvalidInput, match="shuffled-references needs two concepts; leave it out"):
        plan(replace(alone, controls=(Control.SHUFFLED_REFERENCES,)))


def test_a_photo_of_one_who_is_no_concept_is_refused_as_check_tells_it(
    settings: Settings, tmp_path: Path
) -> None:
    write(tmp_path / "seeds" / "concepts.yaml", "bo: {category: dog}")
    row = {"file_name": "1.png", "source": "real", "concepts": ["ghost"]}
    write(tmp_path / "test" / "metadata.jsonl", f"{json.dumps(row)}\n")
    pictures(tmp_path, "seeds/bo/train/1.png", "test/1.png")
    said = "test/1.png shows 'ghost', which is no concept"
    assert said in problems(read(tmp_path))
    with pytest.raises(InvalidInput, match=f"data: .*: {said}; add it, or take it out"):
        plan(replace(settings, datasets=(tmp_path,)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shard": (2, 2)}, "shard: 2/2 is none; give I/N"),
        ({"methods": ()}, "methods: none; give one or more"),
        ({"methods": ("kith", "kith")}, "methods: kith, kith; give one or more, each once"),
        ({"datasets": ()}, "data: none; give one or more"),
        ({"memory_sizes": (0,)}, "memory_sizes: 0 concepts; give 1 or more"),
        ({"memory_sizes": (99,)}, "99 concepts need 94 beside the datasets' own"),
        ({"concurrency": 0}, "concurrency: 0; give 1 or more"),
        ({"datasets": (Path("/nowhere"),)}, "data: /nowhere: is no folder; name one that holds"),
        ({"distractors": Path("/nowhere")}, "distractors: /nowhere: is no folder; name one that"),
    ],
)
def test_what_can_not_be_planned_is_told(
    settings: Settings, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        plan(replace(settings, **changed))  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_a_photo_that_is_missing_is_named(settings: Settings, tmp_path: Path) -> None:
    world = write_world(tmp_path)
    (world / "bo" / "0.png").unlink()
    with pytest.raises(InvalidInput, match=r"data: can't read .*bo/0\.png"):
        _ = plan(replace(settings, datasets=(world,))).told


def test_other_photos_of_the_same_concepts_are_asked_about_only_as_they_are(
    settings: Settings, tmp_path: Path
) -> None:
    again = write_world(tmp_path, singles=1)
    again = again.rename(again.with_name("again"))
    planned = plan(replace(settings, datasets=(*settings.datasets, again)))
    parts = [part for part in planned.samples if part.dataset == "again"]
    assert parts
    assert all(not part.control and not part.memory_size for part in parts)


def test_two_datasets_of_one_name_are_refused(settings: Settings, tmp_path: Path) -> None:
    other = write_world(tmp_path)
    with pytest.raises(InvalidInput, match="two datasets are called 'world'"):
        plan(replace(settings, datasets=(*settings.datasets, other)))
