"""Report formats: the tables SHEETS (what a command shows) and REPORTS (what a run measured).

A format is one file here with `render(sheets, page) -> str`, and a line in SHEETS; a line in REPORTS offers it for
runs too. The formats for programs have a second function there, `results(run, rows, page)`: a run's own columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from invobench.table import Entry, Table

if TYPE_CHECKING:
    from invobench.results import Row, Run

_HERE = "invobench.report"


@dataclass(frozen=True)
class Page:
    """What a report is drawn on: columns of text, and whether they may be coloured."""

    width: int = 120
    color: bool = False


SHEETS: Table[Entry] = Table(
    "format",
    {
        "table": Entry(f"{_HERE}.table:render", "a table for people"),
        "csv": Entry(f"{_HERE}.csv:render", "every column, base units, missing values empty"),
        "markdown": Entry(f"{_HERE}.markdown:render", "the table for people, in Markdown"),
        "latex": Entry(f"{_HERE}.latex:render", "the table for people, in LaTeX (booktabs), to be \\input"),
        "jsonl": Entry(f"{_HERE}.jsonl:render", "one JSON object a row, base units, missing values absent"),
    },
)


@dataclass(frozen=True)
class Drawn(Entry):
    """A format of SHEETS for a run: it draws the run's sheet."""

    def load(self) -> Callable[[Run, Sequence[Row], Page], str]:
        """A function `render(run, rows, page)`."""
        from invobench.report.view import view

        render = super().load()
        return lambda run, rows, page: str(render([view(run, rows)], page))


def _drawn(name: str) -> Drawn:
    return Drawn(SHEETS[name].path, SHEETS[name].summary)


REPORTS: Table[Entry] = Table(
    "format",
    {
        "table": _drawn("table"),
        "csv": Entry(f"{_HERE}.csv:results", "every column, base units, missing values empty"),
        "jsonl": Entry(f"{_HERE}.jsonl:results", "the results file itself, raw samples included"),
        "markdown": _drawn("markdown"),
        "latex": _drawn("latex"),
    },
)
