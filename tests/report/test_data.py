"""The reports for programs: CSV and JSONL read back to the rows that they were made from."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from invobench.report import REPORTS, Page
from invobench.results import COLUMNS, Row, read_results
from tests.report.samples import rows
from tests.rows import row, run


def render(name: str, items: list[Row]) -> str:
    text = REPORTS[name].load()(run(), items, Page())
    assert isinstance(text, str)
    return text


def read_csv(items: list[Row]) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(render("csv", items)))
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return list(reader)


def parsed(column: str, text: str) -> Any:
    """A CSV cell as the value that its row has."""
    if column == "coordinates":
        return json.loads(text)
    kinds = get_args(Row.model_fields[column].annotation) or (Row.model_fields[column].annotation,)
    if text == "":
        return "" if kinds == (str,) else None
    if bool in kinds:
        return {"True": True, "False": False}[text]
    return next((kind(text) for kind in (int, float) if kind in kinds), text)


def test_csv_reads_back() -> None:
    items = [
        *rows(),
        row('a "name", with\nall of it', tf32=False, autograd=True, latency_s=0.1 + 0.2, max_error=1e-300),
    ]
    found = read_csv(items)
    assert len(found) == len(items)
    for item, cells in zip(items, found, strict=True):
        for column in COLUMNS:
            assert parsed(column, cells[column]) == getattr(item, column), column


def test_csv_has_whole_numbers_beside_gaps() -> None:
    items = [row(params=None, macs_fvcore=None), row(params=2**53 + 1, macs_fvcore=3)]
    assert [cells["params"] for cells in read_csv(items)] == ["", "9007199254740993"]
    assert [cells["macs_fvcore"] for cells in read_csv(items)] == ["", "3"]


def test_csv_has_nothing_where_there_is_nothing() -> None:
    (cells,) = read_csv([row(latency_s=None, backend=None, message="", status="failed")])
    assert (cells["latency_s"], cells["backend"], cells["message"], cells["macs_torch"]) == ("", "", "", "")
    assert not {"nan", "NaN", "None", "NA"} & set(cells.values())


def test_csv_of_no_rows_is_its_header() -> None:
    assert render("csv", []) == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("items", [[], rows()])
def test_jsonl_reads_back(tmp_path: Path, items: list[Row]) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(render("jsonl", items), encoding="utf-8")
    found = read_results(path)
    assert (found.run, list(found.rows), found.whole) == (run(), items, path.stat().st_size)
