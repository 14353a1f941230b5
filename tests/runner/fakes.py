"""A run without processes: jobs answer from a script, and time passes as told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from invobench.results import Environment, Replicate, Row
from invobench.runner import entry, session
from invobench.runner.ledger import Progress
from invobench.runner.machine import Machine
from invobench.runner.processes import Ended
from invobench.runner.session import Outcome, Request
from invobench.spec.cells import Cell, Measure
from tests.builders import cell, involution

HERE = Environment(fingerprint="f", invobench="0", python="3", torch="2", platform="p", cpu="c", cpu_count=1, threads=1)

Script = Callable[[Cell, int], Ended | dict[str, Any]]


def steady(cell: Cell, time: int) -> dict[str, Any]:
    """A process that takes a thousandth longer each time."""
    latency = 0.01 * (1 + time / 1000)
    return {"latency_s": latency, "samples": 2, "samples_s": [latency, latency], "status": "ok", "message": ""}


class FakeProcesses:
    """Answers a job from `script(cell, times measured before)`: row fields, or how its process ended.

    `jobs`: what was run, by name of the cell and metrics; `checked`: whether it was told that its backends are right.
    `seconds` a job pass by `now`.
    """

    def __init__(self, script: Script = steady, seconds: float = 1.0) -> None:
        self.script, self.seconds, self.time = script, seconds, 0.0
        self.jobs: list[tuple[str, tuple[str, ...]]] = []
        self.checked: list[bool] = []

    def now(self) -> float:
        return self.time

    def run(self, job: Any, *args: Any, timeout_s: float, told: Callable[[dict[str, Any]], None]) -> Ended:
        if job is entry.probe:
            return Ended(Machine(HERE, 0, "no GPU"))
        measured, _, metrics, checked = args
        self.checked.append(checked)
        before = sum(name == measured.name for name, _ in self.jobs)
        answer = self.script(measured, before)
        self.jobs.append((measured.name, metrics))
        self.time += self.seconds
        if isinstance(answer, Ended):
            return answer
        told({"backend": "shift", "device": "cpu", **answer})
        return Ended(True)


class Watcher:
    """Remembers what it was told; `at` is called when a process of a cell starts."""

    def __init__(self, at: Callable[[Cell], None] | None = None) -> None:
        self.events: list[str] = []
        self.warnings: list[str] = []
        self.at = at

    def started(self, progress: Progress) -> None:
        self.events.append(f"started {progress.cells_done}/{progress.cells}")

    def cell_started(self, cell: Cell, replicate: int) -> None:
        self.events.append(f"start {cell.name}" + (f" {replicate}" if replicate else ""))
        if self.at:
            self.at(cell)

    def replicate_finished(self, cell: Cell, row: Replicate, progress: Progress) -> None:
        self.events.append(f"process {row.name} {row.replicate} {progress.processes_done}/{progress.processes}")

    def cell_finished(self, cell: Cell, row: Row, progress: Progress) -> None:
        self.events.append(f"finish {row.name}")

    def warned(self, message: str) -> None:
        self.warnings.append(message)


def cells_of(names: str, processes: int = 1, **measure: Any) -> list[Cell]:
    """Cells of one letter each."""
    return [cell(involution(), name=name, measure=Measure(processes=processes, **measure)) for name in names]


def fake_run(
    monkeypatch: pytest.MonkeyPatch,
    cells: list[Cell],
    folder: Path,
    processes: FakeProcesses | None = None,
    watcher: Watcher | None = None,
    **changes: Any,
) -> Outcome:
    """Profile `cells` by fake processes."""
    fake = processes or FakeProcesses()
    monkeypatch.setattr(session, "Processes", lambda: fake)
    request = Request(cells, folder, changes.pop("metrics", ("params", "latency")), "test", **changes)
    return session.profile(request, watcher or Watcher(), now=fake.now)
