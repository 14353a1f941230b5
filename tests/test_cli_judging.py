"""compare, gate, baseline and history from the command line: exit codes, streams and files, with real tiny gates."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from invobench.cli import app

SCRIPT = Path(sysconfig.get_path("scripts")) / "invobench"
ROOT = Path(__file__).parents[1]
SPEC = """\
version: 1
defaults: {batch: 1, in_channels: 16, height: 9, width: 9, device: cpu, threads: 1}
gate: {processes: 6, most_processes: 6, sample_time_s: 0.01, floor_s: 100, peak_memory: null}
layers:
  - {name: involution, operator: involution, kernel_size: 3, group_channels: 4, backend: shift}
  - {name: conv, operator: conv, kernel_size: 3}
"""
GROWN = SPEC.replace("kernel_size: 3, group_channels: 4", "kernel_size: 5, group_channels: 4")


@dataclass(frozen=True)
class Repository:
    """A git repository with a spec, and what a gate of it against itself said."""

    folder: Path
    gated: subprocess.CompletedProcess[str]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return invobench(self.folder, *arguments, **environment)

    def gate(self, text: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Gate the spec `text` against the commit, or against what `arguments` say."""
        (self.folder / "gate.yaml").write_text(text)
        base = [] if "--baseline" in arguments else ["--base-ref", "HEAD"]
        return self.run("gate", "gate.yaml", *base, "--no-store", *arguments, **environment)

    def results(self, side: str) -> str:
        return f"out/{side}/results.jsonl"


def invobench(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    quiet = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
    return subprocess.run(
        [SCRIPT, *arguments],
        cwd=folder,
        env={**quiet, "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder / "data"), **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q")
    (folder / "gate.yaml").write_text(SPEC)
    (folder / ".gitignore").write_text("*\n!gate.yaml\n")
    git(folder, "add", "gate.yaml")
    git(folder, "commit", "-q", "-m", "base")
    outputs = ["--junit", "out/junit.xml", "--bmf", "out/bmf.json", "--github-benchmark", "out/action.json"]
    return Repository(folder, invobench(folder, "gate", "gate.yaml", "--base-ref", "HEAD", "--out", "out", *outputs))


@pytest.fixture(scope="module")
def baseline(repository: Repository) -> str:
    """A baseline of that gate's candidate."""
    saved = repository.run("baseline", "save", repository.results("candidate"), "base.json")
    assert (saved.returncode, saved.stdout) == (0, ""), saved.stderr
    assert saved.stderr.splitlines()[-1] == "baseline: base.json, 2 cells"
    return "base.json"


@pytest.fixture(autouse=True)
def as_committed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "repository" in request.fixturenames:
        (request.getfixturevalue("repository").folder / "gate.yaml").write_text(SPEC)


def test_nothing_changed_is_a_pass(repository: Repository) -> None:
    done = repository.gated
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("pass (2 pass): exit code 0; nothing to do.")
    assert done.stdout.startswith("gate gate.yaml · HEAD (")
    assert "\x1b" not in done.stdout + done.stderr
    assert "[6/6]" in done.stderr
    assert done.stderr.splitlines()[-1] == "results: out"


def test_its_files(repository: Repository) -> None:
    out = repository.folder / "out"
    suite = ElementTree.parse(out / "junit.xml").getroot()[0]
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["2", "0", "0", "0"]
    assert [case.get("line") for case in suite.findall("testcase")] == ["5", "6"]
    measures = json.loads((out / "bmf.json").read_text())
    assert set(measures) == {
        "involution (cpu, float32, forward, module, shift)",
        "conv (cpu, float32, forward, module)",
    }
    for metrics in measures.values():
        latency = metrics["latency"]
        assert 1e3 < latency["lower_value"] <= latency["upper_value"] < 1e9
    entries = json.loads((out / "action.json").read_text())
    assert {"s", "count"} <= {entry["unit"] for entry in entries}


def test_its_results_can_be_compared(repository: Repository) -> None:
    files = [repository.results(side) for side in ("base", "candidate")]
    done = repository.run("compare", *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{files[0]} → {files[1]} · cpu, float32, forward, module")
    assert "geometric mean of the ratios over 2 cells: " in done.stdout
    whole = json.loads(repository.run("compare", *files, "--json").stdout)
    cells = whole["others"][0]["cells"]
    assert {cell["name"] for cell in cells} == {"involution", "conv"}
    assert all(cell["ratio_low"] <= cell["ratio"] <= cell["ratio_high"] for cell in cells)


def test_it_is_in_the_history(repository: Repository) -> None:
    done = repository.run("history", "conv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("conv (cpu, float32, forward, module) · latency · 1 gate\n▁  from ")
    assert (repository.folder / "data" / "invobench" / "history.sqlite").exists()
    plain = repository.run("history", "conv", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0
    assert "\n_  from " in plain.stdout
    wrong = repository.run("history", "comv")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean 'conv'?" in wrong.stderr


def test_more_parameters_are_a_regression_annotated_and_summarised(repository: Repository) -> None:
    summary = repository.folder / "summary.md"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_WORKSPACE": str(repository.folder)}
    done = repository.gate(GROWN, "--deterministic", "--json", "--quiet", "--junit", "grown.xml", **github)
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["exit_code"]) == ("regressed", 1)
    verdicts = {cell["name"]: {one["quantity"]: one["verdict"] for one in cell["checks"]} for cell in found["cells"]}
    assert verdicts["involution"]["params"] == verdicts["involution"]["macs_formula"] == "regressed"
    assert set(verdicts["conv"].values()) == {"pass"}
    assert "latency" not in verdicts["involution"]
    (command,) = [line for line in done.stderr.splitlines() if line.startswith("::")]
    assert command.startswith("::error file=gate.yaml,line=5,title=involution (cpu%2C float32")
    assert summary.read_text(encoding="utf-8").startswith("## invobench gate: regressed\n")
    suite = ElementTree.parse(repository.folder / "grown.xml").getroot()[0]
    assert suite.get("failures") == "1"


def test_a_renamed_layer_is_missing(repository: Repository, baseline: str) -> None:
    done = repository.gate(SPEC.replace("name: conv", "name: convolution"), "--deterministic", "--baseline", baseline)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "missing" in done.stdout
    assert "convolution" in done.stdout


def test_no_cell_in_common_is_nothing_measured(repository: Repository, baseline: str) -> None:
    other = SPEC.replace("name: conv", "name: a").replace("name: involution", "name: b")
    done = repository.gate(other, "--deterministic", "--baseline", baseline)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "\nnothing measured (2 missing, 2 new): exit code 4;" in done.stdout


def test_a_baseline_is_shown_and_listed(repository: Repository, baseline: str) -> None:
    shown = repository.run("baseline", "show", baseline)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"{baseline} · ")
    listed = repository.run("baseline", "list", "--format", "jsonl")
    assert [json.loads(line)["path"] for line in listed.stdout.splitlines()] == [baseline]


@pytest.mark.slow
def test_a_baseline_of_another_environment_is_inconclusive_and_may_be_let_through(
    repository: Repository, baseline: str
) -> None:
    values = json.loads((repository.folder / baseline).read_text())
    values["environment"]["fingerprint"] = "feedfacefeedface"
    (repository.folder / "other.json").write_text(json.dumps(values))
    done = repository.gate(SPEC, "--baseline", "other.json", "--inconclusive", "pass")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\ninconclusive (2 inconclusive): exit code 0;" in done.stdout
    assert "another environment" in done.stdout


def test_a_baseline_that_is_cut_off(repository: Repository, baseline: str) -> None:
    (repository.folder / "cut.json").write_text((repository.folder / baseline).read_text()[:-100])
    done = repository.gate(SPEC, "--baseline", "cut.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cut.json:")
    (repository.folder / "cut.json").unlink()


@pytest.mark.slow
def test_ctrl_c_is_130(repository: Repository) -> None:
    (repository.folder / "gate.yaml").write_text(SPEC)
    long = [word for key in ("processes", "most_processes", "time_s") for word in ("--set", f"gate.{key}=1000")]
    with subprocess.Popen(
        [SCRIPT, "gate", "gate.yaml", "--base-ref", "HEAD", "--no-store", *long],
        cwd=repository.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        until = time.monotonic() + 240
        while time.monotonic() < until and not process.stderr.readline().startswith("[1/"):
            pass
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "interrupted" in stderr


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "gate.yaml"
    path.write_text(SPEC)
    return str(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "exactly one base: --base-ref REV"),
        (["--base-ref", "main", "--baseline", "b.json"], "; given: --base-ref, --baseline"),
        (["--self-test", "--base-ref", "main"], "leave out --base-ref"),
        (["--self-test", "--junit", "j.xml", "--json"], "leave out --junit, --json"),
        (["--base-ref", "main", "--inconclusive", "fial"], "unknown --inconclusive 'fial' (did you mean 'fail'?)"),
        (["--base-ref", "main", "--format", "tabel"], "unknown format 'tabel' (did you mean 'table'?)"),
        (["--base-ref", "main", "--json", "--format", "csv"], "--json and --format csv contradict each other"),
        (["--base-ref", "main", "--store", "h", "--no-store"], "--store and --no-store contradict each other"),
        (["--base-ref", "main", "--junit", "/dev/null/x"], "--junit /dev/null/x: cannot write"),
        (["--baseline", "gone.json"], "gone.json: cannot read a baseline: No such file or directory"),
        (["--against-python", "gone/python"], "gone/python"),
        (["--base-ref", "no-such-revision"], "no-such-revision"),
    ],
)
def test_wrong_options(spec: str, options: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    git(Path(spec).parent, "init", "-q")
    monkeypatch.chdir(Path(spec).parent)
    done = CliRunner().invoke(app, ["gate", spec, "--quiet", *options])
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_bad_spec_and_an_unknown_option(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(SPEC.replace("kernel_size: 3}", "kernel_sise: 3}"))
    done = CliRunner().invoke(app, ["gate", str(path), "--base-ref", "main", "--no-store"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "kernel_sise: unknown key" in done.stderr
    assert CliRunner().invoke(app, ["gate", str(path), "--base"]).exit_code == 2


def test_compare_needs_two_results_that_are_results(tmp_path: Path) -> None:
    one = CliRunner().invoke(app, ["compare", "a.jsonl"])
    assert (one.exit_code, one.stdout) == (2, "")
    assert "two results files or more" in one.stderr
    gone = CliRunner().invoke(app, ["compare", str(tmp_path / "a"), str(tmp_path / "b")])
    assert (gone.exit_code, gone.stdout) == (2, "")
    assert "cannot read results" in gone.stderr


def test_no_history_yet(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["history", "conv", "--store", str(tmp_path / "none.sqlite")])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no history yet" in done.stderr
