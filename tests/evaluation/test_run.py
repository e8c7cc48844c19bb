"""A run: everything is asked once, in whatever pieces, and the results are the same."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from evaluation import folder, provenance, results, run
from evaluation.gathering import gather
from evaluation.plan import Settings, laid_down, plan
from evaluation.run import Progress
from evaluation.samples import Control, Task
from evaluation.suiting import Profile
from evaluation.systems.system import Memory, Remembering
from kith.errors import InvalidInput, KithError, Refused, Unavailable
from kith.messages import Answer, Model
from tests.evaluation.stripes import StripeSession, StripeSystem, capabilities, write_world

SOME = (Task.RECOGNITION, Task.RETRIEVAL, Task.CAPTIONING)


@pytest.fixture
def small(settings: Settings) -> Settings:
    """A few hundred questions."""
    return replace(settings, tasks=SOME, controls=(Control.SHUFFLED_REFERENCES,), memory_sizes=(4,))


def measure(
    settings: Settings,
    out: Path,
    *systems: StripeSystem,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> results.Results:
    by_name = {one.name: one.opened for one in systems or (StripeSystem(),)}
    return run.run(settings, out, by_name, tell)


def told(out: Path) -> dict[str, Any]:
    form: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    del form["seconds"]  # they are never the same twice
    return form


def lines(out: Path) -> list[str]:
    """Every answered sample of every journal, with the journal that it stands in."""
    found = []
    for path in sorted(out.glob("answers/*/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if "said" in entry and not entry["said"]["error"]:
                found.append(f"{path.parent.name} {entry['part']} {entry['said']['sample']}")
    return found


def test_all_is_asked_and_the_controls_take_something_away(small: Settings, tmp_path: Path) -> None:
    seen: list[Progress] = []
    found = measure(replace(small, tasks=(), memory_sizes=(4, 8)), tmp_path, tell=seen.append)
    assert found.complete
    assert results.read(tmp_path).figures == found.figures
    value = {
        (one.task, one.control, one.memory_size, one.setting, one.metric): one.value
        for one in found.figures
    }
    for size in (0, 4, 8):
        assert value[Task.RECOGNITION, "", size, "weighted", "f1"] == 1
        assert value[Task.CAPTIONING, "", size, "multi", "recall"] == 1
    assert value[Task.STRANGERS, "", 0, "outside", "false_accepts"] == 0
    assert value[Task.LOOK_ALIKES, "", 0, "single", "accuracy"] == 1
    assert value[Task.EDITS, "", 0, "all", "seen"] == 1
    shuffled = Control.SHUFFLED_REFERENCES
    assert value[Task.RECOGNITION, shuffled, 0, "single", "recall"] == 0
    assert value[Task.RETRIEVAL, shuffled, 0, "single", "recall"] == 0
    assert found.methods["stripes"]["models"][0]["fingerprint"] == "1"
    assert found.datasets["world"]["concepts"] == 5
    assert found.settings["memory"] == 5
    assert found.versions["kith"]
    last = seen[-1]
    assert (last.done, last.failed) == (last.planned, 0)
    assert last.planned == len(lines(tmp_path))


def test_each_of_several_memories_is_asked_about_what_it_holds(
    small: Settings, tmp_path: Path
) -> None:
    system = StripeSystem()
    several = replace(small.asked, memories=2)
    chosen = replace(small, controls=(Control.NOTHING,), memory_sizes=(2, 8), extent=several)
    found = measure(chosen, tmp_path, system)
    assert found.complete
    assert len(system.sessions) == 4, "its own, two of two, and the one of eight"
    right = {
        (one.memory_size, one.metric): one.value
        for one in found.figures
        if one.task is Task.CAPTIONING and one.setting == "single"
    }
    # Nobody is named whom the memory doesn't hold.
    assert right[2, "recall"] == right[8, "recall"] == 1


def test_an_identical_run_gives_identical_results(small: Settings, tmp_path: Path) -> None:
    measure(small, tmp_path / "a")
    measure(replace(small, concurrency=8), tmp_path / "b")
    assert told(tmp_path / "a") == told(tmp_path / "b")
    assert set(lines(tmp_path / "a")) == set(lines(tmp_path / "b"))


def test_what_is_answered_is_not_asked_again(small: Settings, tmp_path: Path) -> None:
    measure(small, tmp_path)
    before, again = told(tmp_path), StripeSystem()
    measure(small, tmp_path, again)
    assert again.asked == again.sessions == []
    assert told(tmp_path) == before


def test_a_run_that_is_stopped_goes_on(small: Settings, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(small, tmp_path / "a", tell=stop)
    first = lines(tmp_path / "a")
    assert 100 < len(first) < plan(small).total
    measure(small, tmp_path / "a")
    everything = lines(tmp_path / "a")
    assert len(everything) == len(set(everything)) == plan(small).total
    measure(small, tmp_path / "b")
    assert told(tmp_path / "a") == told(tmp_path / "b")


def test_a_further_method_joins_a_run_that_is_over(small: Settings, tmp_path: Path) -> None:
    alone, both = replace(small, methods=("kith",)), replace(small, methods=("kith", "rap"))
    measure(alone, tmp_path / "a", StripeSystem("kith"))
    kith, rap = StripeSystem("kith"), StripeSystem("rap")
    measure(both, tmp_path / "a", kith, rap)
    assert kith.asked == [] != rap.asked
    measure(both, tmp_path / "b", StripeSystem("kith"), StripeSystem("rap"))
    assert told(tmp_path / "a") == told(tmp_path / "b")


def test_a_folder_that_is_moved_keeps_its_photos(small: Settings, tmp_path: Path) -> None:
    """Half is asked in one place and half in another; the dataset lies in the folder."""

    def stop(progress: Progress) -> None:
        if progress.done > 100:
            raise KeyboardInterrupt

    def beneath(out: Path) -> Settings:
        outside = small.outside and out / "data" / "outside"
        return replace(small, datasets=(out / "data" / "world",), outside=outside)

    first, then = tmp_path / "first", tmp_path / "then"
    for name in ("world", "outside"):
        shutil.copytree(small.datasets[0].parent / name, first / "data" / name)
    with pytest.raises(KeyboardInterrupt):
        measure(beneath(first), first, tell=stop)
    first.rename(then)
    measure(beneath(then), then)
    shown = {one.sample.photo for one in results.answers(then) if one.sample.photo}
    assert all(photo.is_file() for photo in shown)
    there = {photo.name for photo in shown if photo.is_relative_to(then)}
    assert {"bo-lina.png", "1.png"} <= there
    # Those that lie elsewhere are found there.
    assert {photo.parent.name for photo in shown if not photo.is_relative_to(then)} == {
        "outside-multi"
    }
    for path in then.glob("answers/*/*.jsonl"):
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_the_revisions_under_which_was_asked_are_told(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(progress: Progress) -> None:
        if progress.done > 100:
            raise KeyboardInterrupt

    monkeypatch.setattr(provenance, "revision", lambda: "first")
    with pytest.raises(KeyboardInterrupt):
        measure(small, tmp_path, tell=stop)
    monkeypatch.setattr(provenance, "revision", lambda: "second")
    assert measure(small, tmp_path).asked_under == ("first", "second")
    monkeypatch.setattr(provenance, "revision", lambda: "third")
    measure(small, tmp_path)  # only computes the figures
    found = results.read(tmp_path)
    assert (found.revision, found.asked_under) == ("third", ("first", "second"))


def test_what_failed_is_asked_again(small: Settings, tmp_path: Path) -> None:
    def fail(question: str) -> KithError | None:
        return KithError("it broke", reason="BROKEN") if "<lina>" in question else None

    seen: list[Progress] = []
    found = measure(small, tmp_path / "a", StripeSystem(fails=fail), tell=seen.append)
    assert not found.complete
    assert seen[-1].failed == seen[-1].planned - seen[-1].done > 0
    assert seen[-1].problem == "it broke"
    again = StripeSystem()
    assert measure(small, tmp_path / "a", again).complete
    assert all("<lina>" in question for question in again.asked)
    measure(small, tmp_path / "b")
    assert told(tmp_path / "a") == told(tmp_path / "b")


def test_a_system_that_is_gone_ends_the_run_and_keeps_the_answers(
    small: Settings, tmp_path: Path
) -> None:
    gone = Unavailable("server: nobody answers", reason="RPC_UNAVAILABLE")
    with pytest.raises(Unavailable):
        measure(small, tmp_path, StripeSystem(fails=lambda q: gone if "<tor>" in q else None))
    assert lines(tmp_path)
    assert not any("nobody" in path.read_text() for path in tmp_path.glob("answers/*/*"))


def test_shares_together_are_one_run(small: Settings, tmp_path: Path) -> None:
    measure(small, tmp_path / "whole")
    systems = [StripeSystem() for _ in range(3)]
    for index, system in enumerate(systems):
        found = measure(replace(small, shard=(index, 3)), tmp_path / "shared", system)
        assert found.complete is (index == 2)
        assert system.asked
    assert told(tmp_path / "whole") == told(tmp_path / "shared")
    assert len(lines(tmp_path / "shared")) == plan(small).total
    # What one request answers, one worker asks.
    asked = sum(system.asked.count("recognize") for system in systems)
    again = StripeSystem()
    measure(small, tmp_path / "again", again)
    assert asked == again.asked.count("recognize")


def test_workers_that_end_at_once_write_one_after_the_other(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(replace(small, tasks=(Task.RETRIEVAL,)), tmp_path)
    both = Barrier(2)
    met = []

    def revision() -> str:
        with suppress(BrokenBarrierError):
            met.append(both.wait(timeout=0.5))
        return ""

    monkeypatch.setattr(provenance, "revision", revision)
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(gather, laid_down(tmp_path), tmp_path) for _ in range(2)]
        assert all(end.result().complete for end in ends)
    assert met == []


def test_one_of_the_workers_trains_and_asks_all_of_a_method_that_trains(
    small: Settings, tmp_path: Path
) -> None:
    can = capabilities("stripes", training=True, retrieval=False)
    measure(small, tmp_path / "whole", StripeSystem(told=True, capabilities=can))
    systems = [StripeSystem(told=True, capabilities=can) for _ in range(3)]
    for index, system in enumerate(systems):
        measure(replace(small, shard=(index, 3)), tmp_path / "shared", system)
    assert [bool(system.asked) for system in systems] == [True, False, False]
    assert [bool(system.remembered) for system in systems] == [True, False, False]
    assert told(tmp_path / "whole") == told(tmp_path / "shared")


@pytest.fixture
def trained(small: Settings, tmp_path: Path) -> StripeSystem:
    """One that trains, and a folder in which it is to be asked."""
    planned = plan(small)
    folder.lay_down(tmp_path, planned.told, planned.places)
    can = capabilities("stripes", training=True, retrieval=False)
    return StripeSystem(told=True, capabilities=can)


def test_a_method_that_trains_is_left_to_the_worker_that_is_at_it(
    small: Settings, tmp_path: Path, trained: StripeSystem
) -> None:
    with folder.taken(tmp_path, "stripes", (0, 2)) as is_mine:
        assert is_mine
        for shard in ((1, 2), (1, 3)):
            assert not measure(replace(small, shard=shard), tmp_path, trained).complete
    assert not trained.asked


def test_who_has_begun_a_method_that_trains_goes_on_with_it(
    small: Settings, tmp_path: Path, trained: StripeSystem
) -> None:
    with folder.taken(tmp_path, "stripes", (0, 2)):
        pass
    opened = []
    told: list[Progress] = []

    @contextmanager
    def opening() -> Iterator[StripeSystem]:
        opened.append(1)
        yield trained

    def measured(shard: tuple[int, int]) -> bool:
        asked = replace(small, shard=shard)
        return run.run(asked, tmp_path, {"stripes": opening}, told.append).complete

    folder.introduce(tmp_path, "stripes", Profile.of(trained).form(), "")
    assert not measured((1, 2))
    assert not opened  # nothing is started for nothing
    assert (told[-1].planned, told[-1].done) == (0, 0)
    assert measured((0, 2))
    assert opened
    assert trained.asked


@pytest.mark.parametrize("shard", [(0, 1), (1, 3)])
def test_workers_of_another_number_begin_what_trains_anew(
    small: Settings, tmp_path: Path, trained: StripeSystem, shard: tuple[int, int]
) -> None:
    with folder.taken(tmp_path, "stripes", (0, 2)):
        pass
    assert measure(replace(small, shard=shard), tmp_path, trained).complete


def test_what_shares_began_one_worker_can_end(small: Settings, tmp_path: Path) -> None:
    measure(replace(small, shard=(1, 2)), tmp_path / "a")
    assert measure(small, tmp_path / "a").complete
    measure(small, tmp_path / "b")
    assert told(tmp_path / "a") == told(tmp_path / "b")


def test_each_memory_is_entered_once_and_edits_have_their_own(
    settings: Settings, tmp_path: Path
) -> None:
    system = StripeSystem()
    measure(settings, tmp_path, system)
    assert len(system.sessions) == len(set(system.sessions)) == 5  # own, edits, shuffled, 4 and 8


def test_methods_are_compared_on_the_same_samples(small: Settings, tmp_path: Path) -> None:
    both = replace(small, methods=("stripes", "blind"), controls=(Control.NOTHING,))
    blind = StripeSystem("blind", near=0.0, capabilities=capabilities("blind"))
    found = measure(both, tmp_path, StripeSystem(), blind)
    one = next(
        one
        for one in found.comparisons
        if (one["task"], one["setting"], one["memory_size"]) == ("recognition", "multi", 0)
    )
    assert one["methods"] == ["stripes", "blind"]
    assert (one["samples"], one["only_first"], one["only_second"]) == (10, 10, 0)
    assert one["p"] == pytest.approx(2 / 2**10)


def test_damaged_files_are_named_and_what_helps(small: Settings, tmp_path: Path) -> None:
    measure(small, tmp_path)
    before = told(tmp_path)
    found, laid_down = tmp_path / "results.json", tmp_path / "plan.json"
    for torn in (found.read_bytes()[:-40], b"{}", b"[]"):
        found.write_bytes(torn)
        with pytest.raises(Refused, match=rf"out: {found} is damaged: .*; the same kith evaluate"):
            results.read(tmp_path)
    laid_down.write_bytes(laid_down.read_bytes()[:100])
    for call in (lambda: measure(small, tmp_path), lambda: [*results.answers(tmp_path)]):
        with pytest.raises(Refused, match=rf"out: {laid_down} is damaged: .*; delete it; the same"):
            call()
    laid_down.unlink()
    again = StripeSystem()
    measure(small, tmp_path, again)
    assert again.asked == []
    assert told(tmp_path) == before


def test_a_figure_that_is_no_number_is_named(small: Settings, tmp_path: Path) -> None:
    measure(replace(small, tasks=(Task.RETRIEVAL,)), tmp_path)
    form = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    form["figures"][1]["value"] = "x"
    (tmp_path / "results.json").write_text(json.dumps(form), encoding="utf-8")
    with pytest.raises(Refused, match=r"results.json is damaged: .* \(value: 'x' is no number\); "):
        results.read(tmp_path)


@pytest.mark.parametrize("control", [Control.NOTHING, Control.BLANK_PHOTO])
def test_a_picture_that_is_not_whole_is_named(
    control: Control, small: Settings, tmp_path: Path
) -> None:
    world = write_world(tmp_path)
    damaged = world / "bo" / "0.png"
    damaged.write_bytes(b"no picture")

    class Looking(StripeSession):
        def ask(self, question: str, photo: bytes | None, concepts: Sequence[str] | None) -> Answer:
            if photo == b"no picture":
                said = "turns[0].parts[0].image: truncated or damaged; send the whole file"
                raise InvalidInput(said, reason="IMAGE_DAMAGED")
            return super().ask(question, photo, concepts)

    class System(StripeSystem):
        @contextmanager
        def session(self, memory: Memory, remembering: Remembering) -> Iterator[StripeSession]:
            session = Looking(self)
            for concept in memory.concepts:
                session.remember(concept)
            yield session

    seen: list[Progress] = []
    chosen = replace(small, datasets=(world,), tasks=(Task.RECOGNITION,), memory_sizes=())
    measure(replace(chosen, controls=(control,)), tmp_path / "out", System(), tell=seen.append)
    assert seen[-1].failed
    assert seen[-1].problem.startswith(f"{damaged}: ")


def test_another_run_in_the_folder_is_refused(small: Settings, tmp_path: Path) -> None:
    measure(small, tmp_path)
    with pytest.raises(Refused, match=r"settings\.seed was 0 and is 1"):
        measure(replace(small, seed=1), tmp_path)
    half = replace(small, tasks=(Task.RECOGNITION,))
    with pytest.raises(Refused, match=r"settings.tasks was \[.*\] and is \[\"recognition\"\]"):
        measure(half, tmp_path)


def test_other_models_in_the_folder_are_refused(small: Settings, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(small, tmp_path, tell=stop)
    other = StripeSystem(capabilities=capabilities("stripes", version="2"))
    with pytest.raises(Refused, match=r'stripes\.version was "1" and is "2"'):
        measure(small, tmp_path, other)


@pytest.mark.parametrize(("first", "then"), [("", "1"), ("1", "")])
def test_a_run_goes_on_whether_a_model_is_away_when_it_starts_or_not(
    small: Settings, tmp_path: Path, first: str, then: str
) -> None:
    def stop(progress: Progress) -> None:
        if progress.done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(small, tmp_path, of_model(first), tell=stop)
    before = lines(tmp_path)
    measure(small, tmp_path, of_model(then))
    measure(small, tmp_path, of_model(first))
    assert set(before) < set(lines(tmp_path))
    found = results.read(tmp_path)
    assert found.complete
    assert found.methods["stripes"]["models"][0]["fingerprint"] == first


def of_model(fingerprint: str) -> StripeSystem:
    models = (Model("generation", "stripes", fingerprint),)
    return StripeSystem(capabilities=capabilities("stripes", models=models))


def test_a_method_that_nobody_knows_is_refused(small: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing is known of 'ghost'; give some of stripes"):
        measure(replace(small, methods=("ghost",)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_request_answers_all_about_a_photo(small: Settings, tmp_path: Path) -> None:
    system = StripeSystem()
    chosen = replace(small, tasks=(Task.RETRIEVAL,), controls=(Control.NOTHING,), memory_sizes=())
    measure(chosen, tmp_path, system)
    samples: Sequence[Any] = next(iter(plan(chosen).samples.values()))
    assert len(samples) == 90
    assert system.asked == ["recognize"] * len({one.photo for one in samples})
