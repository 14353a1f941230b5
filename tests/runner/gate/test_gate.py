"""Gates for real: a repository whose layer changes, an interpreter that differs, and what must not be compared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from invobench.errors import SpecError, UsageError
from invobench.judging.verdicts import Judged, Verdict
from invobench.results import read_results
from invobench.runner.gate.gate import gate
from invobench.runner.gate.request import GateOutcome, GateRequest
from tests.runner.gate.fakes import Watcher
from tests.runner.gate.repositories import commit, git, layer, repository, spec
from tests.runner.test_processes import gone


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with a layer and its spec, in which a gate runs; its worktrees are gone at the end."""
    folder = repository(tmp_path / "repo", mine_py=layer(), specs__gate_yaml=spec())
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.chdir(folder)
    yield folder
    assert list(temporary.iterdir()) == []
    assert len(git(folder, "worktree", "list").splitlines()) == 1


def run(root: Path, watcher: Watcher | None = None, **changes: Any) -> GateOutcome:
    request = {"specs": (Path("specs/gate.yaml"),), "out": root.parent / "out", "base_ref": "HEAD", "command": "gate"}
    return gate(GateRequest(**{**request, **changes}), watcher or Watcher())


def cell(outcome: GateOutcome, name: str) -> Judged:
    assert outcome.judgement is not None, outcome.error
    return next(judged for judged in outcome.judgement.cells if judged.identity.name == name)


def test_a_slower_layer_is_regressed_and_the_other_is_not(root: Path) -> None:
    (root / "mine.py").write_text(layer(first="__import__('time').sleep(0.004)"))
    outcome = run(root)
    assert outcome.error is None
    mine, conv = cell(outcome, "mine"), cell(outcome, "conv")
    assert mine.verdict is Verdict.REGRESSED
    latency = mine.check("latency")
    assert latency is not None
    assert latency.ratio is not None
    assert latency.ratio > 2
    assert {check.verdict for check in mine.checks if check.quantity != "latency"} == {Verdict.PASS}
    assert {check.verdict for check in conv.checks if check.quantity != "latency"} == {Verdict.PASS}
    assert outcome.exit_code == 1
    assert outcome.judgement is not None
    assert outcome.judgement.base.revision == git(root, "rev-parse", "HEAD")
    for side in ("base", "candidate"):
        found = read_results(root.parent / "out" / side / "results.jsonl")
        assert {row.spec for row in found.rows} == {"specs/gate.yaml"}
        assert [row.processes for row in found.rows] == [6, 6]
        assert len(found.replicates) == 12


def test_what_does_not_vary_is_compared_exactly(root: Path) -> None:
    (root / "mine.py").write_text(layer(bias=False, out=9))
    outcome = run(root, deterministic=True)
    checks = {check.quantity: (check.base, check.candidate, check.verdict) for check in cell(outcome, "mine").checks}
    assert checks["params"] == (8 * 9 * 8 + 8, 9 * 9 * 8, Verdict.REGRESSED)
    assert checks["output_shape"] == ([[1, 8, 8, 8]], [[1, 9, 8, 8]], Verdict.REGRESSED)
    assert checks["macs_dispatched"] == (64 * 8 * 9 * 8, 64 * 9 * 9 * 8, Verdict.REGRESSED)
    assert cell(outcome, "conv").verdict is Verdict.PASS
    assert outcome.exit_code == 1


@pytest.mark.slow
def test_a_layer_that_breaks_is_a_failure_and_one_that_is_new_is_not(root: Path) -> None:
    (root / "mine.py").write_text(layer(first="raise ValueError('broken')"))
    text = (root / "specs/gate.yaml").read_text()
    (root / "specs/gate.yaml").write_text(text.replace("  - {name: conv", "  - {name: renamed"))
    outcome = run(root, deterministic=True)
    verdicts = {judged.identity.name: judged.verdict for judged in outcome.judgement.cells}  # type: ignore[union-attr]
    assert verdicts == {"mine": Verdict.FAILED, "conv": Verdict.MISSING, "renamed": Verdict.NEW}
    assert "ValueError: broken" in cell(outcome, "mine").message
    assert outcome.exit_code == 4


@pytest.mark.slow
def test_a_spec_that_the_revision_lacks_is_that_of_both(root: Path) -> None:
    new = root / "specs/new.yaml"
    new.write_text(spec())
    watcher = Watcher()
    outcome = run(root, watcher, specs=(Path("specs/new.yaml"),), deterministic=True)
    assert outcome.exit_code == 0
    note = "specs/new.yaml is not there at HEAD: as it is here, it is the spec of both sides"
    same = "HEAD is what is in the working tree: it is compared with itself"
    assert watcher.warnings == [same, note]
    assert {note, same} <= set(outcome.judgement.notes)  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_package_under_src_is_the_revisions(root: Path) -> None:
    """On both sides something else would be imported first: the working tree's, from the import path."""
    package = root / "src/pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "layers.py").write_text(layer())
    (root / "specs/gate.yaml").write_text(spec("pkg.layers:Mine"))
    commit(root)
    (package / "layers.py").write_text(layer(bias=False))
    sys.path.insert(0, str(root / "src"))
    try:
        outcome = run(root, deterministic=True)
    finally:
        sys.path.remove(str(root / "src"))
    params = cell(outcome, "mine").check("params")
    assert params is not None
    assert (params.base, params.candidate) == (8 * 9 * 8 + 8, 8 * 9 * 8)


@pytest.mark.slow
def test_code_of_the_working_tree_on_the_bases_side_is_refused(root: Path) -> None:
    """The revision's own layer imports from a path that it names."""
    hard = f"import sys\nsys.path.insert(0, {str(root / 'lib')!r})\nfrom helpers import Mine\n"
    (root / "lib").mkdir()
    (root / "lib/helpers.py").write_text(layer())
    (root / "mine.py").write_text(hard)
    commit(root)
    outcome = run(root, deterministic=True)
    assert str(outcome.error) == (
        f"base (HEAD) imported helpers from the other side's tree ({root}/lib/helpers.py), so that nothing would be "
        "compared: install each side in an environment of its own, and use --against-python"
    )
    assert (outcome.exit_code, outcome.judgement) == (4, None)


@pytest.mark.slow
def test_another_interpreter_is_the_base(root: Path, tmp_path: Path) -> None:
    """Its environment has a layer of its own; the working tree is the same for both."""
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment/theirs.py").write_text(layer(bias=False))
    (root / "theirs.py").write_text("")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexport PYTHONPATH={tmp_path}/environment:$PYTHONPATH\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (root / "theirs.py").unlink()
    sys.path.insert(0, str(tmp_path / "here"))
    (tmp_path / "here").mkdir()
    (tmp_path / "here/theirs.py").write_text(layer())
    (root / "specs/gate.yaml").write_text(spec("theirs:Mine"))
    try:
        outcome = run(root, base_ref=None, against_python=python, deterministic=True)
    finally:
        sys.path.remove(str(tmp_path / "here"))
    params = cell(outcome, "mine").check("params")
    assert params is not None
    assert (params.base, params.candidate) == (8 * 9 * 8, 8 * 9 * 8 + 8)
    assert outcome.judgement is not None
    assert outcome.judgement.base.label == str(python)


def test_what_cannot_start(root: Path) -> None:
    with pytest.raises(UsageError, match="gate: nothing to compare with: give one of --base-ref, --against-python"):
        run(root, base_ref=None)
    with pytest.raises(UsageError, match="gate: --base-ref and --baseline are given: give one of"):
        run(root, baseline=Path("x"))
    with pytest.raises(UsageError, match=r"--base-ref nonesuch: .* has no such revision: fetch it first"):
        run(root, base_ref="nonesuch")
    with pytest.raises(SpecError, match=r"missing.yaml:1:1: .*no such file"):
        run(root, specs=(Path("missing.yaml"),))
    broken = root / "specs/gate.yaml"
    text = broken.read_text()
    broken.write_text("version: 1\nlayer: []\n")
    commit(root)
    broken.write_text(text)
    with pytest.raises(UsageError, match=r"^base \(HEAD\): specs/gate.yaml:1:1: spec: missing: "):
        run(root)
    assert not (root.parent / "out").exists()


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind(root: Path) -> None:
    (root / "mine.py").write_text(layer(first="__import__('time').sleep(600)"))
    script = f"""
import tempfile
tempfile.tempdir = {str(root.parent / "temporary")!r}
from pathlib import Path
from invobench.runner.gate.gate import gate
from invobench.runner.gate.request import GateRequest
from tests.runner.gate.fakes import Watcher
outcome = gate(GateRequest((Path("specs/gate.yaml"),), Path({str(root.parent / "out")!r}), base_ref="HEAD"), Watcher())
print(outcome.exit_code, outcome.interrupted, flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True, env=environment
    )
    kept = root.parent / "out/base/results.jsonl"
    end = time.monotonic() + 200
    while not (kept.exists() and kept.read_text().count("replicate") >= 2):  # the candidate measures, and hangs
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    below = _below(process.pid)
    assert len(below) >= 4, "two servers and what they started"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "130 True\n"
    assert all(gone(pid) for pid in below)
    assert [row.name for row in read_results(kept).replicates] == ["mine", "conv"]


def _below(pid: int) -> list[int]:
    from invobench.runner.gate.children import descendants

    return descendants(pid)
