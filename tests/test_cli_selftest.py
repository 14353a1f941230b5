"""`invobench selftest` from the command line, kept short: what it finds depends on the machine, its form does not."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from invobench.cli import app
from invobench.runner import selftest


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "QUICK", selftest.Plan(ladder_s=0.01, peers_s=0.01))


def test_one_round_on_the_real_clock(tmp_path: Path) -> None:
    """One pair a rung is no interval and no replicate: whatever it came to, some aims stay open."""
    raw = tmp_path / "raw.jsonl"
    done = CliRunner().invoke(app, ["selftest", "--quick", "--device", "cpu", "--format", "csv", "--out", str(raw)])
    assert done.exit_code == 3, done.output
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    kinds = [row["measure"] for row in rows]
    assert [kinds.count(kind) for kind in ("ladder", "agreement", "overhead")] == [5, 6, 3]
    words = [row["verdict"] for row in rows if row["measure"] == "aim"]
    assert {"open"} <= set(words) <= {"met", "open", "missed"}
    pairs = [line for line in map(json.loads, raw.read_text(encoding="utf-8").splitlines()) if line["kind"] == "pair"]
    assert {pair["ratio"] for pair in pairs} == {1.0, 1.01, 1.02, 1.05, 1.1}
    assert "ladder of known ratios, 0.01 s" in done.stderr


def test_a_device_that_is_not_here() -> None:
    done = CliRunner().invoke(app, ["selftest", "--device", "cuda:99"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("device cuda:99: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("device", ["tpu", "cuda:first", "cpu:3", ""])
def test_what_is_no_device(device: str) -> None:
    done = CliRunner().invoke(app, ["selftest", "--device", device])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"--device: must be one of auto, cpu, cuda, cuda:N, not '{device}'\n"


def test_an_unknown_format_is_told_before_anything_is_measured() -> None:
    done = CliRunner().invoke(app, ["selftest", "--format", "tabel"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("unknown format 'tabel' (did you mean 'table'?)")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = CliRunner().invoke(app, ["selftest", "--quick", "--device", "cpu", "--out", str(tmp_path / "file" / "raw")])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "choose another --out FILE" in done.stderr
