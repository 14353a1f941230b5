"""`--format jsonl`: the records of the results file."""

from __future__ import annotations

from collections.abc import Sequence

from invobench.report import Page
from invobench.results import Row, Run, record_line


def render(run: Run, rows: Sequence[Row], page: Page) -> str:
    """The `run` record and a `row` record a line."""
    return "".join([record_line("run", run), *(record_line("row", row) for row in rows)])
