"""The sheet of a gate's self-test, from figures that were never measured."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from invobench.report import SHEETS, Page
from invobench.report.gate_selftest_sheet import gate_selftest_sheet
from invobench.runner.gate.request import GateSelftest, Rate, SelftestCell
from tests.report.golden import is_golden
from tests.rows import ENVIRONMENT


def rate(count: int, of: int = 200) -> Rate:
    return Rate(count, of, max(0, count / of - 0.02) if of else 0.0, min(1, count / of + 0.02) if of else 1.0)


def cell(label: str, threshold: float | None, smallest: float | None, **changes: Any) -> SelftestCell:
    detected = ((1.05, rate(7)), (1.1, rate(150)), (1.15, rate(198)))
    return SelftestCell(
        label,
        **{
            "threshold": threshold,
            "latency_s": 0.0123,
            "false_alarms": rate(1),
            "passes": rate(195),
            "detected": detected,
            "smallest": smallest,
            **changes,
        },
    )


CELLS = (cell("involution kernel_size=7", 0.05, 0.035), cell("conv", 0.02, 0.044), cell("tiny", 0.05, None))
WHOLE = cell("all cells", None, None, latency_s=None)
FOUND = GateSelftest(
    ENVIRONMENT, "cpu", 40, 10, 200, (1.05, 1.1, 1.15), CELLS, WHOLE, (("big", "timeout: 600 s"),), 48.2
)


def test_golden() -> None:
    assert is_golden(SHEETS["table"].load()([gate_selftest_sheet(FOUND)], Page()), "gate_selftest.txt")


def test_a_threshold_below_what_the_machine_supports_is_warned_of() -> None:
    sheet = gate_selftest_sheet(FOUND)
    warnings = [note for note in sheet.notes if note.startswith("Warning: ")]
    assert [warning.split(": ")[1] for warning in warnings] == ["conv", "tiny"]
    assert "the threshold of 2.0 % is below what this machine supports (4.4 % or more)" in warnings[0]
    assert "(no threshold)" in warnings[1]
    assert [line.style for line in sheet.lines] == ["plain", "bad", "bad", "strong"]
    assert sheet.notes[-1] == "2 of 3 thresholds are below what this machine supports: exit code 4."


def test_a_machine_that_supports_all_of_them() -> None:
    good = replace(FOUND, cells=CELLS[:1], failed=(), whole=None)
    sheet = gate_selftest_sheet(good)
    assert not [note for note in sheet.notes if "Warning" in note]
    assert sheet.notes[-1] == "every threshold that was measured is one that this machine supports: exit code 0."
    assert len(sheet.lines) == 1


def test_figures_and_what_was_not_measured() -> None:
    sheet = gate_selftest_sheet(FOUND)
    assert sheet.lines[0].cells == (
        "involution kernel_size=7",
        "12.3 ms",
        "0.5 %",
        "97.5 %",
        "3.5 %",
        "75.0 %",
        "99.0 %",
        "3.5 %",
        "5.0 %",
    )
    assert sheet.lines[3].cells[1] == ""
    assert sheet.lines[3].cells[-2:] == ("", "")
    assert "big: not measured: timeout: 600 s" in sheet.notes
    nothing = gate_selftest_sheet(replace(FOUND, cells=(), whole=None, gates=0))
    assert nothing.notes[-1] == "nothing measured: exit code 4."
    stopped = gate_selftest_sheet(replace(FOUND, interrupted=True))
    assert stopped.notes[-1] == "interrupted: exit code 130."


def test_a_rate_of_no_gates_is_empty() -> None:
    none = cell("x", 0.05, None, false_alarms=rate(0, 0), passes=rate(0, 0), detected=())
    assert gate_selftest_sheet(replace(FOUND, cells=(none,), whole=None)).lines[0].cells[2:7] == ("",) * 5


@pytest.mark.parametrize("name", SHEETS)
def test_every_format_draws_it(name: str) -> None:
    text = SHEETS[name].load()([gate_selftest_sheet(FOUND)], Page())
    assert "involution" in text
    if name == "jsonl":
        first = json.loads(text.splitlines()[0])
        assert (first["gates"], first["false_alarms"], first["smallest_threshold"]) == (200, 1, 0.035)
        assert first["detected_1.15"] == 0.99
        assert "smallest_threshold" not in json.loads(text.splitlines()[2])
