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
from invobench.runner.metrics import METRICS
from invobench.spec.cells import Measure
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
        assert line.endswith(f"cpu: available; cuda: {state}")


def test_backends_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = BACKENDS["conv"]["aten"]
    entries = {"exotic": replace(entry, requires=("no_such_library",)), "gpu": replace(entry, devices=("cuda",))}
    monkeypatch.setitem(BACKENDS, "conv", Table("backend", entries))
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
    assert render_plan(cells).splitlines() == [
        "inv kernel_size=3: 2×16×9×7, float32, forward, backend shift, device cpu",
        "net: 1×3×224×224, float32, backward, backend auto, device cpu",
        "2 cells; sampling takes about 6.00 s, more where calls are slow; start-up and counting come on top; "
        "bound: 1200 s, measure.timeout_s a cell",
    ]


def test_a_plan_of_nothing() -> None:
    assert render_plan([]).startswith("0 cells; ")


CELL = cell(involution(), name="inv", coordinates=(("kernel_size", 3),))
FAILED = row(**MISSING, status="failed", message="RuntimeError: [bold]x[/bold]")


def watch(watching: Quiet) -> None:
    """A run of three cells, one of them done before, one fails."""
    watching.started(3, 1)
    watching.cell_started(CELL)
    watching.cell_finished(CELL, row())
    watching.warned("the last line was cut off")
    watching.cell_started(CELL)
    watching.cell_finished(CELL, FAILED)
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


def test_a_bar_that_never_started_can_be_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    Bar().finished()
    assert capsys.readouterr().out == ""


def test_a_row_without_latency_or_message_says_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.started(1, 0)
    lines.cell_finished(CELL, row(**MISSING))
    assert capsys.readouterr().err == "[1/1] inv kernel_size=3: ok\n"


def test_who_watches() -> None:
    assert type(observer(True, True)) is type(observer(True, False)) is Quiet
    assert type(observer(False, False)) is Lines
    assert type(observer(False, True)) is Bar
