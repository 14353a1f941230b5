"""The report of the gate study says what its gates said, and what was missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.gate_report import main
from tools.study_gate import KINDS, SLOWED


def cell(name: str, verdict: str, ratio: float) -> dict[str, Any]:
    low, high = 0.99 * ratio, 1.01 * ratio
    latency = {"base": 1e-3, "candidate": 1e-3 * ratio, "ratio": ratio, "low": low, "high": high, "message": ""}
    needs = 24 if verdict == "inconclusive" else None
    return {"name": name, "verdict": verdict, "latency": verdict, "processes": [10, 10], "needs": needs, **latency}


def gate(kind: str, verdict: str, time_s: float = 15.0, **ratios: float) -> dict[str, Any]:
    levels = {name: [1e-3, 1.02e-3, 1.01e-3] for name in (SLOWED, "conv")}
    named = {SLOWED: 1.0, "conv": 1.0, **ratios}
    cells = [cell(name, verdict if name == SLOWED else "pass", ratio) for name, ratio in named.items()]
    return {
        "kind": kind,
        "verdict": verdict,
        "exit_code": 0,
        "time_s": time_s,
        "load": 0.5,
        "cells": cells,
        "process_medians_s": {"base": levels, "candidate": levels},
        "revision": "0123456789abcdef",
        "environment": {"cpu": "Some CPU", "cpu_count": 2, "invobench": "0.1.0", "torch": "2.13.0"},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "selftest.txt").write_text("the self-test's table\n")
    (tmp_path / "simulated.md").write_text("the simulated section\n")
    return tmp_path


def written(folder: Path, gates: list[dict[str, Any]]) -> str:
    (folder / "gates.jsonl").write_text("".join(json.dumps(one) + "\n" for one in gates))
    return main(folder)


def test_aims_that_are_met(folder: Path) -> None:
    text = written(folder, [gate("same", "pass")] * 9 + [gate("slowed", "regressed", **{SLOWED: 1.15})] * 9)
    assert "| A against A: `regressed` | at most 2 | 0 of 9 | 0.0% to 29.9% | met |" in text
    assert "| A against A: `pass` | at least 90 | 9 of 9 | 70.1% to 100.0% | met |" in text
    assert f"| `{SLOWED}` slowed by 15%: caught | at least 95 | 9 of 9 | 70.1% to 100.0% | met |" in text
    assert "| longest gate | under 60 s | 15 s | | met |" in text
    assert "Every layer of every gate of A against A passed." in text
    assert "Measured on Some CPU, 2 cores, invobench 0.1.0, torch 2.13.0, in checkouts of 0123456." in text
    assert "| conv | 1.0% | 0.00 % | 0.0 % to 0.0 % | 1.0% | 0 | 0 |" in text
    for part in ("the self-test's table", "the simulated section"):
        assert part in text


def test_aims_that_are_missed(folder: Path) -> None:
    same = [gate("same", "pass")] * 7 + [gate("same", "regressed"), gate("same", "inconclusive", 61.0)]
    text = written(folder, [*same, gate("slowed", "inconclusive")])
    assert "| A against A: `regressed` | at most 2 | 1 of 9 | 2.0% to 43.5% | **missed** |" in text
    assert "| A against A: `pass` | at least 90 | 7 of 9 |" in text
    assert f"| `{SLOWED}` slowed by 15%: caught | at least 95 | 0 of 1 |" in text
    assert text.count("**missed**") == 4
    assert "Of A against A: 7 pass, 1 regressed, 1 inconclusive." in text
    assert (
        f"from passing: `{SLOWED}` in 2. Those that could not tell asked for 24 processes a side in the median." in text
    )


def test_kinds_of_gates() -> None:
    assert KINDS == {"same": (), "slowed": ((SLOWED, 1.15),)}
