"""The report on measuring, made of a little raw data: every figure in it is one of theirs."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tools.measuring_report import main

TOOLS = Path(__file__).parents[2] / "tools"


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
        "name,backend,cell_time_s,warmup_time_s,sampling_time_s,latency_s,achieved_bytes_per_s,achieved_flops_per_s,"
        "limit_share,bound\n"
        "conv,aten,4.0,1.0,2.0,0.002,1.5e9,1.23e11,0.25,compute\ngone,aten,1.0,,,,,,,\n",
        encoding="utf-8",
    )
    ceilings: list[dict[str, Any]] = [
        {"quantity": "copy", "bytes_per_s": 2e10, "reached": False},
        {"quantity": "cached_copy", "bytes_per_s": 1e11, "reached": True},
        *(
            {"quantity": "matmul", "dtype": dtype, "tf32": tf32, "flops_per_s": rate, "reached": True}
            for dtype, tf32, rate in (("float32", False, 2e11), ("float32", True, 9e11), ("float64", False, 1e11))
        ),
        {"quantity": "launch", "s": 3e-6, "reached": True},
    ]
    (folder / "ceilings.jsonl").write_text("".join(json.dumps(item) + "\n" for item in ceilings), encoding="utf-8")
    (folder / "ceilings.txt").write_text("ceilings of A processor\n", encoding="utf-8")
    (folder / "doctor.txt").write_text("fingerprint 0123\n\ncompiler  g++  ok\n", encoding="utf-8")
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


def test_ceilings_and_doctor_are_part_of_it(folder: Path) -> None:
    main(folder)
    text = (folder.parent / "measuring.md").read_text(encoding="utf-8")
    words = text.replace("\n", " ")
    assert "```\nceilings of A processor\n```" in text
    assert "1 of 6 did not come to within ± 1 %. A copy in the last-level cache is 5.0 times one in memory. " in words
    assert "Of float32's rate of matrix products, other dtypes reach: float64 50 %." in words
    assert "| conv | aten | 2.00 ms | 1.50 | 123 | 500 µs | 25 % | compute |" in text
    assert "| gone | aten |  |  |  |  |  |  |" in text
    assert text.endswith("```\nfingerprint 0123\n\ncompiler  g++  ok\n```\n")


@pytest.mark.parametrize("place", [str(Path.home()), str(Path.cwd()), socket.gethostname()])
def test_a_place_of_the_machine_is_not_published(folder: Path, place: str) -> None:
    (folder / "doctor.txt").write_text(f"compiler  {place}  ok\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="a place of this machine: mend what prints it"):
        main(folder)
    assert not (folder.parent / "measuring.md").exists()


def test_the_script_makes_what_the_report_reads() -> None:
    script = (TOOLS / "measuring.sh").read_text(encoding="utf-8")
    for name in ("doctor.txt", "ceilings.jsonl", "ceilings.txt", "selftest.txt", "quickstart.csv", "coverage.md"):
        assert f'"$OUT/{name}"' in script, name
