"""The sheets of `invobench tables`: what people read, what programs read, and every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from invobench.conventions import Convention
from invobench.published.rows import read_published
from invobench.report import SHEETS, Page
from invobench.report.published import Extras, published_sheets
from invobench.report.sheet import Sheet
from tests.published.samples import write

FOOTNOTE = "made by nobody"


@pytest.fixture(scope="module")
def sheets() -> tuple[Sheet, ...]:
    return published_sheets((), None, Extras(footnote=(FOOTNOTE,)))


def rows_of(sheet: Sheet) -> list[dict[str, str]]:
    headings = [column.heading.replace("\n", " ") for column in sheet.columns]
    return [dict(zip(headings, line.cells, strict=True)) for line in sheet.lines]


def test_a_sheet_a_table_and_one_verdict(sheets: tuple[Sheet, ...]) -> None:
    assert [sheet.title for sheet in sheets] == [
        "ablation_kernel_size: RedNet-50",
        "ablation_group_channels: RedNet-50",
        "ablation_function_form: RedNet-50",
        "model_zoo",
        "envelope",
        "Which convention reproduces which table",
    ]
    for sheet in sheets:
        assert {len(line.cells) for line in sheet.lines} == {len(sheet.columns)}
        assert sheet.notes[-1] == FOOTNOTE
        assert "FLOPs" not in " ".join(column.heading for column in sheet.columns)


def test_a_row_for_people(sheets: tuple[Sheet, ...]) -> None:
    """Group channels 4: the one that conv-linear misses, with two digits more than the slide prints."""
    assert rows_of(sheets[1])[1] == {
        "setting": "group_channels=4",
        "published params M": "18.5",
        "our params M": "18.464*",
        "Δ params M": "-0.036",
        "published MACs G": "3.0",
        "formula": "3.126",
        "conv linear": "3.055",
        "conv linear inner": "3.044*",
        "hook": "3.179",
        "valid taps": "3.115",
        "Δ MACs G": "+0.044",
        "reproduced by": "conv-linear-inner",
        "published top-1 %": "77.7",
    }


def test_what_was_only_published(sheets: tuple[Sheet, ...]) -> None:
    (row,) = [row for row in rows_of(sheets[4]) if row["model"] == "SAN19 (patchwise)"]
    shown = {key: value for key, value in row.items() if value}
    assert shown == {
        "model": "SAN19 (patchwise)",
        "published params M": "20.5",
        "published MACs G": "3.3",
        "reproduced by": "published only",
        "published top-1 %": "78.5",
    }
    styles = [line.style for line in sheets[4].lines]
    assert {style: styles.count(style) for style in set(styles)} == {"plain": 10, "dim": 19, "bad": 3}


def test_what_no_convention_reproduces(sheets: tuple[Sheet, ...]) -> None:
    (row,) = [row for row in rows_of(sheets[4]) if row["model"] == "SASA-ResNet-50 (conv-stem)"]
    assert (row["reproduced by"], row["hook"], row["Δ MACs G"]) == ("none", "3.4349", "-0.0651")
    assert "Δ of multiply-adds that no convention reproduces is that of hook" in sheets[4].notes


def test_notes_say_what_was_built_and_each_source_once(sheets: tuple[Sheet, ...]) -> None:
    assert sheets[0].notes[1:-1] == (
        "built: rednet50 with the row's setting and a 3×3 stem operator",
        "published: involution slides (Ablation Analysis a); printed",
    )
    assert sheets[3].notes[1:-1] == (
        "built: rednet26, rednet38, rednet50, rednet101, rednet152 with a 7×7 stem operator",
        "published: d-li14/involution README; printed",
    )
    assert len({note for note in sheets[4].notes if note.startswith("published: ")}) == 3


def test_the_verdict_counts_an_ablation_as_one_table_and_by_part(sheets: tuple[Sheet, ...]) -> None:
    """Twelve rows of the ablation are ten networks."""
    found = {
        row["table"]: (row["distinct networks"], row["params"], row["reproduced by"]) for row in rows_of(sheets[5])
    }
    assert found == {
        "ablation": ("10", "10/10", "conv-linear-inner"),
        "· ablation_kernel_size": ("4", "4/4", "conv-linear"),
        "· ablation_group_channels": ("4", "4/4", "conv-linear-inner"),
        "· ablation_function_form": ("4", "4/4", "conv-linear"),
        "model_zoo": ("5", "5/5", "hook"),
        "envelope": ("13", "13/13", "hook"),
        "· conv": ("5", "5/5", "hook"),
        "· involution": ("5", "5/5", "formula"),
        "· stand_alone_attention": ("3", "3/3", "none"),
    }
    assert any("any number between 4.76 M and 14.7 M" in note for note in sheets[5].notes)
    for convention in Convention:
        assert any(note.startswith(f"{convention}: ") for note in sheets[5].notes)


def test_records_are_base_units(sheets: tuple[Sheet, ...]) -> None:
    """The 7×7 stem has (49 - 9)·2·(8 + 1) = 720 parameters more than the 3×3 stem of the ablation's 15,540,806."""
    records = [record for sheet in sheets for record in sheet.records]
    assert len(records) == len(read_published())
    (rednet,) = [item for item in records if (item["table"], item["model"]) == ("model_zoo", "RedNet-50")]
    assert rednet == {
        "table": "model_zoo",
        "model": "RedNet-50",
        "operator": "involution",
        "published_params": 15_540_000,
        "params": 15_541_526,
        "params_tolerance": 5_000,
        "published_macs": 2_710_000_000,
        "macs_formula": rednet["macs_formula"],
        "macs_conv_linear": rednet["macs_conv_linear"],
        "macs_conv_linear_inner": rednet["macs_conv_linear_inner"],
        "macs_hook": rednet["macs_hook"],
        "macs_valid_taps": rednet["macs_valid_taps"],
        "macs_tolerance": 5_000_000,
        "reproduced_by": "hook",
        "published_top1": 78.35,
        "source": "d-li14/involution README",
        "precision": "printed",
    }
    assert rednet["macs_hook"] == pytest.approx(2.7136e9, rel=1e-4)
    assert all(isinstance(rednet[key], int) for key in rednet if "macs" in key or "params" in key)
    (lr_net,) = [item for item in records if item["model"] == "LR-Net-26"]
    assert not {"params", "macs_formula", "reproduced_by"}.intersection(lr_net)


def test_of_several_that_reproduce_a_row_programs_get_all(sheets: tuple[Sheet, ...]) -> None:
    assert sheets[0].records[0]["reproduced_by"] == "conv-linear+conv-linear-inner"


@pytest.mark.parametrize("name", list(SHEETS))
def test_every_format_draws_them(sheets: tuple[Sheet, ...], name: str) -> None:
    text = SHEETS[name].load()(sheets, Page())
    assert "RedNet-152" in text
    assert "nan" not in text.lower()


def test_programs_read_them_back(sheets: tuple[Sheet, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(SHEETS["csv"].load()(sheets, Page()))))
    lines = [json.loads(line) for line in SHEETS["jsonl"].load()(sheets, Page()).splitlines()]
    assert len(rows) == len(lines) == len(read_published())

    def plain(value: Any) -> str:
        return "" if value is None else str(value)

    for row, line in zip(rows, lines, strict=True):
        assert row == {key: plain(line.get(key)) for key in row}


def test_one_convention_alone() -> None:
    sheet, verdict = published_sheets(["ablation_kernel_size"], None, Extras((Convention.FORMULA,)))
    assert [column.heading for column in sheet.columns if column.heading in list(Convention)] == ["formula"]
    assert [row["reproduced by"] for row in rows_of(sheet)] == ["none", "formula", "formula", "none"]
    assert sheet.notes[0] == "ablation_kernel_size: parameters 4/4; multiply-adds 2/4 under formula"
    assert rows_of(verdict) == [
        {
            "table": "ablation_kernel_size",
            "distinct networks": "4",
            "params": "4/4",
            "formula": "2/4",
            "reproduced by": "formula",
        }
    ]


def test_tables_of_the_users(tmp_path: Path) -> None:
    """Digits as printed, a last 0 included; the model is named where there is more than one; empty is empty."""
    path = write(
        tmp_path / "a.csv",
        {"model": "ResNet-50", "params_m": "25.60", "flops_g": "4.1"},
        {"model": "RedNet-50", "setting": "kernel_size=5", "params_m": "15.1"},
        {"model": "MyNet", "top1": "80"},
    )
    sheet, _ = published_sheets((), path, Extras())
    resnet, rednet, mine = rows_of(sheet)
    assert (resnet["model"], resnet["published params M"], resnet["our params M"]) == ("ResNet-50", "25.60", "25.5570*")
    assert (resnet["published MACs G"], resnet["formula"]) == ("4.1", "4.089*")
    assert (rednet["model"], rednet["our params M"]) == ("RedNet-50 kernel_size=5", "15.0636*")
    assert (rednet["published MACs G"], rednet["Δ MACs G"], rednet["reproduced by"]) == ("", "", "")
    assert rednet["conv linear"] == "2.500"
    assert {key: value for key, value in mine.items() if value} == {
        "model": "MyNet",
        "reproduced by": "published only",
        "published top-1 %": "80",
    }
    assert "published_macs" not in sheet.records[1]
