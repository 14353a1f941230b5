"""Runs: every way that a cell can end is a row, and no finished row is lost or repeated."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from invobench.errors import MeasurementError, UsageError
from invobench.results import MEASURED, Environment, Row, read_results
from invobench.runner import session
from invobench.runner.machine import Machine
from invobench.runner.metrics import METRICS
from invobench.runner.session import Outcome, Request, profile, resolve_device
from invobench.spec.cells import Cell, Measure
from tests.builders import cell, involution, layer, rednet26
from tests.runner.fakes import Watcher


def run(cells: list[Cell], folder: Path, watcher: Watcher | None = None, **changes: Any) -> Outcome:
    request = Request(cells, folder, changes.pop("metrics", tuple(METRICS)), "test", **changes)
    return profile(request, watcher or Watcher())


def user(name: str, **changes: Any) -> Cell:
    return cell(layer("module", module=f"tests.user_layers:{name}"), name=name.lower(), **changes)


def test_every_row_of_a_layer_is_filled(tmp_path: Path) -> None:
    patient = Measure(target_ci=1.0, max_time_s=2.0)
    modes = ("forward", "backward", "train_step")
    outcome = run(
        [cell(involution(), mode=mode, name=mode, measure=patient, backend="shift") for mode in modes], tmp_path
    )
    assert outcome.exit_code == 0
    for row in outcome.rows:
        assert row.status in MEASURED, row.message
        assert row.backend in {"unfold", "shift"}
        assert (row.device, row.clock, row.execution, row.cache) == ("cpu", "perf_counter", "eager", "hot")
        assert row.macs_dispatched == row.macs_formula
        assert row.params == 16 * 4 + 2 * 4 + 4 * 36 + 36
        assert row.latency_s is not None
        assert row.samples == len(row.samples_s) >= 6
        assert row.latency_low_s <= row.latency_s <= row.latency_high_s
        assert row.throughput_per_s == pytest.approx(2 / row.latency_s)
        assert row.peak_memory_bytes >= 2 * 16 * 9 * 7 * 4
        assert row.max_error == max(row.output_error, row.gradient_error) < 1e-5
    forward, backward, train = outcome.rows
    assert backward.macs_formula == 2 * forward.macs_formula
    assert train.macs_formula == 3 * forward.macs_formula
    assert forward.macs_fvcore
    assert backward.macs_fvcore is None
    assert (forward.autograd, backward.autograd) == (False, True)


def test_a_network_row(tmp_path: Path) -> None:
    outcome = run([cell(rednet26(), (1, 3, 65, 33), name="net", backend="shift")], tmp_path)
    (row,) = outcome.rows
    assert row.status in MEASURED
    assert (row.kind, row.operator, row.backend, row.kernel_size) == ("network", "involution", "shift", 3)
    assert row.macs_dispatched == row.macs_formula
    assert row.max_error < 1e-5


def test_a_layer_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    (row, spectral) = run([user("Plain"), user("Spectral")], tmp_path).rows
    assert row.status in MEASURED
    assert (row.operator, row.backend) == ("tests.user_layers:Plain", "own")
    assert row.params == 16 * 16 * 9
    assert row.macs_dispatched == 2 * 9 * 7 * 16 * 16 * 9
    assert row.macs_formula is None
    assert row.max_error is None
    assert spectral.macs_dispatched is None
    assert "fft" in spectral.uncounted


def test_each_failure_is_a_row_and_the_rest_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    cells = [
        user("Segfaults"),
        user("Killed"),
        user("Exits"),
        user("Hangs", measure=Measure(max_time_s=0.01, timeout_s=1.0)),
        user("Raises"),
        user("Exhausts"),
        user("Forgets"),
        user("Leaves"),
        cell(layer("module", module="tests.user_layers:Missing"), name="missing"),
        cell(layer("conv", kernel_size=3), name="unsupported", backend="shift"),
        cell(layer("conv", kernel_size=3), name="good"),
    ]
    outcome = run(cells, tmp_path)
    found = {row.name: (row.status, row.message) for row in outcome.rows}
    assert found["segfaults"] == ("failed", "the worker process was killed by SIGSEGV")
    assert found["killed"][0] == "failed"
    assert "SIGKILL" in found["killed"][1]
    assert "out-of-memory" in found["killed"][1]
    assert found["exits"] == ("failed", "the worker process exited with code 3")
    assert found["hangs"] == ("timeout", "not done after 1 s: raise measure.timeout_s")
    assert found["raises"][0] == "failed"
    assert found["raises"][1].startswith("ValueError: the layer's own mistake (in ")
    assert "\n" not in found["raises"][1]
    assert found["exhausts"][0] == "oom"
    assert found["exhausts"][1].endswith("reduce batch, height or width")
    assert found["forgets"] == ("oom", "out of memory: reduce batch, height or width")
    assert found["leaves"] == ("failed", "the worker process exited with code 0 and no answer")
    assert found["missing"][0] == "failed"
    assert "Missing" in found["missing"][1]
    assert found["unsupported"] == (
        "unsupported",
        "backend shift: conv has none of that name; it has: reference, aten",
    )
    assert found["good"][0] in MEASURED
    assert outcome.exit_code == 4
    assert [row.name for row in read_results(tmp_path / "results.jsonl").rows] == [cell.name for cell in cells]


def test_what_was_known_before_a_crash_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    (row,) = run([user("Segfaults")], tmp_path, metrics=("params", "latency")).rows
    assert (row.params, row.backend, row.device) == (0, "own", "cpu")


def test_latency_brings_the_check_with_it(tmp_path: Path) -> None:
    (row,) = run([cell(involution())], tmp_path, metrics=("latency",)).rows
    assert row.max_error is not None
    assert row.peak_memory_bytes is None
    assert row.macs_dispatched is None


def test_resume_skips_what_is_finished_and_mends_a_torn_line(tmp_path: Path) -> None:
    cells = [cell(involution(), name=name) for name in ("one", "two", "three")]

    def interrupt(cell: Cell) -> None:
        if cell.name == "three":
            raise KeyboardInterrupt

    first = run(cells, tmp_path, Watcher(interrupt))
    assert (first.interrupted, first.exit_code, len(first.rows)) == (True, 130, 2)
    path = tmp_path / "results.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"record": "row", "name": "thr')
    watcher = Watcher()
    second = run(cells, tmp_path, watcher, resume=True)
    assert second.exit_code == 0
    assert watcher.events == ["started 2/3", "start three", "finish three"]
    assert watcher.warnings == [f"{path}:4: cut off: the line is left out; profile --resume measures its cell again"]
    assert path.read_bytes().startswith(whole)
    assert [json.loads(line).get("name") for line in path.read_text().splitlines()] == [None, "one", "two", "three"]
    third = run(cells, tmp_path, Watcher(), resume=True)
    assert [row.name for row in third.rows] == ["one", "two", "three"]
    assert third.rows == second.rows


def test_resume_refuses_another_run(tmp_path: Path) -> None:
    one = [cell(involution(), name="one")]
    run(one, tmp_path)
    with pytest.raises(UsageError, match="there are results already; --resume, or choose another --out DIR"):
        run(one, tmp_path)
    path = tmp_path / "results.jsonl"
    fingerprint = read_results(path).run.environment.fingerprint
    path.write_text(path.read_text().replace(fingerprint, "0" * 16))
    with pytest.raises(UsageError, match="measured in another environment"):
        run(one, tmp_path, resume=True)


def test_a_full_disk_ends_the_run_with_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [cell(involution(), name=name) for name in ("one", "two", "three")]
    append = session.ResultsFile.append

    def full(self: session.ResultsFile, row: Row) -> None:
        if row.name == "two":
            raise MeasurementError("no space")
        append(self, row)

    monkeypatch.setattr(session.ResultsFile, "append", full)
    outcome = run(cells, tmp_path)
    assert outcome.exit_code == 4
    assert [row.name for row in outcome.rows] == ["one", "two"]
    assert str(outcome.error) == "two: no space"
    assert [row.name for row in read_results(tmp_path / "results.jsonl").rows] == ["one"]


@pytest.mark.parametrize(
    ("requested", "devices", "expected"),
    [("auto", 0, "cpu"), ("auto", 1, "cuda:0"), ("cpu", 1, "cpu"), ("cuda", 2, "cuda:0"), ("cuda:1", 2, "cuda:1")],
)
def test_devices(requested: str, devices: int, expected: str) -> None:
    assert resolve_device(requested, machine(devices)) == expected


def test_a_device_that_is_not_here_is_refused() -> None:
    with pytest.raises(UsageError, match=r"device cuda: no GPU; use --device cpu or auto"):
        resolve_device("cuda", machine(0))
    with pytest.raises(UsageError, match=r"device cuda:2: not here; there are: cpu, cuda:0, cuda:1"):
        resolve_device("cuda:2", machine(2))


def machine(devices: int) -> Machine:
    here = Environment(
        fingerprint="f", invobench="0", python="3", torch="2", platform="p", cpu="c", cpu_count=1, threads=1
    )
    return Machine(here, devices, "no GPU")


def test_a_wrong_backend_is_not_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from invobench.runner import parity

    wrong = cell(involution(), backend="shift")
    case = _case(wrong)

    def off(module: Any, inputs: Any) -> list[Any]:
        found = results(module, inputs)
        return found if inputs[0].dtype.itemsize == 8 or not _shifted(module) else [found[0] * 1.001, *found[1:]]

    results = parity.results
    monkeypatch.setattr(parity, "results", off)
    with pytest.raises(MeasurementError, match=r"backend shift of involution is wrong, and was not timed: output off"):
        parity.check_case(case)


def _case(of: Cell) -> Any:
    import torch

    from invobench.runner.cases import build_case

    return build_case(of, torch.device("cpu"))


def _shifted(module: Any) -> bool:
    return "shift" in module.aggregate.__module__


def test_a_nan_is_not_within_tolerance() -> None:
    import torch

    from invobench.runner.parity import relative_error

    assert math.isnan(relative_error(torch.tensor([1.0, math.nan]), torch.tensor([1.0, 2.0]).double()))
    assert relative_error(torch.tensor([0.5]), torch.tensor([0.0]).double()) == 0.5
    assert relative_error(torch.tensor([3.0]), torch.tensor([2.0]).double()) == 0.5


def test_frozen_parameters_and_cached_tensors_are_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    rows = run([user("Frozen", mode=mode) for mode in ("forward", "backward", "train_step")], tmp_path).rows
    assert [row.status in MEASURED for row in rows] == [True] * 3, [row.message for row in rows]
    outputs = 2 * 9 * 7 * 16
    products = outputs * 16 * 9
    # each output is multiplied by `extra` as well, which has no gradient
    assert [row.macs_dispatched for row in rows] == [
        products + outputs,
        2 * products + outputs,
        3 * products + 2 * outputs,
    ]
