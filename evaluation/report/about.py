"""How a run was made: what was asked, of which models, and what was not."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from evaluation.report.cells import Cell, Row, Table, table
from evaluation.results import Results

INTERVALS: Final = (
    "Intervals are 95 % percentile bootstraps over 1,000 draws of whole photos. Where all photos "
    "agree, every draw would give the same: a share of 0 or 1 has Wilson's interval instead, by "
    "the number of photos that it rests on, and so has F1, by the share that it grows with. "
    "Averages have the interval of independent figures (MOVER). A dash stands for what was not "
    "asked or is undefined, as is the precision of a method that names nobody; averages leave it "
    "out."
)
"""How sure the figures are, for the reader."""


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
    if any(what["left_out"] for what in results.methods.values()):
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
