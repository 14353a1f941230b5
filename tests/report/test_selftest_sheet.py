"""The sheets of a self-test that was never run, against a golden file and read back."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

from invobench.measure.interval import Interval
from invobench.measure.selftest.aims import Overhead
from invobench.measure.selftest.ladder import RATIOS, Pair, Rung
from invobench.measure.selftest.peers import Agreement
from invobench.report import SHEETS, Page
from invobench.report.selftest_sheet import selftest_sheets
from invobench.runner.selftest import Selftest

GOLDEN = Path(__file__).parents[1] / "golden" / "selftest.txt"


def pair(ratio: float, half: float) -> Pair:
    return Pair(Interval(1.0, 1.0, 1.0), Interval(ratio, ratio - half, ratio + half))


def found(pairs: int = 100, spread: float = 0.0) -> Selftest:
    """Cells that are right to 0.4 %, and `spread` apart from one to the next."""
    rungs = tuple(
        Rung(ratio, tuple(pair(ratio * (1 + spread * (-1) ** index), 0.004) for index in range(pairs)))
        for ratio in RATIOS
    )
    agreements = (
        Agreement("torch.utils.benchmark", "busy loop", (0.999, 1.0, 1.001, 1.002, 1.001, 1.0)),
        Agreement("torch.utils.benchmark", "convolution", (1.0,)),
        Agreement("triton.testing.do_bench", "busy loop", skipped="it times GPUs alone"),
        Agreement("triton.testing.do_bench", "convolution", skipped="it times GPUs alone"),
    )
    overheads = (
        Overhead("sampling loop", 2.0, 1.95),
        Overhead("a cell", 2.5, 2.0),
        Overhead("whole", 3.0, 2.0, aimed=False),
    )
    return Selftest("cpu", "A processor", 2, (0.5, 1.25), rungs, agreements, overheads)


def render(name: str, selftest: Selftest) -> str:
    return str(SHEETS[name].load()(selftest_sheets(selftest), Page()))


def test_golden() -> None:
    text = render("table", found(spread=0.02))
    if os.environ.get("INVOBENCH_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_a_machine_that_meets_every_aim_is_given_no_advice() -> None:
    good = Selftest("cpu", "A processor", 1, None, found().rungs, found().agreements[:1], found().overheads[:1])
    text = render("table", good)
    assert "6 of 6 aims met." in text
    assert "Inconclusive" not in text
    assert "load average" not in text
    assert "cpu, 1 thread ·" in text
    assert good.exit_code == 0


def test_what_is_not_met_is_inconclusive() -> None:
    assert found(spread=0.02).exit_code == 3
    text = render("table", found(spread=0.02))
    assert "Inconclusive: this machine, as it is now, does not bear out what is not met" in text


def test_records_read_back() -> None:
    records = [json.loads(line) for line in render("jsonl", found(pairs=25)).splitlines()]
    assert [record["measure"] for record in records] == ["ladder"] * 5 + ["agreement"] * 4 + ["overhead"] * 3 + [
        "aim"
    ] * 7
    rung = records[1]
    assert (rung["ratio"], rung["pairs"], rung["replicated_repeats"]) == (1.01, 25, 2)
    assert rung["measured_ratio"] == pytest.approx(1.01)
    assert (rung["single_coverage"], rung["single_above_1"]) == (1.0, 1.0)
    alone = records[6]
    assert (alone["measured_ratio"], alone["pairs"]) == (1.0, 1)
    assert "measured_ratio_low" not in alone
    assert records[7]["skipped"] == "it times GPUs alone"
    assert "measured_ratio" not in records[7]


def test_too_few_pairs_leave_cells_empty() -> None:
    """Three pairs have no interval of their median and are no ten cells a side: nothing is made of it."""
    record = next(csv.DictReader(io.StringIO(render("csv", found(pairs=3)))))
    assert "measured_ratio_low" in record  # the agreement has one
    assert record["measured_ratio_low"] == ""
    assert "replicated_coverage" not in record
    assert record["replicated_repeats"] == "0"
    (line,) = [line for line in render("table", found(pairs=3)).splitlines() if line.startswith(" 1.00 ")]
    assert line.split() == ["1.00", "1.0000", "+0.00", "%", "0.40%", "100.0%", "100.0%", "0.0%", "3"]
