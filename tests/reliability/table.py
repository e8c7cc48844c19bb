"""One table a programme: what was measured, what it must be, and who says so."""

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Effort = Literal["short", "long"]

OUT = os.environ.get("KITH_RELIABILITY_OUT")
"""The folder for the tables as Markdown. Read here: tests run without the user's settings."""


@dataclass(frozen=True)
class Row:
    """A measure, its value, and what that must be; empty where it is only told."""

    measure: str
    value: str
    must_be: str
    holds: bool


@dataclass
class Table:
    """Printed, written and judged when its `with` block ends.

    A block that raises still prints what it had, and its own error is the one that is told.
    """

    title: str
    oracle: str
    """Who says what is right: named under the title."""
    effort: Effort
    rows: list[Row] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _load: float = field(default_factory=lambda: os.getloadavg()[0])

    def traffic(self, measure: str, count: int, *, at_least: int) -> None:
        """How much was done: below the minimum, nothing in the table counts."""
        self._add(f"traffic: {measure}", count, f"≥ {at_least:,}", "", count >= at_least)

    def tell(self, measure: str, value: float | str, unit: str = "") -> None:
        """A figure that nothing hangs on."""
        self._add(measure, value, "", unit, True)

    def exactly(self, measure: str, value: float | str, wanted: float | str) -> None:
        """A figure that must be this one."""
        self._add(measure, value, _text(wanted), "", value == wanted)

    def at_most(self, measure: str, value: float, bound: float, unit: str = "") -> None:
        """A figure that must not be above the bound."""
        self._add(measure, value, f"≤ {_text(bound, unit)}", unit, value <= bound)

    def at_least(self, measure: str, value: float, bound: float, unit: str = "") -> None:
        """A figure that must not be below the bound."""
        self._add(measure, value, f"≥ {_text(bound, unit)}", unit, value >= bound)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, trace: TracebackType | None
    ) -> None:
        text = self.markdown()
        sys.stdout.write(f"\n{text}")
        if kind is not None:
            return
        if OUT:
            folder = Path(OUT)
            folder.mkdir(parents=True, exist_ok=True)
            name = self.title.lower().replace(" ", "-").replace(",", "")
            (folder / f"{name}.md").write_text(text, encoding="utf-8")
        failed = [row for row in self.rows if not row.holds]
        assert self.rows, "nothing was measured"
        assert not failed, "\n".join(
            f"{row.measure}: {row.value}, must be {row.must_be}" for row in failed
        )

    def markdown(self) -> str:
        """The table as it stands in docs/reliability.md."""
        test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]
        took = time.monotonic() - self._began
        rows = "\n".join(
            f"| {row.measure} | {row.value}{'' if row.holds else ' **fails**'} | {row.must_be} |"
            for row in self.rows
        )
        return (
            f"### {self.title}\n\nOracle: {self.oracle}\n\n"
            f"`{test}`, {self.effort} form, {_text(took, 's')}; when it began, "
            f"{_text(self._load)} threads wanted {os.cpu_count()} cores\n\n"
            f"| measure | value | must be |\n|---|---|---|\n{rows}\n"
        )

    def _add(self, measure: str, value: float | str, must_be: str, unit: str, holds: bool) -> None:
        self.rows.append(Row(measure, _text(value, unit), must_be, holds))


def _text(value: float | str, unit: str = "") -> str:
    if isinstance(value, str):
        return f"{value} {unit}".strip()
    whole = abs(value) >= 100 or float(value).is_integer()
    return f"{value:,.0f} {unit}".strip() if whole else f"{value:.3g} {unit}".strip()
