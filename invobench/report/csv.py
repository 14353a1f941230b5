"""`--format csv`: one line a row, SI base units, empty where there is no value."""

from __future__ import annotations

import json
from collections.abc import Sequence

from invobench.report import Page
from invobench.results import COLUMNS, Row, Run


def render(run: Run, rows: Sequence[Row], page: Page) -> str:
    """CSV with a header; columns in the order of `results.COLUMNS`, `coordinates` as JSON."""
    import pandas as pd

    records = [row.model_dump(include=set(COLUMNS)) for row in rows]
    for record in records:
        record["coordinates"] = json.dumps(record["coordinates"], ensure_ascii=False)
    # dtype object: a column of whole numbers with a gap must not turn into floats
    return str(pd.DataFrame(records, columns=list(COLUMNS), dtype=object).to_csv(index=False))
