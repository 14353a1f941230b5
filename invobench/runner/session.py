"""A run: cells one after another, each in its process, each row written before the next cell starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from invobench.errors import EXIT_INTERRUPTED, EXIT_MEASUREMENT, MeasurementError, UsageError, worst_exit
from invobench.results import (
    MEASURED,
    ResultsFile,
    Row,
    Run,
    digest,
    finished,
    read_results,
    truncate,
)
from invobench.runner import worker
from invobench.runner.processes import Ended, Processes
from invobench.runner.rows import make_row
from invobench.spec.cells import Cell

_PROBE_TIMEOUT_S = 300.0


class Observer(Protocol):
    """Who watches a run."""

    def started(self, total: int, done: int) -> None:
        """The run has `total` cells, `done` of them finished before."""

    def cell_started(self, cell: Cell) -> None:
        """`cell` is being measured."""

    def cell_finished(self, cell: Cell, row: Row) -> None:
        """`row` is on disk."""

    def warned(self, message: str) -> None:
        """Something that the user should know."""


@dataclass(frozen=True)
class Request:
    """What to run and where its results go."""

    cells: Sequence[Cell]
    folder: Path
    metrics: tuple[str, ...]
    command: str
    overrides: tuple[str, ...] = ()
    resume: bool = False

    @property
    def key(self) -> str:
        """A hash of the cells and metrics: a folder holds the results of one."""
        return digest({"cells": [cell.key for cell in self.cells], "metrics": list(self.metrics)})


@dataclass
class Outcome:
    """The rows in the order of the cells, and how the run ended."""

    run: Run
    rows: list[Row] = field(default_factory=list)
    interrupted: bool = False
    error: MeasurementError | None = None

    @property
    def exit_code(self) -> int:
        """0 where every cell was measured; 130 interrupted; 4 where one was not."""
        whole = self.rows and all(row.status in MEASURED for row in self.rows) and self.error is None
        return worst_exit([EXIT_INTERRUPTED] * self.interrupted + [EXIT_MEASUREMENT] * (not whole))


def profile(request: Request, observer: Observer) -> Outcome:
    """Measure every cell of `request`. Raises UsageError for what cannot start.

    Ctrl-C and a results file that cannot be written end the run early; what was measured is in the outcome.
    """
    processes = Processes()
    probed = processes.run(worker.probe, timeout_s=_PROBE_TIMEOUT_S, told=lambda fields: None)
    if probed.value is None:
        raise MeasurementError(f"cannot start a worker: {probed.reason or 'no answer'}; does `import torch` work?")
    machine: worker.Machine = probed.value
    devices = {name: resolve_device(name, machine) for name in dict.fromkeys(cell.device for cell in request.cells)}
    run = Run(
        run_key=request.key,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=request.command,
        overrides=request.overrides,
        specs=tuple(dict.fromkeys(cell.spec for cell in request.cells)),
        environment=machine.environment,
    )
    file = ResultsFile(request.folder, run)
    try:
        outcome = _outcome_before(request, run, file, observer)
        _run_cells(request, outcome, devices, processes, file, observer)
    finally:
        file.close()
    order = {cell.key: index for index, cell in enumerate(request.cells)}
    outcome.rows.sort(key=lambda row: order[row.cell_key])
    return outcome


def resolve_device(requested: str, machine: worker.Machine) -> str:
    """The device that `requested` means here. Raises UsageError where there is none; only `auto` chooses."""
    if requested == "auto":
        return "cuda:0" if machine.cuda_devices else "cpu"
    kind, _, index = requested.partition(":")
    if kind == "cpu":
        return "cpu"
    if not machine.cuda_devices:
        raise UsageError(f"device {requested}: {machine.cuda_missing}; use --device cpu or auto")
    number = int(index or 0)
    if number >= machine.cuda_devices:
        there = ", ".join(f"cuda:{n}" for n in range(machine.cuda_devices))
        raise UsageError(f"device {requested}: not here; there are: cpu, {there}")
    return f"cuda:{number}"


def _outcome_before(request: Request, run: Run, file: ResultsFile, observer: Observer) -> Outcome:
    """What the folder holds of this run already. Raises UsageError where it holds another."""
    before, rows, length = read_results(file.path)
    if not request.resume:
        if not file.fresh:
            raise UsageError(f"{file.path}: there are results already; --resume, or choose another --out DIR")
        return Outcome(run)
    if before.run_key != run.run_key:
        raise UsageError(f"{file.path}: results of another spec or other options; choose another --out DIR")
    if before.environment.fingerprint != run.environment.fingerprint:
        raise UsageError(f"{file.path}: measured in another environment; choose another --out DIR")
    if length < file.size:
        observer.warned(f"{file.path}: the last line was cut off; it is dropped, and its cell is measured again")
        truncate(file.path, length)
    return Outcome(before, rows)


def _run_cells(
    request: Request,
    outcome: Outcome,
    devices: dict[str, str],
    processes: Processes,
    file: ResultsFile,
    observer: Observer,
) -> None:
    done = finished(outcome.rows)
    observer.started(len(request.cells), len(done))
    try:
        for cell in request.cells:
            if cell.key in done:
                continue
            observer.cell_started(cell)
            row = measure(cell, devices[cell.device], request.metrics, processes)
            outcome.rows.append(row)
            file.append(row)
            observer.cell_finished(cell, row)
    except KeyboardInterrupt:
        outcome.interrupted = True
    except MeasurementError as error:
        outcome.error = error


def measure(cell: Cell, device: str, metrics: tuple[str, ...], processes: Processes) -> Row:
    """The row of `cell`: what its process told before it ended, however it ended."""
    fields: dict[str, Any] = {}

    def told(news: dict[str, Any]) -> None:
        notes = [note for note in (fields.get("message"), news.get("message")) if note]
        fields.update(news)
        if notes:
            fields["message"] = "; ".join(notes)

    timeout_s = cell.measure.timeout_s
    ended: Ended = processes.run(worker.measure_cell, cell, device, metrics, timeout_s=timeout_s, told=told)
    if ended.timed_out:
        told({"status": "timeout", "message": f"not done after {timeout_s:g} s: raise measure.timeout_s"})
    elif ended.reason:
        told({"status": "failed", "message": ended.reason})
    return make_row(cell, fields)
