"""A run: processes one after another, each measuring one cell, everything written before the next one starts.

PyTorch is for the processes alone: the run itself never imports it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from invobench.errors import EXIT_INTERRUPTED, EXIT_MEASUREMENT, MeasurementError, UsageError, worst_exit
from invobench.measure.ceilings import Ceilings, read_ceilings
from invobench.measure.roofline import hint, limited
from invobench.results import MEASURED, Replicate, ResultsFile, Row, Run, digest, read_results, truncate
from invobench.runner import entry, interrupts
from invobench.runner.ledger import Ledger, Left, Progress
from invobench.runner.machine import Machine
from invobench.runner.processes import Processes
from invobench.runner.resume import difference, spec_id, under_recorded_paths
from invobench.runner.rows import gather, make_row
from invobench.runner.schedule import Job, metrics_of, schedule, spent
from invobench.spec.cells import Cell

_PROBE_TIMEOUT_S = 300.0
Now = Callable[[], float]


class Observer(Protocol):
    """Who watches a run."""

    def started(self, progress: Progress) -> None:
        """The run begins, with what was finished before."""

    def cell_started(self, cell: Cell, replicate: int) -> None:
        """`cell` is being measured for the `replicate`-th time, from 0."""

    def replicate_finished(self, cell: Cell, row: Replicate, progress: Progress) -> None:
        """One of several processes of `cell` is on disk."""

    def cell_finished(self, cell: Cell, row: Row, progress: Progress) -> None:
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
        return digest({"cells": sorted(cell.key for cell in self.cells), "metrics": sorted(self.metrics)})


@dataclass
class Outcome:
    """The rows in the order of the cells, and how the run ended.

    A cell of `left` has a row here if one of its processes is done, and none in the file until all are. `ceilings`:
    what the rows were set against.
    """

    run: Run
    rows: list[Row] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    interrupted: bool = False
    error: MeasurementError | None = None
    ceilings: Ceilings | None = None

    @property
    def exit_code(self) -> int:
        """0 where every cell was measured; 130 interrupted; 4 where one was not."""
        whole = self.rows and all(row.status in MEASURED for row in self.rows) and not (self.error or self.left)
        return worst_exit([EXIT_INTERRUPTED] * self.interrupted + [EXIT_MEASUREMENT] * (not whole))

    @property
    def hint(self) -> str:
        """The command that would give the rows their limits; empty where they have them."""
        return hint(self.rows, self.ceilings)


def profile(request: Request, observer: Observer, now: Now = time.monotonic) -> Outcome:
    """Measure every cell of `request`. Raises UsageError for what cannot start.

    Ctrl-C, a results file that cannot be written and `measure.run_time_s` end the run early; what was measured is in
    the outcome. Ctrl-C before the first cell raises KeyboardInterrupt.
    """
    start = now()
    with interrupts.held_back():
        processes = Processes()
        machine = _probe(processes)
        devices = {name: resolve_device(name, machine) for name in dict.fromkeys(cell.device for cell in request.cells)}
        run = _head(request, machine)
        ceilings, note = read_ceilings(machine.environment.fingerprint)
        if note:
            observer.warned(f"{note}: rows have no limits; invobench ceilings measures them")
        file = ResultsFile(request.folder, run)
        try:
            run, ledger = _ledger(request, run, file, observer, lambda row: limited(row, ceilings))
            outcome = Outcome(run, ceilings=ceilings)
            _measure_all(ledger, outcome, observer, _Means(request.metrics, devices, processes, lambda: now() - start))
        finally:
            file.close()
        outcome.interrupted |= interrupts.take()
    outcome.rows, outcome.left = ledger.rows(), ledger.left()
    return outcome


def _probe(processes: Processes) -> Machine:
    """The machine as a process of its own sees it."""
    probed = processes.run(entry.probe, timeout_s=_PROBE_TIMEOUT_S, told=lambda fields: None)
    if probed.value is None:
        raise MeasurementError(f"cannot start a worker: {probed.reason or 'no answer'}; does `import torch` work?")
    machine: Machine = probed.value
    return machine


def _head(request: Request, machine: Machine) -> Run:
    """The run's record."""
    begun = Run(
        run_key=request.key,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=request.command,
        overrides=request.overrides,
        specs=(),
        environment=machine.environment,
        metrics=request.metrics,
    )
    return _named(begun, request)


def _named(run: Run, request: Request) -> Run:
    """`run` with the cells of `request`, under the paths that these have."""
    specs = tuple(dict.fromkeys(cell.spec for cell in request.cells))
    return run.model_copy(
        update={
            "run_key": request.key,
            "specs": specs,
            "spec_ids": tuple(spec_id(spec) for spec in specs),
            "cells": {cell.key: cell.describe() for cell in request.cells},
        }
    )


def resolve_device(requested: str, machine: Machine) -> str:
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


def _ledger(
    request: Request, run: Run, file: ResultsFile, observer: Observer, finish: Callable[[Row], Row]
) -> tuple[Run, Ledger]:
    """The run as it was begun, and what the folder holds of it. Raises UsageError where it holds another."""
    if file.fresh:
        return run, Ledger(request.cells, request.metrics, file, ((), ()), finish)
    if not request.resume:
        raise UsageError(f"{file.path}: there are results already; --resume, or choose another --out DIR")
    found = read_results(file.path, observer.warned)
    cells = under_recorded_paths(request.cells, found.run)
    differs = difference(found.run, _named(run, replace(request, cells=cells)))
    if differs:
        raise UsageError(f"{file.path}: results of another run: {differs}; choose another --out DIR")
    if found.run.environment.fingerprint != run.environment.fingerprint:
        raise UsageError(f"{file.path}: measured in another environment; choose another --out DIR")
    if found.whole < file.size:
        truncate(file.path, found.whole)
    return found.run, Ledger(cells, request.metrics, file, (found.rows, found.replicates), finish)


@dataclass(frozen=True)
class _Means:
    """What measuring takes: the metrics, where each device is, processes, and the seconds since the run's start."""

    metrics: tuple[str, ...]
    devices: dict[str, str]
    processes: Processes
    elapsed: Now


def _measure_all(ledger: Ledger, outcome: Outcome, observer: Observer, means: _Means) -> None:
    """Do what is left, in the order of the schedule, until it is done, interrupted, out of time or out of disk."""
    observer.started(ledger.progress())
    try:
        for index in range(len(ledger.cells)):  # whose last process came in just before a run ended
            _close(ledger, index, observer)
        for job in schedule(ledger.wanted):
            cell = ledger.cells[job.cell]
            if not ledger.needs(job) or spent(cell, means.elapsed()):
                continue
            interrupts.check()
            observer.cell_started(cell, job.replicate)
            row = _measure(cell, job, means)
            replicate = ledger.record(job, row)
            if replicate is not None:
                observer.replicate_finished(cell, replicate, ledger.progress())
            _close(ledger, job.cell, observer)
    except KeyboardInterrupt:
        outcome.interrupted = True
    except MeasurementError as error:
        outcome.error = error


def _close(ledger: Ledger, index: int, observer: Observer) -> None:
    row = ledger.close(index)
    if row is not None:
        observer.cell_finished(ledger.cells[index], row, ledger.progress())


def _measure(cell: Cell, job: Job, means: _Means) -> Row:
    """The row of one process of `cell`: what it told before it ended, however it ended."""
    fields: dict[str, Any] = {}

    def told(news: dict[str, Any]) -> None:
        gather(fields, news)

    timeout_s = cell.measure.timeout_s
    arguments = (cell, means.devices[cell.device], metrics_of(job, means.metrics), job.replicate > 0)
    ended = means.processes.run(entry.measure_cell, *arguments, timeout_s=timeout_s, told=told)
    if ended.timed_out:
        told({"status": "timeout", "message": f"not done after {timeout_s:g} s: raise measure.timeout_s"})
    elif ended.reason:
        told({"status": "failed", "message": ended.reason})
    return make_row(cell, fields)
