"""How a run was made: what was asked, of which models, and what was not, or not yet."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from evaluation.headline import ORIGINAL
from evaluation.report import thesis
from evaluation.report.cells import Cell, Row, Table, table
from evaluation.report.measured import Measured
from evaluation.results import Results
from kith.words import counted

INTERVALS: Final = (
    "Intervals are 95 % percentile bootstraps over 1,000 draws of whole photos. Where all photos "
    "agree, every draw would give the same: a share has Wilson's interval instead, by the number "
    "of photos that it rests on, and so has F1, by the share that it grows with. "
    "Averages have the interval of independent figures (MOVER). A dash stands for what was not "
    "asked or is undefined, as is the precision of a method that names nobody; averages leave it "
    "out."
)
"""How sure the figures are, for the reader."""


_PARTS: Final = 4
"""Unfinished parts of a method that are named."""


def intro(results: Results, measures: Measured) -> str:
    """What was measured, and what was not, in a few sentences."""
    said = [
        f"{', '.join(results.methods) or 'No method yet'}, measured on "
        f"{', '.join(results.datasets)} by the protocol of MP-Bench: {len(results.figures):,} "
        "figures, each with its 95 % interval and the number of answers (n) that it rests on. A "
        "dash stands for what was not asked or is undefined."
    ]
    if splits := thesis.generated(measures):
        said.append(splits)
    if ORIGINAL in measures.datasets and ORIGINAL not in measures.averaged:
        said.append(
            f"{ORIGINAL} holds other photos of the same concepts: it has a section of its own, and "
            "is in no average."
        )
    if names := results.without_outside:
        said.append(
            f"No photo from outside was asked about with {' and '.join(names)}: negatives are "
            "photos of other concepts alone, where 4.2.2 has 50 outside photos of either kind."
        )
    if others := [name for name in thesis.methods() if name not in results.settings["methods"]]:
        said.append(f"Not asked in this run: {', '.join(others)}.")
    return " ".join(said)


def unfinished(results: Results) -> dict[str, str]:
    """The methods that are not done, and how far each is."""
    found = {}
    for name in results.settings["methods"]:
        if name not in results.methods:
            found[name] = "no figures yet"
        elif parts := results.methods[name].get("unfinished"):
            answered, planned = map(sum, zip(*parts.values(), strict=True))
            named = [f"{part} {done:,} of {of:,}" for part, (done, of) in parts.items()]
            more = [f"{len(named) - _PARTS} more"] if len(named) > _PARTS else []
            found[name] = (
                f"{planned - answered:,} questions of {counted(len(parts), 'part')} are not "
                f"answered: {', '.join([*named[:_PARTS], *more])}"
            )
    return found


def warning(results: Results) -> str:
    """What a reader of a run that is not complete has to know; empty for a complete one."""
    if results.complete:
        return ""
    each = "; ".join(f"{name}: {how}" for name, how in unfinished(results).items())
    return (
        "The run is not complete: not every question is answered. Figures are of the answers so "
        "far, so that methods may stand side by side that were not asked the same."
        f"{f' {each}.' if each else ''}"
    )


def told(results: Results) -> str:
    """Which methods were told the true concepts, in a sentence."""
    names = [name for name, what in results.methods.items() if what["told_concepts"]]
    others = [name for name in results.methods if name not in names]
    said = []
    if names:
        said.append(
            f"{', '.join(names)}: told the true concepts of each question, since what is trained "
            "for them has to be loaded, or they have to be shown. Whom these methods name in a "
            "caption was given to them, not found."
        )
    if others:
        said.append(f"{', '.join(others)}: told nothing.")
    return " ".join(said)


def tables(results: Results) -> Iterator[Table]:
    """What was asked, of what, by what, and what was left out."""
    yield _datasets(results)
    yield _models(results)
    if results.nothing_to_ask or any(what["left_out"] for what in results.methods.values()):
        yield _left_out(results)
    yield _settings(results)


def _datasets(results: Results) -> Table:
    kinds = list(dict.fromkeys(kind for counts in results.datasets.values() for kind in counts))
    rows = [
        Row(name, tuple(Cell(f"{counts.get(kind, 0):,}") for kind in kinds))
        for name, counts in results.datasets.items()
    ]
    head = [kind.replace("_", " ") for kind in kinds]
    note = "Positives and negatives are the queries that 4.2.2 gives for all photos."
    return table("Datasets", head, rows, [note], "dataset")


def _models(results: Results) -> Table:
    rows = [
        Row(name, (Cell(model["stage"]), Cell(model["name"]), Cell(model["fingerprint"][:12])))
        for name, what in results.methods.items()
        for model in what["models"]
    ]
    return _folded(
        "Models", ["stage", "model", "SHA-256 of its weights, beginning"], rows, "method"
    )


def _left_out(results: Results) -> Table:
    by_reason: dict[tuple[str, str], list[str]] = {}
    for nothing in results.nothing_to_ask:
        key = "every method", nothing["why"]
        by_reason.setdefault(key, []).append(f"{nothing['task']} about {nothing['dataset']}")
    for name, told in results.methods.items():
        for what, why in told["left_out"].items():
            by_reason.setdefault((name, why), []).append(what)
    rows = [
        Row(name, (Cell(why), Cell("; ".join(all_)))) for (name, why), all_ in by_reason.items()
    ]
    return _folded("What was not asked, and why", ["why", "what"], rows, "method")


def _settings(results: Results) -> Table:
    chosen = {
        **{key: _said(value) for key, value in results.settings.items()},
        "revision": results.revision or "none",
        "asked under": ", ".join(filter(None, results.asked_under)) or "none",
        "complete": "yes" if results.complete else "no",
        "seconds spent on asking": f"{results.seconds:,.0f}",
        **{f"version of {name}": version for name, version in results.versions.items()},
    }
    rows = [Row(key.replace("_", " "), (Cell(value),)) for key, value in chosen.items()]
    return _folded("Settings", ["value"], rows, "setting")


def _folded(title: str, head: Sequence[str], rows: Sequence[Row], first: str) -> Table:
    return replace(table(title, head, rows, first=first), folded=True)


def _said(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_said(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "all" if value is None else str(value)
