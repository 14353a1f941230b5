"""`invobench gate` around a gate that was never measured: every ending, what it prints, keeps and warns of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from invobench.baselines.store import Store
from invobench.cli import app
from invobench.errors import InvobenchError, MeasurementError
from invobench.judging.verdicts import Judgement
from invobench.runner.gate import gate as gating
from invobench.runner.gate import selftest
from invobench.runner.gate.request import GateObserver, GateOutcome, GateProgress, GateRequest, GateSelftest
from tests.report.judgements import EVERYTHING, FAILED, MISSING, NOTHING, PASSED, SLOWER, UNSURE, judgement
from tests.report.test_gate_history import SUPPORTED

Gate = Callable[..., Any]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Runs the command with a gate that ends as told; `asked` has what it was asked."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "gate.yaml").write_text("version: 1\n")

    def run(ends: Judgement | GateOutcome, *options: str) -> Any:
        def fake(request: GateRequest, observer: GateObserver) -> GateOutcome:
            run.asked = request  # type: ignore[attr-defined]
            observer.stage("starting base")
            observer.started(GateProgress(0, 10, 2, 0.5))
            observer.round_finished(GateProgress(1, 10, 1, 1.5))
            observer.warned("something to know")
            return ends if isinstance(ends, GateOutcome) else outcome(ends)

        monkeypatch.setattr(gating, "gate", fake)
        return CliRunner().invoke(app, ["gate", "gate.yaml", "--base-ref", "main", *options])

    return run


def outcome(judged: Judgement | None, error: InvobenchError | None = None, interrupted: bool = False) -> GateOutcome:
    return GateOutcome(judged, None, None, Path("out"), interrupted, error)


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (judgement(PASSED), 0),
        (judgement(PASSED, SLOWER), 1),
        (judgement(PASSED, UNSURE), 3),
        (judgement(PASSED, MISSING), 3),
        (judgement(PASSED, FAILED), 4),
        (NOTHING, 4),
        (replace(judgement(UNSURE), exit_code=0), 0),
        (replace(judgement(UNSURE), exit_code=1), 1),
    ],
)
def test_every_verdict_has_its_exit_code(invoke: Gate, ends: Judgement, code: int) -> None:
    done = invoke(ends)
    assert done.exit_code == code, done.output
    assert f"exit code {code};" in done.stdout
    assert "\x1b" not in done.output


def test_progress_and_warnings_are_on_stderr_and_quiet_is_quiet(invoke: Gate) -> None:
    assert invoke(judgement(PASSED)).stderr.splitlines() == [
        "starting base",
        "[1/10] rounds of both sides, 1 cell in the next, 1.50 s",
        "warning: something to know",
        "results: out",
    ]
    assert invoke(judgement(PASSED), "--quiet").stderr == "warning: something to know\n"


def test_stdout_has_the_asked_format_alone(invoke: Gate) -> None:
    assert json.loads(invoke(EVERYTHING, "--json").stdout)["verdict"] == "regressed"
    lines = invoke(EVERYTHING, "--format", "jsonl").stdout.splitlines()
    assert {json.loads(line)["cell_verdict"] for line in lines} >= {"pass", "regressed", "failed"}
    assert invoke(EVERYTHING, "--format", "markdown").stdout.startswith("**gate specs/gate.yaml")


def test_what_the_gate_is_asked(invoke: Gate) -> None:
    invoke(judgement(PASSED), "--set", "batch=2", "--device", "cpu", "--deterministic", "--out", "here")
    asked = invoke.asked  # type: ignore[attr-defined]
    assert asked.settings == ("batch=2", "device=cpu")
    assert (asked.specs, asked.base_ref, asked.out) == ((Path("gate.yaml"),), "main", Path("here"))
    assert (asked.deterministic, asked.fail_on_improvement, asked.inconclusive) == (True, False, "report")
    invoke(judgement(PASSED), "--fail-on-improvement", "--inconclusive", "fail")
    asked = invoke.asked  # type: ignore[attr-defined]
    assert (asked.fail_on_improvement, asked.inconclusive) == (True, "fail")
    assert asked.out.parent == Path("invobench-results")


def test_a_gate_that_was_broken_off_is_not_a_pass(invoke: Gate) -> None:
    done = invoke(outcome(None, MeasurementError("base: the interpreter died")))
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.splitlines()[-2:] == ["results: out", "base: the interpreter died"]
    stopped = invoke(outcome(None, interrupted=True), "--junit", "junit.xml", "--quiet")
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert "interrupted: not judged" in stopped.stderr
    assert Path("junit.xml").read_text() == ""
    judged = invoke(outcome(judgement(PASSED), MeasurementError("out/base: the disk is full")))
    assert judged.exit_code == 4
    assert judged.stdout.endswith("nothing to do.\n")


def test_every_gate_is_in_the_history_unless_it_must_not_be(invoke: Gate, tmp_path: Path) -> None:
    kept = tmp_path / "data" / "invobench" / "history.sqlite"
    invoke(judgement(PASSED), "--no-store")
    assert not kept.exists()
    invoke(judgement(PASSED))
    invoke(judgement(PASSED, SLOWER))
    assert [point.mode for point in Store(kept).history("conv")] == ["base-ref", "base-ref"]
    invoke(judgement(PASSED), "--store", "mine.sqlite")
    assert len(Store(Path("mine.sqlite")).history("conv")) == 1
    invoke(outcome(None, interrupted=True))
    assert len(Store(kept).history("conv")) == 2


def test_a_history_that_cannot_be_written_is_a_warning(invoke: Gate) -> None:
    Path("file").write_text("")
    done = invoke(judgement(PASSED, SLOWER), "--store", "file/history.sqlite")
    assert done.exit_code == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("warning: file/history.sqlite: ")]


def test_files_that_were_asked_for(invoke: Gate) -> None:
    done = invoke(EVERYTHING, "--junit", "a/j.xml", "--bmf", "a/b.json", "--github-benchmark", "a/g.json")
    assert done.exit_code == 1
    assert Path("a/j.xml").read_text().startswith("<?xml")
    assert json.loads(Path("a/b.json").read_text())
    assert json.loads(Path("a/g.json").read_text())


def test_a_file_that_cannot_be_written_in_the_end_is_not_a_pass(
    invoke: Gate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("invobench.report.gate_files.emptied", lambda files: None)
    done = invoke(judgement(PASSED), "--junit", "gone/j.xml")
    assert done.exit_code == 4
    assert "--junit gone/j.xml: cannot write" in done.stderr
    assert "pass (1 pass)" in done.stdout
    assert invoke(judgement(SLOWER), "--junit", "gone/j.xml").exit_code == 1


def test_github(invoke: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    done = invoke(EVERYTHING, "--quiet", "--json")
    assert json.loads(done.stdout)
    assert sum(line.startswith("::error ") for line in done.stderr.splitlines()) == 4
    assert Path("summary.md").read_text(encoding="utf-8").startswith("## invobench gate: regressed")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "gone/summary.md")
    done = invoke(judgement(PASSED))
    assert done.exit_code == 0
    assert "warning: $GITHUB_STEP_SUMMARY gone/summary.md: cannot write" in done.stderr


def test_the_self_test_is_kept_and_warns_the_next_gate(invoke: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(request: GateRequest, observer: Any) -> GateSelftest:
        assert request.base_ref is None
        return SUPPORTED

    monkeypatch.setattr(selftest, "gate_selftest", fake)
    done = CliRunner().invoke(app, ["gate", "gate.yaml", "--self-test", "--quiet"])
    assert done.exit_code == SUPPORTED.exit_code == 4, done.output
    assert done.stdout.startswith("gate --self-test · cpu · ")
    text = " ".join(invoke(judgement(PASSED, SLOWER)).stdout.split())
    assert "Warning: involution kernel_size=7: the threshold of 5.0 % is below what this machine supports" in text


def test_who_stops_reading_does_not_make_it_a_pass() -> None:
    code = "import sys; from invobench.cli.gating import _shown; sys.exit(_shown('regressed' * 100_000, 1))"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
