"""`--format jsonl`: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Sequence

from invobench.report import Page
from invobench.report.sheet import Sheet
from invobench.results import Row, Run, record_line


def render(sheets: Sequence[Sheet], page: Page) -> str:
    """The records of all `sheets`, one a line."""
    records = (record for sheet in sheets for record in sheet.records)
    return "".join(json.dumps(dict(record), ensure_ascii=False, allow_nan=False) + "\n" for record in records)


def results(run: Run, rows: Sequence[Row], page: Page) -> str:
    """The results file itself: the `run` record and a `row` record a line."""
    return "".join([record_line("run", run), *(record_line("row", row) for row in rows)])
