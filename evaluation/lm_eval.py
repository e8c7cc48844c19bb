"""Results and answers as lm-evaluation-harness writes them, for the tools that read those.

    OUT/lm_eval/METHOD/results_DATE.json            the figures, with the keys of its
                                                    `lm_eval/result_schema.py`
    OUT/lm_eval/METHOD/samples_TASK_DATE.jsonl      a line an answer, with those that its
                                                    `lm_eval/evaluator.py` logs

A task there is a dataset, task and setting here; a setting that sums up others has no samples of
its own. `METRIC,none` is the value and `METRIC_stderr,none` a standard error, of which the 95 %
interval is 3.92 wide. `acc` of a sample says whether the answer is right, `unread,none` of a task
how many of its answers could not be read, as a share; these count as wrong, and such a sample has
`null` in `filtered_resps`. `metric_list` of a task's `configs` names what its samples log, and
`output_type` is `generate_until`: nothing is asked by likelihoods. The date is that on which the
run was begun.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from evaluation import folder
from evaluation.plan import Planned
from evaluation.results import Answered, Part, Results
from evaluation.samples import Figure, Task
from evaluation.tasks import TASKS
from kith.files import write_whole

_NAMES: Final = {"accuracy": "acc"}
_WORSE: Final = ("false_accepts", "mistaken", "both", "seconds", "bytes", "tokens")
_READ: Final = (Task.RECOGNITION, Task.QUESTIONS)
"""Tasks whose answers may be unreadable."""
_LOGGED: Final = {"metric": "acc", "aggregation": "mean", "higher_is_better": True}
"""What samples log, of all tasks but costs, which are not right or wrong."""
_IN_NO_FILE_NAME: Final = re.compile(r'["<>:/|\\?*\[\]]+')
_VERSION: Final = 1
"""Of the tasks: to be raised when one asks something else."""
_WIDTH: Final = 2 * 1.959964
"""Of a 95 % interval, in standard errors."""


def write(
    results: Results,
    planned: Planned,
    answers: Mapping[str, Mapping[Part, Sequence[Answered]]],
    out: Path,
) -> None:
    """Write the files of each method.

    Args:
        results: The figures.
        planned: What was to be asked.
        answers: By method and part, those that are there.
        out: The folder of the run.

    Raises:
        Refused: One can't be written.
    """
    date = folder.begun(out).replace(":", "-")
    for name in results.methods:
        place = out / "lm_eval" / name
        text = json.dumps(form(results, name), indent=1, ensure_ascii=False) + "\n"
        write_whole(place / f"results_{date}.json", text.encode())
        for part, answered in answers[name].items():
            for task, lines in samples(planned, part, answered).items():
                content = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in lines)
                write_whole(place / f"samples_{task}_{date}.jsonl", content.encode())


def samples(
    planned: Planned, part: Part, answered: Sequence[Answered]
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The answers to a part, by task. A sample has the same `doc_id` whoever was asked it."""
    numbers: dict[str, int] = {}
    for setting in {one.setting for one in planned.samples[part]}:
        ids = sorted(one.id for one in planned.samples[part] if one.setting == setting)
        numbers |= {id: number for number, id in enumerate(ids)}
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in answered:
        photo = planned.ids[part.dataset][one.sample.photo] if one.sample.photo else None
        line = _logged(one, numbers[one.sample.id], photo)
        found[_task(part, one.sample.setting)].append(line)
    return found


def form(results: Results, method: str) -> dict[str, Any]:
    """The results of one method."""
    found: dict[str, dict[str, Any]] = {}
    better: dict[str, dict[str, bool]] = {}
    configs: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    for one in (one for one in results.figures if one.method == method):
        task, metric = task_name(one), _NAMES.get(one.metric, one.metric)
        row = found.setdefault(task, {"name": task, "alias": task, "sample_len": one.samples})
        configs[task] = {
            "task": task,
            "output_type": "generate_until",
            "metric_list": [] if one.task is Task.COST else [_LOGGED],
        }
        row[f"{metric},none"] = one.value
        row[f"{metric}_stderr,none"] = (one.high - one.low) / _WIDTH
        better.setdefault(task, {})[metric] = not any(word in one.metric for word in _WORSE)
        if one.task in _READ and one.metric == "accuracy":
            row["unread,none"] = one.unparsed / one.samples
            better[task]["unread"] = False
        counts[task] = max(one.samples, counts.get(task, 0))
    return {
        "results": found,
        "group_subtasks": {},
        "configs": configs,
        "versions": dict.fromkeys(found, _VERSION),
        "n-shot": dict.fromkeys(found, 0),
        "higher_is_better": better,
        "n-samples": {task: {"original": n, "effective": n} for task, n in counts.items()},
        "config": _config(results, method),
        "git_hash": results.revision,
        "model_source": "kith",
        "model_name": method,
        "model_name_sanitized": _IN_NO_FILE_NAME.sub("__", method),
    }


def task_name(figure: Figure) -> str:
    """What a figure's task is called there."""
    part = Part(figure.dataset, figure.task, figure.control, figure.memory_size)
    return _task(part, figure.setting)


def _task(part: Part, setting: str) -> str:
    size = f"n{part.memory_size}" if part.memory_size else ""
    words = (part.dataset, part.task, setting, part.control, size)
    return "_".join(filter(None, words)).replace("-", "_")


def _logged(answered: Answered, number: int, photo: str | None) -> dict[str, Any]:
    """One answer. What was said stands in `resps`, what that means in `filtered_resps`."""
    sample, said = answered.sample, answered.said
    doc = {**asdict(sample), "photo": photo}
    target, meant = _text(sample.truth), _text(said.value)
    right = TASKS[sample.task].right(answered)
    metrics = {} if right is None else {"acc": float(right)}
    return {
        "doc_id": number,
        "doc": doc,
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": sample.question, "arg_1": {}}},
        "resps": [[said.text or meant]],
        "filtered_resps": [meant],
        "filter": "none",
        "metrics": list(metrics),
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(sample.question),
        "target_hash": _hash(target),
        **metrics,
    }


def _text(value: Any) -> str:  # noqa: ANN401 - plain JSON
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _config(results: Results, method: str) -> Mapping[str, Any]:
    told = results.methods[method]
    return {
        "model": method,
        "model_args": {
            one["stage"]: f"{one['name']} {one['fingerprint']}".strip() for one in told["models"]
        },
        "random_seed": results.settings["seed"],
        "bootstrap_iters": 1000,
        "versions": dict(results.versions),
    }
