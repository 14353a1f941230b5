"""Sheets in every format, against golden files and read back.

`INVOBENCH_GOLDEN=write pytest tests/report` writes the golden files anew; read the difference before you keep it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from invobench.errors import UnknownName
from invobench.report import REPORTS, SHEETS, Page
from invobench.report.sheet import Column, Line, Sheet
from invobench.report.view import view
from invobench.results import COLUMNS
from tests.report import sheets
from tests.report.samples import rows
from tests.rows import run

GOLDEN = Path(__file__).parents[1] / "golden"
FOR_PEOPLE = ("table", "markdown", "latex")


def render(name: str, items: Sequence[Sheet], page: Page | None = None) -> str:
    text = SHEETS[name].load()(items, page or Page())
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("table", "sheet.txt"),
        ("csv", "sheet.csv"),
        ("markdown", "sheet.md"),
        ("latex", "sheet.tex"),
        ("jsonl", "sheet.jsonl"),
    ],
)
def test_golden(name: str, file: str) -> None:
    text, path = render(name, sheets.SHEETS), GOLDEN / file
    if os.environ.get("INVOBENCH_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_format_of_people_is_offered_for_runs() -> None:
    assert list(SHEETS) == ["table", "csv", "markdown", "latex", "jsonl"]
    assert set(REPORTS) == set(SHEETS)
    for name in FOR_PEOPLE:
        assert REPORTS[name].load()(run(), rows(), Page()) == render(name, [view(run(), rows())])


def test_another_format_is_refused() -> None:
    with pytest.raises(UnknownName) as raised:
        SHEETS["latec"]
    assert "unknown format 'latec' (did you mean 'latex'?)" in str(raised.value)


def test_csv_has_every_column_once_in_first_seen_order() -> None:
    found = list(csv.DictReader(io.StringIO(render("csv", sheets.SHEETS))))
    assert list(found[0]) == ["term", "macs", "share", "coordinates", "status", "missed_by", "model", "params"]
    assert found[1]["macs"] == "9007199254740993"
    assert json.loads(found[0]["coordinates"]) == {"kernel_size": 7, "form": "é"}
    assert json.loads(found[2]["missed_by"]) == ["fvcore", "torch"]
    assert (found[2]["macs"], found[2]["share"], found[3]["term"]) == ("", "", "")


def test_jsonl_reads_back() -> None:
    found = [json.loads(line) for line in render("jsonl", sheets.SHEETS).splitlines()]
    assert found == [dict(record) for sheet in sheets.SHEETS for record in sheet.records]


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_no_records_are_no_text(name: str) -> None:
    assert render(name, [sheets.EMPTY]) == ""


def test_what_is_not_a_number_is_no_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        render("jsonl", [replace(sheets.PLAIN, records=({"latency_s": float("nan")},))])


def test_a_run_has_its_rows_as_records() -> None:
    for record, item in zip(view(run(), rows()).records, rows(), strict=True):
        assert list(record) == [name for name in COLUMNS if getattr(item, name) is not None]
        assert all(record[name] == getattr(item, name) for name in record)


@pytest.mark.parametrize("name", FOR_PEOPLE)
def test_sheets_are_apart_and_in_order(name: str) -> None:
    text = render(name, sheets.SHEETS)
    assert text.index("involution7x7") < text.index("nothing above or below")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text
    for sheet in sheets.SHEETS:
        assert render("table", [sheet]) in render("table", sheets.SHEETS)


@pytest.mark.parametrize("name", FOR_PEOPLE)
def test_a_sheet_without_lines_has_its_title_and_headings(name: str) -> None:
    text = render(name, [sheets.EMPTY])
    assert "nothing in it" in text
    assert "params" in text


def test_styles_are_colours_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = render("table", sheets.SHEETS, Page(color=True))
    codes = {code: [line for line in coloured.splitlines() if f"\x1b[{code}m" in line] for code in ("1", "2", "31")}
    assert any("total" in line for line in codes["1"])
    assert any("reduce" in line for line in codes["1"])
    assert any("span" in line for line in codes["2"])
    assert ["aggregate" in line for line in codes["31"]] == [True]
    assert "\x1b" not in render("table", sheets.SHEETS)


def test_a_column_that_wraps_gives_room_to_the_others() -> None:
    long = "a reason that takes more room than there is on the page, since it has to name every operation"
    columns = (Column("term", text=True), Column("why", text=True, wrap=True), Column("MACs"))
    sheet = Sheet("t", columns, (Line(("aggregate", long, "9.834 M")),))
    text = render("table", [sheet], Page(60))
    assert max(cell_len(line) for line in text.splitlines()) <= 60
    assert "9.834 M" in text
    narrow = render("table", [replace(sheet, columns=(columns[0], Column("why", text=True), columns[2]))], Page(60))
    assert long in narrow, "what does not wrap is whole"


def test_a_narrow_page_cuts_no_short_name() -> None:
    columns = (Column("name", text=True), *(Column(f"figure {index}") for index in range(9)))
    sheet = Sheet(
        "t", columns, (Line(("involution7x7", *["123.4 M"] * 9)), Line(("a head that is wide", *[""] * 9), "heading"))
    )
    for width in (10, 90, 120):
        text = render("table", [sheet], Page(width))
        assert "involution7x7" in text
        assert "a head that is wide" in text
        assert text.count("123.4 M") == 9


def test_markdown_heads_groups_in_bold() -> None:
    lines = render("markdown", [sheets.TERMS]).splitlines()
    assert "| **reduce** |  |  |  |" in lines
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")] == [5] * 7


@pytest.mark.parametrize(
    ("name", "written"), [("table", "\n  reduce"), ("markdown", "\n| &nbsp;&nbsp;reduce |"), ("latex", "\n~~reduce &")]
)
def test_indentation_is_kept(name: str, written: str) -> None:
    """A tree is shown by its indentation."""
    assert written in render(name, [replace(sheets.PLAIN, lines=(Line(("  reduce", "1")),))])
