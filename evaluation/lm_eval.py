"""Results as lm-evaluation-harness writes them, for the tools that read those.

One file a method, `OUT/lm_eval/METHOD/results_lm_eval.json`, with the keys of its
`lm_eval/result_schema.py`. A task there is a dataset, task and setting here; `METRIC,none` is the
value and `METRIC_stderr,none` a standard error, of which the 95 % interval is 3.92 wide.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evaluation.files import write_whole
from evaluation.results import Results
from evaluation.samples import Figure

_NAMES: Final = {"accuracy": "acc"}
_WORSE: Final = ("false_accepts", "mistaken", "both", "seconds", "bytes", "tokens")
_VERSION: Final = 1
"""Of the tasks: to be raised when one asks something else."""
_WIDTH: Final = 2 * 1.959964
"""Of a 95 % interval, in standard errors."""


def write(results: Results, out: Path) -> None:
    """Write a file for each method.

    Raises:
        Refused: It can't be written.
    """
    for name in results.methods:
        text = json.dumps(form(results, name), indent=1, ensure_ascii=False) + "\n"
        write_whole(out / "lm_eval" / name / "results_lm_eval.json", text.encode())


def form(results: Results, method: str) -> dict[str, Any]:
    """The results of one method."""
    found: dict[str, dict[str, Any]] = {}
    better: dict[str, dict[str, bool]] = {}
    counts: dict[str, int] = {}
    for one in (one for one in results.figures if one.method == method):
        task, metric = task_name(one), _NAMES.get(one.metric, one.metric)
        row = found.setdefault(task, {"name": task, "alias": task, "sample_len": one.samples})
        row[f"{metric},none"] = one.value
        row[f"{metric}_stderr,none"] = (one.high - one.low) / _WIDTH
        better.setdefault(task, {})[metric] = not any(word in one.metric for word in _WORSE)
        counts[task] = max(one.samples, counts.get(task, 0))
    return {
        "results": found,
        "group_subtasks": {},
        "configs": {task: {"task": task} for task in found},
        "versions": dict.fromkeys(found, _VERSION),
        "n-shot": dict.fromkeys(found, 0),
        "higher_is_better": better,
        "n-samples": {task: {"original": n, "effective": n} for task, n in counts.items()},
        "config": _config(results, method),
        "git_hash": results.revision,
        "model_source": "kith",
        "model_name": method,
        "model_name_sanitized": method,
    }


def task_name(figure: Figure) -> str:
    """What a figure's task is called there."""
    size = f"n{figure.memory_size}" if figure.memory_size else ""
    words = (figure.dataset, figure.task, figure.setting, figure.control, size)
    return "_".join(filter(None, words)).replace("-", "_")


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
