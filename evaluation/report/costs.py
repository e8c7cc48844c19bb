"""What methods take: seconds, bytes and tokens."""

from evaluation.report.cells import NONE, Cell, Group, Row, Table, measured
from evaluation.report.measured import Key, Measured
from evaluation.samples import Figure, Task


def costs(measures: Measured) -> Table:
    """What a method takes: a division for what is asked of it."""
    columns = (
        ("seconds, median", "seconds_p50"),
        ("seconds, 95 of 100 within", "seconds_p95"),
        ("bytes sent, mean", "bytes_sent"),
        ("tokens of the prompt, mean", "prompt_tokens"),
        ("tokens of the answer, mean", "answer_tokens"),
    )
    groups = []
    for title, setting in (
        ("remember one more concept, training included", "remember"),
        ("retrieve", "retrieve"),
        ("one recognition query", "recognition"),
        ("one caption", "caption"),
    ):
        rows = []
        for name in measures.methods:
            memory = measures.home(name)
            figures = [
                measures.over(
                    Key(name, dataset, Task.COST, setting, metric, memory_size=memory)
                    for dataset in measures.averaged
                )
                for _, metric in columns
            ]
            if any(figures):
                rows.append(Row(name, tuple(map(_cost, figures))))
        if rows:
            groups.append(Group(title, tuple(rows)))
    notes = (
        f"Of one call after the other; other workers of the run are beside them.{measures.homes}",
    )
    head = tuple(title for title, _ in columns)
    return Table("What one call takes", head, tuple(groups), notes, first="method")


def _cost(figure: Figure | None) -> Cell:
    """A cost; 0 tokens are of systems that do not tell, or that have no language model."""
    if figure is None or (figure.metric.endswith("tokens") and not figure.value):
        return Cell(NONE)
    return measured(figure)
