"""The results of a run, made of whatever answers are there."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from evaluation import folder, journal, lm_eval, provenance, results
from evaluation.plan import Planned, laid_down
from evaluation.results import Answered, Part, Results
from evaluation.samples import Figure
from evaluation.statistics import mcnemar
from evaluation.suiting import Profile, suited
from evaluation.tasks import TASKS
from kith.errors import InvalidInput, NotFound

Answers = Mapping[Part, Sequence[Answered]]


def gather(planned: Planned, out: Path) -> Results:
    """Compute every figure from the journals in a folder, and write it there.

    Writes `results.json`, and the same as lm-eval writes it. Nothing depends on the order in which
    answers came, or on who asked: the same answers give the same file.

    Raises:
        Refused: A journal holds answers to other questions; a file can't be written.
    """
    # Workers that end at once would write over what the other has read later.
    with folder.one_by_one(out / ".locks" / "results"):
        found, answers = _computed(planned, out)
        found.write(out)
        lm_eval.write(found, planned, answers, out)
    return found


def so_far(out: Path) -> Results:
    """The results in a folder; of a run that is not complete, those of the answers so far.

    Where the datasets are not there any more, they are what the run wrote last.

    Raises:
        NotFound: No run was begun there.
        InvalidInput: The run wrote none, and a dataset is not there any more.
        Refused: The results, the plan or a journal is damaged, or a dataset is not what it was.
    """
    written = _written(out)
    if written and written.complete:
        return written
    try:
        return _computed(laid_down(out), out)[0]
    except InvalidInput:
        if written:
            return written
        raise


def _written(out: Path) -> Results | None:
    try:
        return results.read(out)
    except NotFound:
        if not folder.begun(out):
            raise
    return None


def _computed(planned: Planned, out: Path) -> tuple[Results, Mapping[str, Answers]]:
    """Every figure, and the answers that they are of, by method."""
    answers: dict[str, Answers] = {}
    methods: dict[str, dict[str, Any]] = {}
    figures: list[Figure] = []
    complete = True
    for name in planned.settings.methods:
        form = folder.introduced(out).get(name)
        if form is None:
            complete = False
            continue
        profile = Profile.read(form)
        asked = suited(profile, planned.of(profile), planned.settings.memory_sizes)
        found = {
            part: _answered(name, part, samples, _read(planned, out, name, part, form))
            for part, samples in asked.samples.items()
        }
        unfinished = {
            part.file.removesuffix(".jsonl"): [len(found[part]), len(some)]
            for part, some in asked.samples.items()
            if len(found[part]) < len(some)
        }
        complete &= not unfinished
        methods[name] = {**form, "left_out": dict(asked.left_out), "unfinished": unfinished}
        answers[name] = found
        figures += _figures(name, found)
    made = Results(
        figures=tuple(figures),
        methods=methods,
        datasets=planned.counts,
        comparisons=tuple(_comparisons(answers)),
        settings=planned.settings.told() | {"memory": len(planned.own.concepts)},
        revision=provenance.revision(),
        asked_under=tuple(folder.revisions(out)),
        versions=provenance.versions(),
        complete=complete,
        seconds=round(sum(one.said.seconds for one in _all(answers)), 3),
        nothing_to_ask=planned.nothing_to_ask,
    )
    return made, answers


def _read(
    planned: Planned, out: Path, name: str, part: Part, form: Mapping[str, Any]
) -> Mapping[str, Any]:
    return journal.read(out / "answers" / name, part, planned.fingerprint(part, form))


def _answered(
    name: str, part: Part, samples: Sequence[Any], found: Mapping[str, Any]
) -> list[Answered]:
    """In the order of their ids: sums of floats depend on it."""
    there = sorted((one for one in samples if one.id in found), key=lambda one: one.id)
    return [Answered(name, part, one, found[one.id]) for one in there]


def _figures(name: str, answers: Answers) -> Iterator[Figure]:
    for part, answered in answers.items():
        for one in TASKS[part.task].figures(answered):
            yield Figure(name, part.dataset, part.task, part.control, part.memory_size, **vars(one))


def _comparisons(answers: Mapping[str, Answers]) -> Iterator[dict[str, Any]]:
    """McNemar's test between each two methods, on the samples that both have answered."""
    for first, second in combinations(answers, 2):
        for part in answers[first]:
            if part.control or part not in answers[second]:
                continue
            by_setting: dict[str, list[tuple[bool, bool]]] = {}
            right = TASKS[part.task].right
            others = {one.sample.id: right(one) for one in answers[second][part]}
            for one in answers[first][part]:
                own, other = right(one), others.get(one.sample.id)
                if own is not None and other is not None:
                    by_setting.setdefault(one.sample.setting, []).append((own, other))
            for setting, pairs in sorted(by_setting.items()):
                yield {
                    "dataset": part.dataset,
                    "task": str(part.task),
                    "setting": setting,
                    "memory_size": part.memory_size,
                    "methods": [first, second],
                    "samples": len(pairs),
                    "only_first": sum(own and not other for own, other in pairs),
                    "only_second": sum(other and not own for own, other in pairs),
                    "p": mcnemar(*map(list, zip(*pairs, strict=True))),
                }


def _all(answers: Mapping[str, Answers]) -> Iterator[Answered]:
    return (one for parts in answers.values() for some in parts.values() for one in some)
