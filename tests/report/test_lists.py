"""`list`, `--dry-run` and the progress on stderr."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from invobench.complexity.counters import COUNTERS
from invobench.conventions import RULES
from invobench.errors import UnknownName
from invobench.networks import NETWORKS
from invobench.operators import BACKENDS, OPERATORS
from invobench.report import REPORTS
from invobench.report.figures import FIGURES
from invobench.report.inventory import INVENTORIES
from invobench.report.plan import render_plan
from invobench.report.progress import Bar, Lines, Quiet, observer
from invobench.results import Replicate
from invobench.runner.ledger import Progress
from invobench.runner.metrics import METRICS
from invobench.spec.cells import Measure
from invobench.spec.contract import Contract
from invobench.table import Table
from tests.builders import cell, involution, rednet26
from tests.rows import MISSING, row


def listed(what: str) -> list[list[str]]:
    """The words of each line."""
    text = INVENTORIES[what].load()()
    lines = [line.split() for line in text.splitlines()]
    assert all(lines)
    return lines


@pytest.mark.parametrize(
    ("what", "table"),
    [
        ("operators", OPERATORS),
        ("networks", NETWORKS),
        ("metrics", METRICS),
        ("counters", COUNTERS),
        ("conventions", RULES),
        ("figures", FIGURES),
        ("formats", REPORTS),
    ],
)
def test_every_name_is_listed_in_order(what: str, table: dict[str, object]) -> None:
    assert [words[0] for words in listed(what)] == list(table)


def test_every_backend_is_listed_with_its_operator() -> None:
    wanted = [[operator, name] for operator, table in BACKENDS.items() for name in table]
    assert [words[:2] for words in listed("backends")] == wanted


def test_operators_are_listed_with_their_fields() -> None:
    text = INVENTORIES["operators"].load()()
    for operator, entry in OPERATORS.items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"{operator} ")]
        assert line.endswith("fields: " + ", ".join(entry.fields().model_fields))


def test_columns_are_aligned() -> None:
    lines = INVENTORIES["formats"].load()().splitlines()
    assert {line.index(REPORTS[line.split()[0]].summary) for line in lines} == {len("markdown") + 2}


@pytest.mark.parametrize(
    ("version", "available", "state"),
    [
        (None, False, "no CUDA in this PyTorch"),
        ("13.0", False, "no CUDA device found"),
        ("13.0", True, "available"),
    ],
)
def test_backends_say_why_a_device_is_not_here(
    monkeypatch: pytest.MonkeyPatch, version: str | None, available: bool, state: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", version)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    for line in INVENTORIES["backends"].load()().splitlines():
        operator, backend, *_ = line.split()
        on_cuda = state if "cuda" in BACKENDS[operator][backend].devices else "runs on cpu only, not on cuda"
        assert line.endswith(f"cpu: available; cuda: {on_cuda}")


def test_backends_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = BACKENDS["conv"]["aten"]
    entries = {"exotic": replace(entry, requires=("no_such_library",)), "gpu": replace(entry, devices=("cuda",))}
    monkeypatch.setitem(BACKENDS._entries, "conv", Table("backend", entries))
    exotic, gpu = (line for line in INVENTORIES["backends"].load()().splitlines() if line.startswith("conv "))
    needs = "needs no_such_library, not installed"
    assert exotic.endswith(f"cpu: {needs}; cuda: {needs}")
    assert "cpu: runs on cuda only, not on cpu; cuda: " in gpu


def test_another_list_is_refused() -> None:
    with pytest.raises(UnknownName) as raised:
        INVENTORIES["operator"]
    names = "backends, conventions, counters, figures, formats, metrics, networks, operators"
    assert str(raised.value) == f"unknown list 'operator' (did you mean 'operators'?); there are: {names}"


def test_a_plan_lists_the_cells_and_their_time() -> None:
    measure = Measure(max_time_s=2.0, timeout_s=600.0)
    cells = [
        cell(involution(), name="inv", coordinates=(("kernel_size", 3),), backend="shift", measure=measure),
        cell(rednet26(), (1, 3, 224, 224), name="net", mode="backward", measure=measure),
    ]
    assert render_plan(cells, ("params", "latency")).splitlines() == [
        "inv kernel_size=3: 2×16×9×7, float32, forward, backend shift, device cpu",
        "net: 1×3×224×224, float32, backward, backend auto, device cpu",
        "2 cells; sampling takes about 6.00 s, more where calls are slow; start-up and counting come on top; "
        "bound: 1200 s, measure.timeout_s a process",
    ]
    assert render_plan(cells, ("params",)).splitlines()[-1] == "2 cells; bound: 1200 s, measure.timeout_s a process"


def test_a_plan_of_nothing() -> None:
    assert render_plan([], ("latency",)).startswith("0 cells; ")


def test_a_plan_knows_processes_and_the_budget() -> None:
    several = cell(involution(), name="a", measure=Measure(processes=10, timeout_s=60.0))
    bounded = cell(involution(), name="b", measure=Measure(processes=6, timeout_s=60.0, run_time_s=90.0))
    lines = render_plan([several, bounded], ("latency",)).splitlines()
    assert lines[0] == "a: 2×16×9×7, float32, forward, backend auto, device cpu, 10 processes"
    assert lines[-1] == (
        "2 cells, 16 processes; sampling takes about 48.0 s, more where calls are slow; start-up and counting come on "
        "top; bound: 750 s, measure.run_time_s and measure.timeout_s for the process that runs then"
    )
    contract = Contract(cache="cold", threads=1, affinity=True)
    cold = cell(involution(), name="d", contract=contract, coordinates=(("threads", 1),))
    assert render_plan([cold], ()).splitlines()[0] == (
        "d threads=1: 2×16×9×7, float32, forward, backend auto, device cpu, cache cold, affinity"
    )
    patient = cell(involution(), name="c", measure=Measure(timeout_s=1.0, run_time_s=9000.0))
    assert "bound: 1.00 s, " in render_plan([patient], ("latency",))


CELL = cell(involution(), name="inv", coordinates=(("kernel_size", 3),))
FAILED = row(**MISSING, status="failed", message="RuntimeError: [bold]x[/bold]")


def watch(watching: Quiet) -> None:
    """A run of three cells, one of them done before, one fails."""
    watching.started(Progress(3, 1, 3, 1))
    watching.cell_started(CELL, 0)
    watching.cell_finished(CELL, row(), Progress(3, 2, 3, 2))
    watching.warned("the last line was cut off")
    watching.cell_started(CELL, 0)
    watching.cell_finished(CELL, FAILED, Progress(3, 3, 3, 3))
    watching.finished()


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    watch(Lines())
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "resumed: 1 of 3 cells were finished before",
        "[2/3] inv kernel_size=3: ok, 12.3 ms (shift)",
        "warning: the last line was cut off",
        "[3/3] inv kernel_size=3: failed: RuntimeError: [bold]x[/bold]",
    ]


def test_quiet_says_warnings_alone(capsys: pytest.CaptureFixture[str]) -> None:
    watch(Quiet())
    assert capsys.readouterr() == ("", "warning: the last line was cut off\n")


def test_a_bar_leaves_warnings_and_failures_behind(capsys: pytest.CaptureFixture[str]) -> None:
    """Not on a terminal here: what is printed above the bar is all that there is, and the bar at its end."""
    watch(Bar())
    out, err = capsys.readouterr()
    assert out == ""
    assert "warning: the last line was cut off\n" in err
    assert "inv kernel_size=3: failed: RuntimeError: [bold]x[/bold]\n" in err
    assert "ok, 12.3 ms" not in err


def test_a_bar_leaves_behind_why_a_row_is_noisy(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else on a terminal says what to do about it."""
    bar = Bar()
    bar.started(Progress(1, 0, 1, 0))
    bar.cell_finished(CELL, row(status="noisy", message="median ±9.0%"), Progress(1, 1, 1, 1))
    bar.finished()
    assert "inv kernel_size=3: noisy, 12.3 ms (shift): median ±9.0%\n" in capsys.readouterr().err


def test_a_bar_that_never_started_can_be_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    Bar().finished()
    assert capsys.readouterr().out == ""


def test_a_row_without_latency_or_message_says_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.started(Progress(1, 0, 1, 0))
    lines.cell_finished(CELL, row(**MISSING), Progress(1, 1, 1, 1))
    assert capsys.readouterr().err == "[1/1] inv kernel_size=3: ok\n"


def watch_processes(watching: Quiet) -> None:
    """A run of two cells in two processes each, gone on with."""
    watching.started(Progress(2, 1, 4, 3))
    watching.cell_started(CELL, 1)
    watching.replicate_finished(CELL, Replicate(**row().model_dump(), replicate=1), Progress(2, 1, 4, 4))
    watching.cell_finished(CELL, row(status="failed", message="process 2 of 2: killed"), Progress(2, 2, 4, 4))
    watching.finished()


def test_lines_of_processes(capsys: pytest.CaptureFixture[str]) -> None:
    """A cell that failed in part says why, and what it has."""
    watch_processes(Lines())
    assert capsys.readouterr().err.splitlines() == [
        "resumed: 1 of 2 cells (3 of 4 processes) were finished before",
        "[4/4] inv kernel_size=3: process 2: ok, 12.3 ms (shift)",
        "[4/4] inv kernel_size=3: failed: process 2 of 2: killed; measured: 12.3 ms (shift)",
    ]


def test_a_bar_of_processes(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    watch_processes(bar)
    (task,) = bar._progress.tasks
    assert (task.completed, task.total, task.description) == (4, 4, "inv kernel_size=3, process 2")
    assert "inv kernel_size=3: failed: process 2 of 2: killed; measured: 12.3 ms (shift)\n" in capsys.readouterr().err


def test_who_watches() -> None:
    assert type(observer(True, True)) is type(observer(True, False)) is Quiet
    assert type(observer(False, False)) is Lines
    assert type(observer(False, True)) is Bar
