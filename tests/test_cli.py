"""The command line as a user meets it: exit codes, streams, interruption and resumption."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from invobench.results import COLUMNS, read_results

ROOT = Path(__file__).parents[1]
SPEC = """\
version: 1
defaults: {batch: 1, in_channels: 16, height: 9, width: 9}
layers:
  - name: involution
    operator: involution
    kernel_size: 3
    group_channels: 4
    matrix: {backend: [unfold, shift]}
  - {name: conv, operator: conv, kernel_size: 3}
measure: {target_ci: 1.0, max_time_s: 0.01}
"""


def invobench(*arguments: str, cwd: Path = ROOT, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "invobench", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def test_profile_prints_the_asked_format_alone_on_stdout(spec: Path, tmp_path: Path) -> None:
    done = invobench("profile", str(spec), "--format", "csv", "--device", "cpu", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["name"], row["backend"]) for row in rows] == [
        ("involution", "unfold"),
        ("involution", "shift"),
        ("conv", "aten"),
    ]
    for row in rows:
        assert row["macs_formula"] == row["macs_dispatched"]
        assert float(row["latency_s"]) > 0
        assert row["device"] == "cpu"
    assert "[1/3] involution backend=unfold: " in done.stderr
    assert str(tmp_path / "out" / "results.jsonl") in done.stderr
    again = invobench(
        "profile", str(spec), "--format", "jsonl", "--device", "cpu", "--out", str(tmp_path / "out"), "--resume"
    )
    assert again.returncode == 0, again.stderr
    assert "resumed: 3 of 3 cells were finished before" in again.stderr
    assert again.stdout == (tmp_path / "out" / "results.jsonl").read_text()


def test_results_go_to_a_dated_folder_and_quiet_is_quiet(spec: Path, tmp_path: Path) -> None:
    done = invobench("profile", str(spec), "--quiet", "--metrics", "params", "--set", "backend=shift", cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    assert "unsupported: backend shift: conv has none of that name" in done.stdout
    (path,) = (tmp_path / "invobench-results").glob("20*/results.jsonl")
    assert done.stderr == f"results: {path.relative_to(tmp_path)}\n"
    assert [row.latency_s for row in read_results(path).rows] == [None, None]


PUBLISHED = """\
version: 1
layers: [{name: inv, operator: involution, kernel_size: 7, group_channels: 16, backend: unfold}]
"""


def test_count_prints_the_formula_with_its_numbers(spec: Path) -> None:
    spec.write_text(PUBLISHED)
    done = invobench("count", str(spec), "--symbolic")
    assert (done.returncode, done.stderr) == (0, "")
    formula = "HW(C²+K²GC)/r + HWK²C = 3136·(64²+49·4·64)/4 + 3136·49·64 = 22,880,256"
    assert done.stdout.splitlines()[1] == f"  {formula}"
    table = invobench("count", str(spec), "--convention", "hook", "--format", "csv")
    records = list(csv.DictReader(io.StringIO(table.stdout)))
    assert sum(int(record["macs"] or 0) for record in records) == 23_645_440
    assert {record["convention"] for record in records} == {"hook"}


def test_count_imports_no_torch(spec: Path) -> None:
    code = f"import sys; from invobench.cli import app; app(['count', {str(spec)!r}], standalone_mode=False)"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "invobench.report.count_sheet" in done.stderr
    assert " torch\n" not in done.stderr


def test_crosscheck_names_what_other_counters_miss(spec: Path) -> None:
    spec.write_text(PUBLISHED)
    done = invobench("crosscheck", str(spec))
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "Formula and our count agree in every term.",
        "fvcore as it comes misses aggregate: it has no rule for aten::im2col ×1, aten::mul ×1, aten::sum ×1.",
        "torch as it comes misses aggregate: it has no rule for mul ×1.",
        "fvcore as it comes counts besides: aten::batch_norm 100,352.",
    ):
        assert text in " ".join(done.stdout.split())
    totals = next(line for line in done.stdout.splitlines() if line.startswith("total reported")).split()[2:]
    assert totals == ["22,880,256", "22,880,256", "22,880,256", "13,146,112", "22,880,256", "13,045,760"]


def test_crosscheck_of_a_module() -> None:
    done = invobench("crosscheck", "--module", "tests.user_layers:Plain", "--input", "8,16,9,9", "--format", "jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert {record["counter"] for record in records} == {"ours", "fvcore+ours", "fvcore", "torch+ours", "torch"}
    assert {(record["term"], record["macs"], record["verdict"]) for record in records} == {
        ("conv", 8 * 81 * 9 * 256, "match")
    }


def test_crosscheck_of_an_operation_without_a_rule_is_an_error() -> None:
    done = invobench("crosscheck", "--module", "tests.user_layers:Spectral", "--input", "1,2,4,4")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "tests.user_layers:Spectral: cannot count: no rule for _fft_c2c ×1 in its own code: please report "
        "it (a rule is a line in invobench/complexity/rules.py or kinds.py)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["profile"], "Missing argument"),
        (["count", "SPEC", "--convention", "hok"], "unknown convention 'hok' (did you mean 'hook'?); there are: "),
        (["count", "SPEC", "--symbolic", "--format", "csv"], "--symbolic prints text: leave out --tree, --depth and "),
        (["count", "SPEC", "--format", "tabel"], "unknown format 'tabel' (did you mean 'table'?); there are: "),
        (["crosscheck"], "crosscheck takes SPEC files, or --module PACKAGE.MODULE:FACTORY with --input N,C,H,W"),
        (["crosscheck", "SPEC", "--counters", "fvcor"], "unknown counter 'fvcor' (did you mean 'fvcore'?)"),
        (["profile", "missing.yaml"], "missing.yaml:1:1: spec: "),
        (["validate", "missing.yaml"], "missing.yaml:1:1: spec: "),
        (["profile", "SPEC", "--format", "tabel"], "unknown format 'tabel' (did you mean 'table'?); there are: "),
        (["profile", "SPEC", "--metrics", "latencie"], "unknown metric 'latencie' (did you mean 'latency'?)"),
        (["profile", "SPEC", "--metrics", ""], "unknown metric ''; there are: energy, "),
        (
            ["profile", "SPEC", "--set", "kernel_sze=5"],
            "--set:1:1: kernel_sze: no cell of the spec has this key (did you mean 'kernel_size'?)",
        ),
        (["profile", "SPEC", "--device", "gpu"], "device"),
        (["profile", "SPEC", "--device", "cuda:99", "--metrics", "params"], "device cuda:99: "),
        (["profile", "SPEC", "--resume"], "--resume needs --out DIR"),
        (["ceilings", "--device", "cuda:99"], "--device cuda:99: not here; there are: cpu"),
        (["ceilings", "--threads", "4096"], "--threads 4096: this process may use "),
        (["doctor", "--format", "tabel"], "unknown format 'tabel' (did you mean 'table'?)"),
        (["list", "opertors"], "unknown list 'opertors' (did you mean 'operators'?)"),
        (["profil", "SPEC"], "No such command"),
    ],
)
def test_bad_usage_is_2_with_the_place_and_the_fix(
    arguments: list[str], message: str, spec: Path, tmp_path: Path
) -> None:
    done = invobench(*(str(spec) if word == "SPEC" else word for word in arguments), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_validate_prints_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\nlayers:\n  - {name: a, operator: involution, group_chanels: 16}\n  - {name: a}\n")
    done = invobench("validate", str(path))
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith(
        f"{path}:3:37: layers[0].group_chanels: unknown key (did you mean 'group_channels'?)"
    )
    assert len(done.stderr.splitlines()) >= 3


def test_every_spec_of_the_project_validates() -> None:
    paths = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "specs").glob("*.yaml"))
    assert len(paths) >= 6
    done = invobench("validate", *paths)
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == paths


def test_dry_run_measures_nothing(spec: Path, tmp_path: Path) -> None:
    done = invobench("profile", str(spec), "--dry-run", "--out", str(tmp_path / "out"))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "involution backend=unfold: 1×16×9×9, float32, forward, backend unfold, device auto"
    assert lines[-1].startswith("3 cells; sampling takes about 45.0 ms")
    assert not (tmp_path / "out").exists()


def rows_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [record for line in done.stdout.splitlines() if (record := json.loads(line))["record"] == "row"]


def test_doctor_ceilings_and_profile_are_of_one_fingerprint(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept for the fingerprint that doctor prints is what ceilings shows and what rows are set against."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    profile = ("profile", str(spec), "--device", "cpu", "--metrics", "latency", "--format", "jsonl", "--out")
    done = invobench("doctor", "--format", "jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"versions", "governor", "threads", "load", "GPU"} <= {record["check"] for record in records}
    assert all(("hurts" in record) == (record["verdict"] == "hurts") for record in records)
    (fingerprint,) = {record["fingerprint"] for record in records}

    without = invobench(*profile, str(tmp_path / "without"))
    assert without.stderr.count("no ceilings measured here: run invobench ceilings\n") == 1
    for row in rows_of(without):
        assert row["achieved_flops_per_s"] == pytest.approx(2 * row["macs_formula"] / row["latency_s"])
        assert not {"limit_share", "bound"} & set(row)

    common = {"device": "cpu", "threads": rows_of(without)[0]["threads"], "samples": 9, "reached": True}
    known = [
        {**common, "quantity": "copy", "value": 1.0},
        {**common, "quantity": "cached_copy", "value": 1.0},
        {**common, "quantity": "matmul", "dtype": "float32", "value": 1e30},
        {**common, "quantity": "launch", "value": 1e-9},
    ]
    head = {"schema_version": 1, "fingerprint": fingerprint, "invobench": "0.1.0", "created": "2026-11-24"}
    (tmp_path / "cache" / "invobench").mkdir(parents=True)
    kept = tmp_path / "cache" / "invobench" / f"ceilings-{fingerprint}.json"
    kept.write_text(json.dumps({**head, "ceilings": known}))
    shown = invobench("ceilings", "--device", "cpu", "--format", "csv")
    assert (shown.returncode, shown.stderr) == (0, "")
    found = list(csv.DictReader(io.StringIO(shown.stdout)))
    assert [record["quantity"] for record in found] == ["copy", "cached_copy", "matmul", "launch"]
    set_against = invobench(*profile, str(tmp_path / "with"))
    assert "no ceilings" not in set_against.stderr
    for row in rows_of(set_against):
        assert row["bound"] == "memory"
        assert row["limit_share"] == pytest.approx(row["min_bytes"] / 1.0 / row["latency_s"])


@pytest.mark.slow
def test_ceilings_are_measured_once_within_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    start = time.monotonic()
    first = invobench("ceilings", "--device", "cpu", "--format", "csv")
    assert time.monotonic() - start < 60
    assert first.returncode == 0, first.stderr
    assert "measuring cpu: copies" in first.stderr
    found = list(csv.DictReader(io.StringIO(first.stdout)))
    assert [record["quantity"] for record in found] == ["copy", "cached_copy", *4 * ["matmul"], "launch"]
    again = invobench("ceilings", "--device", "cpu", "--format", "csv")
    assert (again.returncode, again.stderr, again.stdout) == (0, "", first.stdout)


def test_schema_and_lists() -> None:
    schema = json.loads(invobench("schema").stdout)
    assert schema["$schema"].endswith("2020-12/schema")
    operators = invobench("list", "operators").stdout
    assert "involution" in operators
    assert "reduction_ratio" in operators
    backends = invobench("list", "backends").stdout
    assert "cpu: available; cuda: " in backends
    assert "rednet152" in invobench("list", "networks").stdout
    assert "peak_memory_bytes" in invobench("list", "metrics").stdout
    assert invobench("--version").stdout.startswith("invobench 0.")


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "invobench", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **{"stdout": subprocess.PIPE, **options},
    )


def wait_for_rows(path: Path, count: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if path.is_file() and path.read_bytes().count(b"\n") > count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path}: no {count} rows in time")


@pytest.fixture
def longer(tmp_path: Path) -> Path:
    path = tmp_path / "longer.yaml"
    slow = SPEC.replace("target_ci: 1.0, max_time_s: 0.01", "target_ci: 0.00001, max_time_s: 0.5")
    path.write_text(slow.replace("[unfold, shift]", "[unfold, shift, reference]"))
    return path


def test_sigkill_then_resume_loses_and_repeats_nothing(longer: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["profile", str(longer), "--device", "cpu", "--out", str(out)]
    running = start(*arguments)
    wait_for_rows(out / "results.jsonl", 1)
    running.kill()
    running.communicate()
    kept = (out / "results.jsonl").read_bytes()
    finished = kept.count(b"\n") - 1
    assert 1 <= finished < 4
    done = invobench(*arguments, "--resume")
    assert done.returncode == 0, done.stderr
    after = (out / "results.jsonl").read_bytes()
    assert after.startswith(kept[: kept.rfind(b"\n") + 1])
    assert [row.backend for row in read_results(out / "results.jsonl").rows] == ["unfold", "shift", "reference", "aten"]
    assert f"resumed: {finished} of 4 cells were finished before" in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interruption_keeps_rows_prints_them_and_exits_130(stop: signal.Signals, longer: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    running = start("profile", str(longer), "--device", "cpu", "--out", str(out), "--format", "csv")
    wait_for_rows(out / "results.jsonl", 1)
    os.killpg(running.pid, stop) if stop is signal.SIGINT else running.send_signal(stop)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stderr
    rows = read_results(out / "results.jsonl").rows
    assert 1 <= len(rows) < 4
    assert len(list(csv.DictReader(io.StringIO(stdout)))) == len(rows)
    assert f"go on with --resume --out {out}" in stderr
    assert "Traceback" not in stderr


def test_ctrl_c_while_it_starts_is_130_without_a_traceback(longer: Path, tmp_path: Path) -> None:
    running = start("profile", str(longer), "--device", "cpu", "--out", str(tmp_path / "out"))
    time.sleep(2.5)
    os.killpg(running.pid, signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stderr
    assert "Traceback" not in stderr


def test_ctrl_c_twice_is_once(longer: Path, tmp_path: Path) -> None:
    """A second one, whenever it comes, takes at most the report, and not how to go on."""
    for number, pause in enumerate((0.0, 0.02, 0.3)):
        out = tmp_path / f"out{number}"
        running = start("profile", str(longer), "--device", "cpu", "--out", str(out))
        wait_for_rows(out / "results.jsonl", 1)
        os.killpg(running.pid, signal.SIGINT)
        time.sleep(pause)
        os.killpg(running.pid, signal.SIGINT)
        _, stderr = running.communicate(timeout=60)
        assert running.returncode == 130, stderr
        assert "Traceback" not in stderr
        rows = read_results(out / "results.jsonl").rows
        assert 1 <= len(rows) < 4
        assert f"{len(rows)} of 4 cells are kept; go on with --resume --out {out}" in stderr


def test_a_full_disk_keeps_what_was_measured(spec: Path, tmp_path: Path) -> None:
    """The limit of a file's size is as good as a disk that is full to it."""
    import resource

    arguments = ["profile", str(spec), "--metrics", "params", "--set", "backend=unfold", "--format", "csv"]
    whole = invobench(*arguments, "--out", str(tmp_path / "whole"))
    assert whole.returncode == 4  # conv has no unfold
    size = (tmp_path / "whole" / "results.jsonl").stat().st_size - 300
    out = tmp_path / "full"
    running = start(
        *arguments,
        "--out",
        str(out),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        env={
            name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")
        },  # it writes files too
    )
    stdout, stderr = running.communicate(timeout=120)
    assert running.returncode == 4, stderr
    path = out / "results.jsonl"
    cause = "cannot write: File too large; the rows before are kept: free space, then --resume"
    assert f"conv: {path}: {cause}\n" in stderr
    assert "Traceback" not in stderr
    assert [row["name"] for row in csv.DictReader(io.StringIO(stdout))] == ["involution", "conv"]
    found = read_results(path)
    assert [row.name for row in found.rows] == ["involution"]
    assert found.whole == path.stat().st_size
    again = invobench(*arguments, "--out", str(out), "--resume")
    assert "resumed: 1 of 2 cells were finished before" in again.stderr
    assert len(read_results(path).rows) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full is Linux's")
def test_a_full_disk_under_stdout_keeps_the_results(tmp_path: Path) -> None:
    path, out = tmp_path / "spec.yaml", tmp_path / "out"
    path.write_text(PROCESSES)
    with open("/dev/full", "w") as full:
        running = start("profile", str(path), "--metrics", "params", "--set", "in_channels=8", "--out", str(out),
                        stdout=full)  # fmt: skip
        _, stderr = running.communicate(timeout=120)
    assert running.returncode == 4
    assert "stdout: cannot write the report: No space left on device; the results are kept\n" in stderr
    assert f"results: {out / 'results.jsonl'}\n" in stderr
    assert "Traceback" not in stderr


def test_a_folder_that_takes_nothing(spec: Path) -> None:
    done = invobench("profile", str(spec), "--device", "cpu", "--out", str(spec / "out"))
    assert (done.returncode, done.stdout) == (2, "")
    wanted = f"{spec / 'out' / 'results.jsonl'}: cannot write results: Not a directory; choose --out DIR\n"
    assert done.stderr == wanted


PROCESSES = """\
version: 1
layers: [{name: conv, operator: conv, in_channels: 4, kernel_size: 1, height: 4, width: 4}]
measure: {target_ci: 1.0, max_time_s: 0.01, processes: 2, run_time_s: 0.001}
"""


def test_a_budget_that_is_over_says_how_to_go_on(tmp_path: Path) -> None:
    path, out = tmp_path / "spec.yaml", tmp_path / "out"
    path.write_text(PROCESSES)
    arguments = ["--device", "cpu", "--metrics", "latency", "--out", str(out)]
    done = invobench("profile", str(path), *arguments, "--format", "csv")
    assert done.returncode == 4
    assert len(done.stdout.splitlines()) == 1
    over = "measure.run_time_s is over: 0 of 1 cells are kept; not begun: conv"
    assert f"{over}; go on with --resume --out {out}\n" in done.stderr
    path.write_text(PROCESSES.replace("0.001", "1000"))
    again = invobench("profile", "./spec.yaml", *arguments, "--resume", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "[2/2] conv: process 2: " in again.stderr
    assert [row.processes for row in read_results(out / "results.jsonl").rows] == [2]


def test_two_runs_in_one_folder_are_refused(longer: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    running = start("profile", str(longer), "--device", "cpu", "--out", str(out))
    try:
        wait_for_rows(out / "results.jsonl", 0)
        running.send_signal(signal.SIGSTOP)  # it keeps the folder, however fast it is
        second = invobench("profile", str(longer), "--device", "cpu", "--out", str(out), "--resume")
        assert second.returncode == 2
        assert "another run is writing here; choose another --out DIR" in second.stderr
    finally:
        running.terminate()
        running.send_signal(signal.SIGCONT)
        running.communicate(timeout=60)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reader = subprocess.run(
        f"{sys.executable} -m invobench schema | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert reader.stdout.splitlines() == ["{", "0"]
    assert "Traceback" not in reader.stderr


def test_our_own_bug_is_70(monkeypatch: pytest.MonkeyPatch, spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    import invobench.spec
    from invobench.cli import app

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(invobench.spec, "read", broken)
    result = CliRunner().invoke(app, ["validate", str(spec)])
    assert result.exit_code == 70
    assert "internal error in invobench" in result.output + capsys.readouterr().err


def test_what_a_layer_prints_is_not_in_the_report(tmp_path: Path) -> None:
    path = tmp_path / "talks.yaml"
    path.write_text(
        "version: 1\nlayers: [{name: a, module: 'tests.user_layers:Talks', height: 4}]\nmeasure: {max_time_s: 0.01}\n"
    )
    done = invobench("profile", str(path), "--device", "cpu", "--out", str(tmp_path / "out"), "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("name,kind,")
    assert len(done.stdout.splitlines()) == 2
    assert "said on stdout" in done.stderr


def test_tables_print_the_asked_format_alone_on_stdout(tmp_path: Path) -> None:
    done = invobench("tables", "model_zoo", "--format", "csv")
    assert (done.returncode, done.stderr) == (0, "building and counting 5 networks\n")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["model"], row["published_macs"], row["reproduced_by"]) for row in rows] == [
        ("RedNet-26", "1730000000", "hook"),
        ("RedNet-38", "2220000000", "hook"),
        ("RedNet-50", "2710000000", "hook"),
        ("RedNet-101", "4740000000", "hook"),
        ("RedNet-152", "6790000000", "hook"),
    ]


def test_tables_say_what_is_wrong(spec: Path, tmp_path: Path) -> None:
    unknown = invobench("tables", "modelzoo")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.startswith("unknown table 'modelzoo' (did you mean 'model_zoo'?); there are: ablation, ")
    both = invobench("tables", "model_zoo", "--spec", str(spec))
    assert (both.returncode, both.stdout) == (2, "")
    assert both.stderr == "'model_zoo' names a published table and --spec asks for your own: give one of them\n"
    lost = invobench("tables", "--published", str(tmp_path / "none.csv"))
    assert (lost.returncode, lost.stdout) == (2, "")
    assert lost.stderr.startswith(f"{tmp_path / 'none.csv'}: cannot read: ")


def test_tables_of_a_spec(spec: Path) -> None:
    done = invobench("tables", "--spec", str(spec), "--columns", "params,macs", "--format", "jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["params"] for line in done.stdout.splitlines()] == [252, 252, 2304]


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&-"])
def test_closed_descriptors_disturb_nothing(closed: str, tmp_path: Path) -> None:
    """The shell closes them, and the next file that is opened must not get their number."""
    spec = tmp_path / "a.yaml"
    spec.write_text("version: 1\nlayers: [{name: a, operator: conv, height: 7, width: 7}]\n")
    run = f'"$0" -m invobench profile "$1" --metrics params --out "$2" {closed}'
    done = subprocess.run(["bash", "-c", run, sys.executable, spec, tmp_path / "out"], capture_output=True, check=False)
    assert done.returncode == 0
    assert len(read_results(tmp_path / "out" / "results.jsonl").rows) == 1
