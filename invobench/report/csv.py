"""`--format csv`: one line a row, SI base units, empty where there is no value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from invobench.report import Page
from invobench.report.sheet import Sheet
from invobench.results import COLUMNS, Row, Run


def render(sheets: Sequence[Sheet], page: Page) -> str:
    """The records of all `sheets` under one header: their columns in the order in which they first appear."""
    records = [record for sheet in sheets for record in sheet.records]
    return _text(list(dict.fromkeys(key for record in records for key in record)), records)


def results(run: Run, rows: Sequence[Row], page: Page) -> str:
    """Rows of a run; columns in the order of `results.COLUMNS`, whether there are values or not."""
    return _text(COLUMNS, [row.model_dump(include=set(COLUMNS)) for row in rows])


def _text(columns: Sequence[str], records: Sequence[Mapping[str, Any]]) -> str:
    """CSV with a header; nested values as JSON."""
    if not columns:
        return ""
    import pandas as pd

    plain = [{key: _cell(value) for key, value in record.items()} for record in records]
    # dtype object: a column of whole numbers with a gap must not turn into floats
    return str(pd.DataFrame(plain, columns=list(columns), dtype=object).to_csv(index=False))


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list | tuple) else value
