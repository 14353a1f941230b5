"""The sheets of `ceilings` and `doctor`, in every format."""

from __future__ import annotations

import json

import pytest

from invobench.measure.ceilings import Ceiling
from invobench.measure.doctor.base import Gpu, Snapshot
from invobench.measure.doctor.checks import diagnose
from invobench.report import SHEETS, Page
from invobench.report.ceilings_sheet import NOISY_NOTE, ceilings_sheet
from invobench.report.doctor_sheet import doctor_sheet
from invobench.units import MIB
from tests.rows import ENVIRONMENT

HERE = ENVIRONMENT.model_copy(update={"gpus": ("Some GPU",)})
WHEN = "2026-11-24T12:00:00+00:00"
CPU = {"device": "cpu", "threads": 2, "samples": 20, "reached": True}
GPU = {"device": "cuda:0", "samples": 20, "reached": True}
CEILINGS = (
    Ceiling(**CPU, quantity="copy", value=2.05e10, low=2.0e10, high=2.1e10, size=128 * MIB),
    Ceiling(**CPU, quantity="cached_copy", value=6e10, size=MIB),
    Ceiling(**{**CPU, "reached": False}, quantity="matmul", value=1.2345e11, dtype="float32", size=1024),
    Ceiling(**CPU, quantity="launch", value=1.5e-6, low=1.4e-6, high=1.6e-6),
    Ceiling(**GPU, quantity="matmul", value=4.2e14, dtype="float32", tf32=True, size=8192),
)


def test_ceilings_for_people() -> None:
    sheet = ceilings_sheet(HERE, CEILINGS, WHEN)
    assert sheet.title == (
        "ceilings of Some CPU @ 2.00GHz, 2 threads, Some GPU · torch 2.13.0 · fingerprint 0123456789abcdef"
    )
    assert "2 × multiply-adds" in sheet.legend
    assert [line.cells for line in sheet.lines] == [
        ("cpu", "copy, memory", "", "20.5 GB/s", "2.4 %", "128 MiB"),
        ("cpu", "copy, cache", "", "60.0 GB/s", "", "1.00 MiB"),
        ("cpu", "matrix product", "float32", "123 GFLOP/s~", "", "1024×1024"),
        ("cpu", "launch", "", "1.50 µs", "6.7 %", ""),
        ("cuda:0", "matrix product", "float32 (tf32)", "420 TFLOP/s", "", "8192×8192"),
    ]
    assert [line.section for line in sheet.lines] == [True, False, False, False, True]
    cpu = "invobench ceilings --refresh --device cpu --threads 2"
    both = f"{cpu} or invobench ceilings --refresh --device cuda:0"
    assert sheet.notes == (f"measured {WHEN}; again: {both}", NOISY_NOTE)
    assert ceilings_sheet(HERE, CEILINGS[:2], WHEN).notes == (f"measured {WHEN}; again: {cpu}",)


def test_ceilings_that_were_measured_apart_say_when_each_was() -> None:
    one = CEILINGS[0].model_copy(update={"threads": 1})
    late = CEILINGS[4].model_copy(update={"created": "2026-12-01T08:00:00+00:00"})
    sheet = ceilings_sheet(HERE, (one, late), WHEN)
    assert ", 1 thread, Some GPU" in sheet.title
    assert sheet.notes == (
        f"measured {WHEN}; again: invobench ceilings --refresh --device cpu --threads 1",
        "measured 2026-12-01T08:00:00+00:00; again: invobench ceilings --refresh --device cuda:0",
    )
    assert [record["created"] for record in sheet.records] == [WHEN, late.created]


def test_ceilings_for_programs() -> None:
    records = ceilings_sheet(HERE, CEILINGS, WHEN).records
    common = {"fingerprint": "0123456789abcdef", "created": WHEN, "samples": 20}
    assert records[0] == {
        **common,
        "device": "cpu",
        "threads": 2,
        "quantity": "copy",
        "bytes_per_s": 2.05e10,
        "low_bytes_per_s": 2.0e10,
        "high_bytes_per_s": 2.1e10,
        "size": 128 * MIB,
        "reached": True,
    }
    assert records[3]["s"] == 1.5e-6
    assert records[4] == {
        **common,
        "device": "cuda:0",
        "quantity": "matmul",
        "dtype": "float32",
        "tf32": True,
        "flops_per_s": 4.2e14,
        "size": 8192,
        "reached": True,
    }


SNAPSHOT = Snapshot(
    "0123456789abcdef",
    {"torch": "2.13.0"},
    "Some CPU",
    smt=False,
    numa_nodes=2,
    gpus=(Gpu("Some GPU", watched=False),),
    compiler="g++",
)


def test_doctor_says_each_check_in_a_line() -> None:
    sheet = doctor_sheet(SNAPSHOT)
    assert sheet.title == "fingerprint 0123456789abcdef"
    lines = {line.cells[0]: line for line in sheet.lines}
    assert list(lines) == list(diagnose(SNAPSHOT))
    assert lines["SMT"].cells == ("SMT", "off", "ok")
    assert lines["SMT"].style == "plain"
    assert lines["NUMA"].cells[1:] == (
        "2 nodes",
        "hurts: memory of another node is slower, and which a tensor gets is chance; "
        "mend: numactl --cpunodebind=0 --membind=0 invobench ...",
    )
    assert lines["NUMA"].style == "bad"
    assert lines["governor"].cells[2] == "unknown; mend: choose the performance governor on the host"
    assert lines["governor"].style == "dim"
    hurting = [name for name, line in lines.items() if line.style == "bad"]
    assert hurting == ["NUMA", "last-level cache", "GPU"]
    assert sheet.notes == (f"3 of {len(lines)} hurt measuring here: NUMA, last-level cache, GPU.",)


def test_doctor_for_programs() -> None:
    records = {record["check"]: record for record in doctor_sheet(SNAPSHOT).records}
    assert records["SMT"] == {
        "fingerprint": "0123456789abcdef",
        "check": "SMT",
        "found": "off",
        "verdict": "ok",
    }
    assert set(records["NUMA"]) == {"fingerprint", "check", "found", "verdict", "hurts", "mend"}


@pytest.mark.parametrize("name", SHEETS)
def test_every_format_draws_them(name: str) -> None:
    for sheet in (ceilings_sheet(HERE, CEILINGS, WHEN), doctor_sheet(SNAPSHOT)):
        text = SHEETS[name].load()([sheet], Page())
        assert "0123456789abcdef" in text
        if name == "jsonl":
            assert [json.loads(line) for line in text.splitlines()] == [dict(record) for record in sheet.records]
