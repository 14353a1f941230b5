"""The REPORTS table. Adding a format is a file here with `render(run, rows, page) -> str`, and one line below."""

from __future__ import annotations

from dataclasses import dataclass

from invobench.table import Entry, Table

_HERE = "invobench.report"


@dataclass(frozen=True)
class Page:
    """What a report is drawn on: columns of text, and whether they may be coloured."""

    width: int = 120
    color: bool = False


REPORTS: Table[Entry] = Table(
    "format",
    {
        "table": Entry(f"{_HERE}.table:render", "a table for people"),
        "csv": Entry(f"{_HERE}.csv:render", "every column, base units, missing values empty"),
        "jsonl": Entry(f"{_HERE}.jsonl:render", "the results file itself, raw samples included"),
        "markdown": Entry(f"{_HERE}.markdown:render", "the table for people, in Markdown"),
    },
)
