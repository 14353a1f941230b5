"""The report on measuring, made of a little raw data: every figure in it is one of theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.measuring_report import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `tools/measuring.sh` leaves, in small."""
    folder = tmp_path / "measuring"
    folder.mkdir()
    head = {"kind": "selftest", "device": "cpu", "cpu": "A processor", "threads": 2, "load": [0.5, 1.25]}
    (folder / "selftest.jsonl").write_text(json.dumps(head) + '\n{"kind": "pair"}\n', encoding="utf-8")
    (folder / "selftest.txt").write_text("Ladder\n\nInconclusive: so it is\n", encoding="utf-8")
    (folder / "coverage.md").write_text("| noise |\n", encoding="utf-8")
    (folder / "coverage.csv").write_text(
        "noise,target_ci,repeats,coverage\n"
        "low,0.0,5000,0.5\nlow,0.01,5000,0.9242\ngood,0.01,5000,0.95\nwide,0.01,5000,0.9821\n",
        encoding="utf-8",
    )
    (folder / "quickstart.csv").write_text(
        "name,backend,cell_time_s,warmup_time_s,sampling_time_s\nconv,aten,4.0,1.0,2.0\ngone,aten,1.0,,\n",
        encoding="utf-8",
    )
    return folder


def test_the_report_has_the_figures_of_the_raw_data(folder: Path) -> None:
    main(folder)
    text = (folder.parent / "measuring.md").read_text(encoding="utf-8")
    assert "Measured on A processor, 2 threads, invobench " in text
    assert "load average was 0.5 before the self-test and 1.2 after" in text
    assert "exit code 3:\n\n```\nLadder\n\nInconclusive: so it is\n```" in text
    assert "5,000 repeats of each noise" in text
    assert "Of 3 noises, 1 are within 93% to 97%" in text
    assert "**Too narrow: low (92.4%).** Too wide: wide (98.2%)." in text
    assert "| conv | aten | 4.00 s | 1.00 s | 2.00 s | 25.0% |" in text
    assert "| gone | aten | 1.00 s |  |  |  |" in text
