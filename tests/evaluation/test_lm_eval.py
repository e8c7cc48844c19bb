"""The results in the form of lm-evaluation-harness."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation import headline, lm_eval
from evaluation.plan import Settings
from evaluation.samples import Control, Task
from evaluation.systems.system import Memory, Remembering
from kith.messages import Answer
from tests.evaluation.stripes import StripeSession, StripeSystem, capabilities
from tests.evaluation.test_run import measure

KEYS = {
    "results",
    "group_subtasks",
    "configs",
    "versions",
    "n-shot",
    "higher_is_better",
    "n-samples",
    "config",
    "git_hash",
    "model_source",
    "model_name",
    "model_name_sanitized",
}
"""Of `lm_eval/result_schema.py`, without what only its own models have."""


def test_each_method_has_a_file_of_its_own(settings: Settings, tmp_path: Path) -> None:
    both = replace(
        settings,
        methods=("stripes", "blind"),
        tasks=(Task.RECOGNITION, Task.CAPTIONING, Task.STRANGERS),
        controls=(Control.NO_MEMORY,),
        memory_sizes=(4,),
    )
    blind = StripeSystem("blind", near=0.5, capabilities=capabilities("blind"))
    found = measure(both, tmp_path, StripeSystem(), blind)
    for name in both.methods:
        (path,) = (tmp_path / "lm_eval" / name).glob("results_*.json")
        form = json.loads(path.read_text(encoding="utf-8"))
        assert form == lm_eval.form(found, name)
        assert form.keys() == KEYS
        assert form["model_name"] == form["config"]["model"] == name
        tasks = form["results"].keys()
        assert {
            "world_recognition_single",
            "world_recognition_single_no_memory",
            "world_recognition_single_n4",
            "world_captioning_two_primed",
            "world_strangers_outside_multi",
        } <= tasks
        for key in ("configs", "versions", "n-shot", "higher_is_better", "n-samples"):
            assert form[key].keys() == tasks
    config = form["configs"]["world_recognition_single"]
    assert (config["task"], config["output_type"]) == ("world_recognition_single", "generate_until")
    assert [one["metric"] for one in config["metric_list"]] == ["acc"]
    row = form["results"]["world_recognition_single"]
    (accuracy,) = [
        one
        for one in found.figures
        if (one.method, one.task, one.setting, one.metric, one.control, one.memory_size)
        == ("blind", Task.RECOGNITION, "single", "accuracy", "", 0)
    ]
    assert row["acc,none"] == accuracy.value
    assert row["acc_stderr,none"] == pytest.approx((accuracy.high - accuracy.low) / 3.92, rel=1e-3)
    assert row["unread,none"] == 0
    assert "unread,none" not in form["results"]["world_captioning_two_primed"]
    assert row["sample_len"] == form["n-samples"]["world_recognition_single"]["effective"] == 65
    assert form["higher_is_better"]["world_recognition_single"]["acc"] is True
    assert form["higher_is_better"]["world_strangers_outside"]["false_accepts"] is False


def test_each_answer_is_logged(settings: Settings, tmp_path: Path) -> None:
    chosen = replace(
        settings,
        tasks=(Task.RECOGNITION, Task.IDENTIFICATION, Task.EDITS),
        controls=(Control.BLANK_PHOTO,),
        memory_sizes=(),
    )
    found = measure(chosen, tmp_path)
    (results,) = tmp_path.glob("lm_eval/stripes/results_*.json")
    date = results.stem.removeprefix("results_")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d", date)
    logged = {
        path.stem.removeprefix("samples_").removesuffix(f"_{date}"): [
            json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
        ]
        for path in results.parent.glob(f"samples_*_{date}.jsonl")
    }
    assert {"world_recognition_multi", "world_recognition_multi_blank_photo"} <= logged.keys()
    several = logged["world_recognition_multi"]
    assert [one["doc_id"] for one in several] == list(range(10))
    one = several[0]
    question = one["doc"]["question"]
    assert one == {
        "doc_id": 0,
        "doc": one["doc"],
        "target": "true",
        "arguments": {"gen_args_0": {"arg_0": question, "arg_1": {}}},
        "resps": [["Yes"]],
        "filtered_resps": ["true"],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": one["doc_hash"],
        "prompt_hash": hashlib.sha256(question.encode()).hexdigest(),
        "target_hash": hashlib.sha256(b"true").hexdigest(),
        "acc": 1.0,
    }
    told = lm_eval.form(found, "stripes")["configs"]
    for task, answers in logged.items():
        for answer in answers:
            assert answer["metrics"] == [metric["metric"] for metric in told[task]["metric_list"]]
    assert one["doc"]["photo"] == "bo-lina.png"
    assert "<bo>" in question
    # What is right by the lines is right by the figures.
    (told,) = [
        one
        for one in found.figures
        if (one.task, one.setting, one.metric) == (Task.IDENTIFICATION, "multi", "accepted")
        and not one.control
    ]
    lines = logged["world_identification_multi"]
    assert sum(line["acc"] for line in lines) / len(lines) == told.value
    assert "bo" in lines[0]["filtered_resps"][0]


def test_a_models_name_is_made_fit_for_a_file_as_lm_eval_makes_it(
    settings: Settings, tmp_path: Path
) -> None:
    door = StripeSystem("openai:a", capabilities=capabilities("openai:a"))
    chosen = replace(settings, methods=("openai:a",), tasks=(Task.COST,), memory_sizes=())
    form = lm_eval.form(measure(chosen, tmp_path, door), "openai:a")
    assert (form["model_name"], form["model_name_sanitized"]) == ("openai:a", "openai__a")
    assert form["configs"]["world_cost_caption"]["metric_list"] == []


def test_the_headline_tells_every_method_in_one_line(settings: Settings, tmp_path: Path) -> None:
    chosen = replace(settings, tasks=(Task.RECOGNITION, Task.CAPTIONING, Task.STRANGERS))
    found = measure(replace(chosen, controls=(Control.NOTHING,), memory_sizes=()), tmp_path)
    assert headline.said(found) == (
        "stripes: recognition accuracy 1.000 (0.803–1.000), F1 1.000 (0.841–1.000), captions of "
        "one concept: F1 1.000 (0.839–1.000), of three: recall 1.000 (0.207–1.000), precision "
        "1.000 (0.207–1.000), strangers named 0.000 (0.000–0.397)"
    )
    assert headline.said(replace(found, complete=False)).startswith("Not complete. stripes: ")
    assert headline.said(replace(found, figures=(), complete=False)) == (
        "Not complete. No figures yet."
    )
    assert headline.said(replace(found, figures=())).startswith("No headline figures; ")
    small = [replace(one, memory_size=4) for one in found.figures]
    said = headline.said(replace(found, figures=tuple(small)))
    assert said.startswith("stripes (memory of 4): recognition accuracy 1.000 (")
    original = [replace(one, dataset="original") for one in found.figures]
    alone = replace(found, figures=tuple(original), datasets={"original": {}})
    assert headline.said(alone) == headline.said(found)
    form = headline.form(found)["headline"]["stripes"]
    assert form["captions of one concept: F1"] == 1


def test_a_figure_that_a_method_has_not_is_a_dash_in_the_headline(
    settings: Settings, tmp_path: Path
) -> None:
    both = replace(
        settings,
        methods=("stripes", "blind"),
        tasks=(Task.CAPTIONING, Task.STRANGERS),
        controls=(Control.NOTHING,),
        memory_sizes=(),
    )
    blind = StripeSystem("blind", near=0.0, capabilities=capabilities("blind", retrieval=False))
    found = measure(both, tmp_path, StripeSystem(), blind)
    said = headline.said(found).split("; ")[1]
    assert said.startswith("blind: captions of one concept: F1 0.000 (0.000–0.")
    assert said.endswith(", precision –, strangers named –")
    form = headline.form(found)["headline"]
    assert form["blind"].keys() == form["stripes"].keys()
    assert form["blind"]["precision"] is None
    told = lm_eval.form(found, "blind")["results"]["world_captioning_three"]
    assert told["recall,none"] == 0
    assert "precision,none" not in told


def test_what_could_not_be_read_is_told(settings: Settings, tmp_path: Path) -> None:
    """A system that mumbles where nothing known is shown."""

    class Mumbling(StripeSession):
        def ask(self, question: str, photo: bytes | None, concepts: Sequence[str] | None) -> Answer:
            answer = super().ask(question, photo, concepts)
            return answer if answer.concepts else replace(answer, text="Yes and no")

    class System(StripeSystem):
        @contextmanager
        def session(self, memory: Memory, remembering: Remembering) -> Iterator[StripeSession]:
            session = Mumbling(self)
            for concept in memory.concepts:
                session.remember(concept)
            yield session

    chosen = replace(settings, tasks=(Task.RECOGNITION,), memory_sizes=())
    found = measure(replace(chosen, controls=(Control.NOTHING,)), tmp_path, System())
    told = lm_eval.form(found, "stripes")
    for setting in ("outside", "outside_multi"):
        task = f"world_recognition_{setting}"
        assert told["results"][task]["unread,none"] == 1
        assert told["higher_is_better"][task]["unread"] is False
    assert " with 30 of 90 answers unread, F1 " in headline.said(found)


def test_a_run_of_other_tasks_has_a_headline_figure_of_each(
    settings: Settings, tmp_path: Path
) -> None:
    chosen = replace(settings, controls=(Control.NOTHING,), memory_sizes=())
    photographs = (Task.RETRIEVAL, Task.IDENTIFICATION, Task.STRANGERS, Task.LOOK_ALIKES)
    found = measure(replace(chosen, tasks=photographs), tmp_path / "photographs")
    assert headline.form(found)["headline"]["stripes"].keys() == {
        "recognition without a language model: F1",
        "nearest match is right",
        "strangers named",
        "look-alikes told apart",
    }
    assert headline.said(found).startswith(
        "stripes: recognition without a language model: F1 1.000 (0.841–1.000), nearest match is "
        "right 1.000 ("
    )
    figures = [
        replace(found.figures[0], task=task, setting=setting, metric=metric, value=0.5)
        for task, setting, metric in (
            (Task.QUESTIONS, "visual", "accuracy"),
            (Task.GROUNDING, "multi", "iou"),
            (Task.EDITS, "all", "seen"),
            (Task.COST, "caption", "seconds_p50"),
        )
    ]
    form = headline.form(replace(found, figures=tuple(figures)))["headline"]["stripes"]
    assert list(form.values()) == [0.5] * len(figures)
